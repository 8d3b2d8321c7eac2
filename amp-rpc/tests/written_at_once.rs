//! Boxes that take little room are written in one go. They are what they are when they are written pair by pair.

mod derive_support;

use amp_rpc::wire::{BoxWriter, Limits};
use amp_rpc::{Context, EncodeError, Fields, NoContext, WriteFields};
use amp_rpc_core::conversation::{Answering, CallId, write_ask};

use self::derive_support::{decode, encode};

#[derive(Debug, PartialEq, Fields)]
struct Nothing {}

#[derive(Debug, Clone, PartialEq, Fields)]
struct Few {
    flag: bool,
    number: i64,
    perhaps: Option<i16>,
    text: String,
}

/// A key before those of the protocol.
#[derive(Debug, PartialEq, Fields)]
struct Before {
    #[amp(name = "A")]
    a: i64,
    b: i64,
}

#[derive(Debug, PartialEq, Fields)]
struct Table {
    rows: Vec<Few>,
}

/// The same fields, pair by pair.
struct OneByOne<'a, T>(&'a T);

impl<T: Fields> WriteFields for OneByOne<'_, T> {
    fn write_fields(
        &self,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        self.0.to_box(out, cx)
    }
}

fn somes() -> impl Iterator<Item = Few> {
    let numbers = [0, 7, -12, 99_999_999, 100_000_000, i64::MAX, i64::MIN];
    let lengths = [0, 3, 255, 256, 1_024];
    let all = (numbers.into_iter()).flat_map(move |number| lengths.map(|length| (number, length)));
    all.enumerate().map(|(index, (number, length))| Few {
        flag: index % 2 == 0,
        number,
        perhaps: (index % 3 > 0).then_some(number as i16),
        text: "x".repeat(length),
    })
}

/// Limits around what such boxes need, which is less than the room that is made for them.
fn limits() -> impl Iterator<Item = Limits> {
    let boxes = (20..400).step_by(7).chain([usize::MAX]);
    let values = (0..42).chain([255, 256]);
    (boxes.map(|most| Limits::DEFAULT.box_bytes(most)))
        .chain(values.map(|most| Limits::DEFAULT.value_bytes(most)))
}

fn ask(name: &[u8], fields: &impl WriteFields, limits: Limits) -> Result<Vec<u8>, String> {
    let mut out = b"before".to_vec();
    // Of all lengths, by the length of the name.
    let tag = &b"123456789abc"[..1 + name.len() % 12];
    let call = CallId::parse(tag).unwrap();
    match write_ask(call, name, fields, limits, &mut out, &mut NoContext) {
        Ok(()) => Ok(out),
        Err(error) => {
            assert_eq!(out, b"before");
            Err(error.to_string())
        }
    }
}

fn answer(tag: &[u8], fields: &dyn WriteFields, limits: Limits) -> (bool, Vec<u8>) {
    let mut out = b"before".to_vec();
    let answering = Answering::new(amp_rpc::Compat::default(), limits);
    let is_written = answering.answer(tag, fields, &mut out, &mut NoContext);
    assert!(is_written || out == b"before");
    (is_written, out)
}

fn compare(fields: &impl Fields, name: &[u8], limits: Limits) {
    let (at_once, one_by_one) = (fields, &OneByOne(fields));
    assert_eq!(ask(name, at_once, limits), ask(name, one_by_one, limits));
    assert_eq!(
        answer(name, at_once, limits),
        answer(name, one_by_one, limits)
    );
}

#[test]
fn with_names_and_tags_of_any_length() {
    for length in (0..70).chain([255, 256, 1_000]) {
        let name = &b"abcdefgh".repeat(125)[..length];
        compare(&Nothing {}, name, Limits::DEFAULT);
        compare(&Before { a: 1, b: 2 }, name, Limits::DEFAULT);
        for some in somes() {
            compare(&some, name, Limits::DEFAULT);
        }
    }
}

#[test]
fn with_any_limits() {
    for limits in limits() {
        for name in [&b""[..], b"Sum", &[b'n'; 32], &[b'n'; 40]] {
            compare(&Nothing {}, name, limits);
            for some in somes() {
                compare(&some, name, limits);
            }
        }
    }
}

#[test]
fn as_rows() {
    let rows: Vec<_> = somes().collect();
    let wanted: Vec<_> = rows.iter().flat_map(encode).collect();
    let bytes = encode(&Table { rows: rows.clone() });
    let length = u16::try_from(wanted.len()).unwrap().to_be_bytes();
    assert_eq!(
        bytes,
        [b"\0\x04rows", &length[..], &wanted, b"\0\0"].concat()
    );
    assert_eq!(decode::<Table>(&bytes), Table { rows });
}
