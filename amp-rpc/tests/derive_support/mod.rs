//! Boxes as bytes, for the tests of the derive macros.
#![allow(dead_code)]

use amp_rpc::schema::FieldSchema;
use amp_rpc::wire::{BoxWriter, Limits, parse};
use amp_rpc::{DecodeError, Fields};
use amp_rpc_core::NoContext;

/// More fields than code is written for one by one.
#[derive(Debug, Default, PartialEq, Fields)]
#[rustfmt::skip]
pub(crate) struct Many {
    a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64, i: i64, j: i64, k: i64, l: i64, m: i64, n: i64,
    o: i64, p: i64, q: i64, r: Option<u8>,
}

pub(crate) fn many() -> Many {
    Many {
        b: -7,
        q: 123_456_789_012,
        r: Some(200),
        ..Many::default()
    }
}

/// A whole box with these pairs, in this order.
pub(crate) fn wire(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in pairs {
        for part in [key, value] {
            bytes.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            bytes.extend(*part);
        }
    }
    bytes.extend([0, 0]);
    bytes
}

pub(crate) fn encode(fields: &impl Fields) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
    fields.to_box(&mut writer, &mut NoContext).unwrap();
    writer.finish().unwrap();
    bytes
}

pub(crate) fn decode<T: Fields>(bytes: &[u8]) -> T {
    try_decode(bytes).unwrap()
}

pub(crate) fn decode_error<T: Fields>(bytes: &[u8]) -> DecodeError {
    try_decode::<T>(bytes).err().unwrap()
}

fn try_decode<T: Fields>(bytes: &[u8]) -> Result<T, DecodeError> {
    let frame = parse(bytes).next().unwrap().unwrap();
    T::from_box(&frame, &mut NoContext)
}

pub(crate) fn names(schema: &[FieldSchema]) -> Vec<&str> {
    let names = schema
        .iter()
        .map(|field| std::str::from_utf8(field.name.as_bytes()));
    names.collect::<Result<_, _>>().unwrap()
}
