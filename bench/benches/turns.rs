//! How the codec compares with what cannot be done in less and with other crates: `cargo bench -p bench --bench turns`.
//!
//! Two take turns of less than a millisecond, so that whatever else the machine does meets both, and the median of the ratios turn by
//! turn counts. `codec` says how long each takes by itself.
#![allow(missing_docs, reason = "the macros' own")]

mod ask;
mod work;

use std::hint::black_box;
use std::time::{Duration, Instant};

use amp_rpc::wire::{CommandPair, Decoder};
use amp_rpc::{Command, Fields};
use amp_rpc_core::conversation::CallId;
use serde::{Deserialize, Serialize};

use crate::ask::ASK;
use crate::work::{Numbers, Sum, Table};

/// How many turns each takes.
const TURNS: usize = 1_001;
/// How long one is, about.
const TURN: Duration = Duration::from_micros(500);

/// How long it takes to do that so many times.
#[inline(never)]
fn time<F: FnMut()>(times: u32, work: &mut F) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        work();
    }
    start.elapsed().as_secs_f64()
}

/// How many times it can be done in a turn.
fn times_in_a_turn<F: FnMut()>(work: &mut F) -> u32 {
    let mut times = 1;
    while time(times, work) < TURN.as_secs_f64() {
        times *= 2;
    }
    times
}

/// Prints how long the second takes for each that the first does, in the median and between the tenths at both ends.
fn compare(name: &str, mut one: impl FnMut(), mut other: impl FnMut()) {
    let (ones, others) = (times_in_a_turn(&mut one), times_in_a_turn(&mut other));
    let mut turns = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        let one = time(ones, &mut one) / f64::from(ones);
        let other = time(others, &mut other) / f64::from(others);
        turns.push((other / one, one, other));
    }
    turns.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (median, one, other) = turns[TURNS / 2];
    println!(
        "{name:<70} {median:6.3}  ({:.3} to {:.3})  {:9.1} ns, {:9.1} ns",
        turns[TURNS / 10].0,
        turns[TURNS - 1 - TURNS / 10].0,
        one * 1e9,
        other * 1e9,
    );
}

/// Both directions of some fields, here and with serde.
fn compare_with_serde<F>(name: &str, fields: &F)
where
    F: Fields + Serialize + for<'de> Deserialize<'de>,
{
    let mut out = Vec::new();
    compare(
        &format!("encode {name}: amp-protocol and serde_amp / amp-rpc"),
        || {
            work::encode(fields, &mut out);
            black_box(&out);
        },
        || drop(black_box(work::encode_with_serde(fields))),
    );
    work::encode(fields, &mut out);
    let bytes = work::encode_with_serde(fields);
    compare(
        &format!("decode {name}: amp-protocol and serde_amp / amp-rpc"),
        || drop(black_box(work::decode::<F>(&out))),
        || drop(black_box(work::decode_with_serde::<F>(&bytes))),
    );
}

fn main() {
    let mut decoder = Decoder::default();
    let command = CommandPair::new(Sum::NAME).unwrap();
    compare(
        "decode Sum: amp-rpc / a walk over its lengths",
        || {
            black_box(work::walk(black_box(ASK)));
        },
        || {
            black_box(ask::read::<Sum>(&command, &mut decoder, black_box(ASK)));
        },
    );
    let call = CallId::parse(b"1").unwrap();
    let mut out = Vec::with_capacity(2 * ASK.len());
    let mut copied = Vec::with_capacity(2 * ASK.len());
    compare(
        "encode Sum: amp-rpc / copying its prepared keys and values",
        || work::copy(&mut copied),
        || work::write(call, &mut out),
    );
    assert_eq!((&*out, &*copied), (ASK, ASK));
    compare_with_serde("ListOf(Integer) of 1,000", &Numbers::new());
    compare_with_serde("AmpList of 100 rows", &Table::new());
}
