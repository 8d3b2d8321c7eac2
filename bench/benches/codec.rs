//! The codec alone, beside what cannot be done in less and beside other crates: `cargo bench -p bench --bench codec`.
//!
//! Each is measured by itself; where others work on the machine, `turns` says more about how they compare.
#![allow(missing_docs, reason = "the macros' own")]

mod ask;
mod work;

use std::hint::black_box;

use amp_rpc::wire::{CommandPair, Decoder};
use amp_rpc::{Command, Fields};
use amp_rpc_core::conversation::CallId;
use criterion::{Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};

use crate::ask::ASK;
use crate::work::{Numbers, SUM, Sum, Table};

fn sum(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode Sum");
    group.bench_function("a walk over its lengths", |bencher| {
        bencher.iter(|| work::walk(black_box(ASK)));
    });
    let mut decoder = Decoder::default();
    let command = CommandPair::new(Sum::NAME).unwrap();
    group.bench_function("amp-rpc", |bencher| {
        bencher.iter(|| ask::read::<Sum>(&command, &mut decoder, black_box(ASK)));
    });
    group.bench_function("amp-rpc, a box that is not as expected", |bencher| {
        bencher.iter(|| work::decode::<Sum>(ASK));
    });
    group.bench_function("amp-protocol and serde_amp", |bencher| {
        bencher.iter(|| work::decode_with_serde::<Sum>(ASK));
    });
    group.finish();

    let mut group = criterion.benchmark_group("encode Sum");
    let call = CallId::parse(b"1").unwrap();
    let mut out = Vec::with_capacity(2 * ASK.len());
    group.bench_function("copying its prepared keys and values", |bencher| {
        bencher.iter(|| work::copy(&mut out));
    });
    group.bench_function("amp-rpc", |bencher| {
        bencher.iter(|| work::write(call, &mut out));
    });
    group.bench_function("amp-protocol and serde_amp", |bencher| {
        bencher.iter(|| {
            let mut encoded = serde_amp::to_box(black_box(&SUM)).unwrap();
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
    F: Fields + Serialize + for<'de> Deserialize<'de>,
{
    let mut out = Vec::new();
    let mut group = criterion.benchmark_group(format!("encode {name}"));
    group.bench_function("amp-rpc", |bencher| {
        bencher.iter(|| work::encode(fields, &mut out))
    });
    group.bench_function("amp-protocol and serde_amp", |bencher| {
        bencher.iter(|| work::encode_with_serde(fields));
    });
    group.finish();

    work::encode(fields, &mut out);
    let mut group = criterion.benchmark_group(format!("decode {name}"));
    group.bench_function("amp-rpc", |bencher| {
        bencher.iter(|| work::decode::<F>(&out))
    });
    let bytes = work::encode_with_serde(fields);
    group.bench_function("amp-protocol and serde_amp", |bencher| {
        bencher.iter(|| work::decode_with_serde::<F>(&bytes));
    });
    group.finish();
}

fn lists(criterion: &mut Criterion) {
    both(criterion, "ListOf(Integer) of 1,000", &Numbers::new());
    both(criterion, "AmpList of 100 rows", &Table::new());
}

criterion_group!(codec, sum, lists);
criterion_main!(codec);
