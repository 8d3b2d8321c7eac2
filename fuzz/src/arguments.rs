use std::fmt::Debug;
use std::path::PathBuf;

use amp_rpc_core::argument::{DateTime, Decimal, Source};
use amp_rpc_core::wire::{BoxWriter, Key, Limits, parse};
use amp_rpc_core::{Field, NoContext};
use num_bigint::BigInt;

use crate::Choices;

const KEY: Key<'static> = Key::from_prefixed(b"\0\x01k");

/// Any bytes as each argument type: they are refused, or give a value that is written and read back
/// as the same.
pub fn argument_types(input: &[u8]) {
    let mut choices = Choices(input);
    let ty = choices.byte();
    let value = choices.bytes(65_535);
    match ty % 20 {
        0 => check::<i64>(value),
        1 => check::<u8>(value),
        2 => check::<i128>(value),
        3 => check::<u128>(value),
        4 => check::<BigInt>(value),
        5 => check::<String>(value),
        6 => check::<char>(value),
        7 => check_float(value),
        8 => check::<bool>(value),
        9 => check::<PathBuf>(value),
        10 => check::<Decimal>(value),
        11 => check::<DateTime>(value),
        12 => check::<Vec<u8>>(value),
        13 => check::<[u8; 3]>(value),
        14 => check::<Vec<i32>>(value),
        15 => check::<Vec<Vec<String>>>(value),
        16 => check::<Vec<Decimal>>(value),
        17 => check::<Option<Vec<Vec<Vec<u16>>>>>(value),
        18 => check::<Vec<DateTime>>(value),
        _ => check::<Vec<Vec<u8>>>(value),
    }
}

fn check<T: Field + PartialEq + Debug>(value: &[u8]) {
    let Some(first) = read::<T>(value) else {
        return;
    };
    let again = write(&first).expect("what was read can be written");
    assert_eq!(
        read::<T>(&again),
        Some(first),
        "another value when written again"
    );
}

/// A NaN is not equal to itself.
fn check_float(value: &[u8]) {
    let Some(first) = read::<f64>(value) else {
        return;
    };
    let again = read::<f64>(&write(&first).expect("a number can be written"));
    let again = again.expect("what was written can be read");
    let is_same = first.to_bits() == again.to_bits() || (first.is_nan() && again.is_nan());
    assert!(is_same, "{first} was written and read as {again}");
}

fn read<T: Field>(value: &[u8]) -> Option<T> {
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
    writer.put(KEY, value).ok()?;
    writer.finish().ok()?;
    let view = parse(&bytes).next()?.ok()?;
    T::from_box(
        Source::new(KEY, view.get(KEY.name()), &view),
        &mut NoContext,
    )
    .ok()
}

fn write<T: Field>(value: &T) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
    value.to_box(KEY, &mut writer, &mut NoContext).ok()?;
    writer.finish().ok()?;
    let view = parse(&bytes).next()?.ok()?;
    Some(view.get(KEY.name())?.to_vec())
}
