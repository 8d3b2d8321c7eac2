//! The codec alone, beside what cannot be done in less and beside other crates: `cargo bench -p bench --bench codec`.
#![allow(missing_docs, reason = "the macros' own")]

mod ask;

use std::hint::black_box;

use amp_rpc::wire::{BoxWriter, Decoder, Key, Limits};
use amp_rpc::{Command, Fields, NoContext};
use criterion::{Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};

use crate::ask::ASK;

#[derive(Debug, Command, Serialize, Deserialize)]
struct Sum {
    a: i64,
    b: i64,
}

/// A list of numbers.
#[derive(Debug, PartialEq, Fields, Serialize, Deserialize)]
struct Numbers {
    numbers: Vec<i64>,
}

/// A list of boxes.
#[derive(Debug, PartialEq, Fields, Serialize, Deserialize)]
struct Table {
    rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Fields, Serialize, Deserialize)]
struct Row {
    name: String,
    price: i64,
    stock: i64,
}

/// Goes over the lengths of a box, and returns where it ends.
fn walk(bytes: &[u8]) -> usize {
    let length = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let mut at = 0;
    while length(at) > 0 {
        at += 2 + length(at);
        at += 2 + length(at);
    }
    at + 2
}

fn sum(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode Sum");
    group.bench_function("a walk over its lengths", |bencher| {
        bencher.iter(|| walk(black_box(ASK)));
    });
    let mut decoder = Decoder::default();
    group.bench_function("amp-rpc", |bencher| {
        bencher.iter(|| ask::read::<Sum>(&mut decoder, black_box(ASK)));
    });
    group.bench_function("amp-rpc, a box that is not as expected", |bencher| {
        bencher.iter(|| {
            let frame = decoder.decode(black_box(ASK)).unwrap().unwrap();
            Sum::from_box(&frame.view(), &mut NoContext).unwrap()
        });
    });
    group.bench_function("amp-protocol and serde_amp", |bencher| {
        bencher.iter(|| {
            let (decoded, _) = amp_protocol::AmpBox::decode(black_box(ASK)).unwrap();
            serde_amp::from_box::<Sum>(&decoded).unwrap()
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("encode Sum");
    let mut out = Vec::with_capacity(2 * ASK.len());
    group.bench_function("copying its prepared keys and values", |bencher| {
        let pieces: [&[u8]; 9] = [
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
        bencher.iter(|| {
            out.clear();
            for piece in black_box(&pieces) {
                out.extend_from_slice(piece);
            }
            black_box(&out);
        });
    });
    group.bench_function("amp-rpc", |bencher| {
        let protocol = [
            (Key::from_prefixed(b"\0\x04_ask"), &b"1"[..]),
            (Key::from_prefixed(b"\0\x08_command"), Sum::NAME),
        ];
        let command = Sum { a: 13, b: 81 };
        bencher.iter(|| {
            out.clear();
            let mut writer = BoxWriter::new(&mut out, Limits::DEFAULT, black_box(&protocol));
            black_box(&command)
                .to_box(&mut writer, &mut NoContext)
                .unwrap();
            writer.finish().unwrap();
            black_box(&out);
        });
    });
    group.bench_function("amp-protocol and serde_amp", |bencher| {
        let command = Sum { a: 13, b: 81 };
        bencher.iter(|| {
            let mut encoded = serde_amp::to_box(black_box(&command)).unwrap();
            encoded.insert("_ask", "1").unwrap();
            encoded.insert("_command", "Sum").unwrap();
            encoded.encode()
        });
    });
    group.finish();
}

/// Both directions of some fields, here and with serde.
fn both<F>(criterion: &mut Criterion, name: &str, fields: &F)
where
    F: Fields + Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
{
    let encode = |out: &mut Vec<u8>| {
        out.clear();
        let mut writer = BoxWriter::new(out, Limits::DEFAULT, &[]);
        black_box(fields)
            .to_box(&mut writer, &mut NoContext)
            .unwrap();
        writer.finish().unwrap();
    };
    let mut out = Vec::new();
    let mut group = criterion.benchmark_group(format!("encode {name}"));
    group.bench_function("amp-rpc", |bencher| bencher.iter(|| encode(&mut out)));
    group.bench_function("amp-protocol and serde_amp", |bencher| {
        bencher.iter(|| serde_amp::to_box(black_box(fields)).unwrap().encode());
    });
    group.finish();

    encode(&mut out);
    let mut decoder = Decoder::default();
    let mut group = criterion.benchmark_group(format!("decode {name}"));
    group.bench_function("amp-rpc", |bencher| {
        bencher.iter(|| {
            let frame = decoder.decode(black_box(&out)).unwrap().unwrap();
            F::from_box(&frame.view(), &mut NoContext).unwrap()
        });
    });
    group.bench_function("amp-protocol and serde_amp", |bencher| {
        let bytes = serde_amp::to_box(fields).unwrap().encode();
        bencher.iter(|| {
            let (decoded, _) = amp_protocol::AmpBox::decode(black_box(&bytes)).unwrap();
            serde_amp::from_box::<F>(&decoded).unwrap()
        });
    });
    group.finish();
}

fn lists(criterion: &mut Criterion) {
    let numbers = (0..1_000).map(|n| n * 7_919 % 100_000 - 50_000).collect();
    both(criterion, "ListOf(Integer) of 1,000", &Numbers { numbers });
    let row = |n: i64| Row {
        name: format!("article {n}"),
        price: n * 199 + 1,
        stock: n % 13,
    };
    let rows = (0..100).map(row).collect();
    both(criterion, "AmpList of 100 rows", &Table { rows });
}

criterion_group!(codec, sum, lists);
criterion_main!(codec);
