//! Any value of each argument type is read as it was written.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use amp_rpc_core::argument::Source;
use amp_rpc_core::wire::{BoxWriter, Key, Limits, RawValue, parse};
use amp_rpc_core::{Argument, Field, NoContext};
use proptest::prelude::*;

const KEY: Key<'static> = Key::from_prefixed(b"\0\x01k");

fn check<T: Field + PartialEq + Debug>(value: &T) {
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
    value.to_box(KEY, &mut writer, &mut NoContext).unwrap();
    writer.finish().unwrap();
    let view = parse(&bytes).next().unwrap().unwrap();
    let source = Source::new(KEY, view.get(KEY.name()), &view);
    assert_eq!(&T::from_box(source, &mut NoContext).unwrap(), value);
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..20).prop_map(|all| all.into_iter().collect())
}

/// Few elements, so that a list of lists fits a value.
fn small<T: Strategy>(element: T) -> impl Strategy<Value = Vec<T::Value>> {
    prop::collection::vec(element, 0..12)
}

macro_rules! round_trips {
    ($($name:ident: $ty:ty;)*) => {
        proptest! {
            $(#[test]
            fn $name(value in any::<$ty>()) {
                check(&value);
            })*
        }
    };
}

round_trips! {
    i8s: i8;
    i16s: i16;
    i32s: i32;
    i64s: i64;
    i128s: i128;
    isizes: isize;
    u8s: u8;
    u16s: u16;
    u32s: u32;
    u64s: u64;
    u128s: u128;
    usizes: usize;
    bools: bool;
    chars: char;
    bytes: Vec<u8>;
    arrays: [u8; 7];
    optional: Option<i64>;
    lists: Vec<i32>;
    deques: VecDeque<u64>;
    boxed_slices: Box<[i128]>;
}

proptest! {
    #[test]
    fn texts(text in text()) {
        check(&text);
        check(&Arc::<str>::from(&*text));
        check(&text.clone().into_boxed_str());
        check(&PathBuf::from(&text));
        check(&vec![text.clone(), text]);
    }

    #[test]
    fn nested_lists(
        numbers in small(small(small(any::<u16>()))),
        strings in small(small(any::<u8>())),
    ) {
        check(&numbers);
        check(&strings);
    }

    #[test]
    fn numbers_in_lists_are_read_as_by_themselves(
        spelled in prop::collection::vec("[-+]?[0-9]{1,10}|[-+ 0-9_a:/]{0,3}", 0..6),
    ) {
        let mut list = Vec::new();
        for number in &spelled {
            list.extend_from_slice(&(number.len() as u16).to_be_bytes());
            list.extend_from_slice(number.as_bytes());
        }
        let whole = parse(b"\0\0").next().unwrap().unwrap();
        let source = Source::new(KEY, Some(RawValue::new(&list)), &whole);
        let alone = |number: &String| i32::decode(RawValue::new(number.as_bytes()));
        let alone: Result<Vec<_>, _> = spelled.iter().map(alone).collect();
        let read = Vec::<i32>::from_box(source, &mut NoContext);
        prop_assert_eq!(read.ok(), alone.ok());
    }

    #[test]
    fn floats(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        if !number.is_nan() {
            check(&number);
            check(&vec![number, -number]);
        }
    }

    #[test]
    fn narrow_floats(bits in any::<u32>()) {
        let number = f32::from_bits(bits);
        if !number.is_nan() {
            check(&number);
        }
    }
}
