//! What is measured of the codec, beside what cannot be done in less and beside other crates.

use std::hint::black_box;

use amp_rpc::wire::{BoxWriter, Decoder, Limits};
use amp_rpc::{Command, Fields, NoContext};
use amp_rpc_core::conversation::{CallId, write_ask};
use serde::{Deserialize, Serialize};

#[derive(Debug, Command, Serialize, Deserialize)]
pub(crate) struct Sum {
    a: i64,
    b: i64,
}

pub(crate) const SUM: Sum = Sum { a: 13, b: 81 };

/// A list of numbers.
#[derive(Debug, PartialEq, Fields, Serialize, Deserialize)]
pub(crate) struct Numbers {
    numbers: Vec<i64>,
}

/// A list of boxes.
#[derive(Debug, PartialEq, Fields, Serialize, Deserialize)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Fields, Serialize, Deserialize)]
struct Row {
    name: String,
    price: i64,
    stock: i64,
}

impl Numbers {
    /// `ListOf(Integer)` of 1,000.
    pub(crate) fn new() -> Self {
        let numbers = (0..1_000).map(|n| n * 7_919 % 100_000 - 50_000).collect();
        Self { numbers }
    }
}

impl Table {
    /// `AmpList` of 100 rows.
    pub(crate) fn new() -> Self {
        let row = |n: i64| Row {
            name: format!("article {n}"),
            price: n * 199 + 1,
            stock: n % 13,
        };
        Self {
            rows: (0..100).map(row).collect(),
        }
    }
}

/// Goes over the lengths of a box, and returns where it ends.
pub(crate) fn walk(bytes: &[u8]) -> usize {
    let length = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let mut at = 0;
    while length(at) > 0 {
        at += 2 + length(at);
        at += 2 + length(at);
    }
    at + 2
}

/// Copies the prepared keys and values of an ask for `Sum` piece by piece.
pub(crate) fn copy(out: &mut Vec<u8>) {
    const PIECES: [&[u8]; 9] = [
        b"\0\x04_ask",
        b"\0\x011",
        b"\0\x08_command",
        b"\0\x03Sum",
        b"\0\x01a",
        b"\0\x0213",
        b"\0\x01b",
        b"\0\x0281",
        b"\0\0",
    ];
    out.clear();
    for piece in black_box(&PIECES) {
        out.extend_from_slice(piece);
    }
    black_box(&out);
}

/// Writes the same ask, as a connection does.
pub(crate) fn write(call: CallId, out: &mut Vec<u8>) {
    out.clear();
    let (call, sum) = black_box((call, &SUM));
    write_ask(call, Sum::NAME, sum, Limits::DEFAULT, out, &mut NoContext).unwrap();
    black_box(&out);
}

/// Writes fields alone.
pub(crate) fn encode<F: Fields>(fields: &F, out: &mut Vec<u8>) {
    out.clear();
    let mut writer = BoxWriter::new(out, Limits::DEFAULT, &[]);
    black_box(fields)
        .to_box(&mut writer, &mut NoContext)
        .unwrap();
    writer.finish().unwrap();
}

/// Reads fields, whatever else may be in their box.
pub(crate) fn decode<F: Fields>(bytes: &[u8]) -> F {
    let frame = Decoder::default().decode(black_box(bytes));
    F::from_box(&frame.unwrap().unwrap().view(), &mut NoContext).unwrap()
}

/// The same with amp-protocol and serde_amp.
pub(crate) fn encode_with_serde<F: Serialize>(fields: &F) -> Vec<u8> {
    serde_amp::to_box(black_box(fields)).unwrap().encode()
}

/// The same with amp-protocol and serde_amp.
pub(crate) fn decode_with_serde<F: for<'de> Deserialize<'de>>(bytes: &[u8]) -> F {
    let (decoded, _) = amp_protocol::AmpBox::decode(black_box(bytes)).unwrap();
    serde_amp::from_box(&decoded).unwrap()
}
