//! How many instructions the fast path takes, which a busy machine does not change: `cargo xtask count`.
//!
//! Each benchmark does its work a thousand times, so that what is done once does not count. The limits are what was measured,
//! and a tenth more: compilers and C libraries differ. Who makes something faster lowers its limit.
#![allow(missing_docs, unused_qualifications, reason = "the macros' own")]

mod ask;
mod sum;

use std::hint::black_box;

use amp_rpc::wire::{CommandPair, Decoder, Limits};
use amp_rpc::{Amp, Command, Fields, NoContext, Peer, Responders};
use amp_rpc_core::conversation::{CallId, write_ask};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::ask::ASK;
use crate::sum::{Sum, sum};

const TIMES: usize = 1_000;

/// Fails beyond so many instructions for each of the thousand times.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let limit = instructions * TIMES as u64;
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, limit)]));
    config
}

#[library_benchmark(config = at_most(161))]
fn decode() {
    let mut decoder = Decoder::default();
    let command = CommandPair::new(Sum::NAME).unwrap();
    for _ in 0..TIMES {
        black_box(ask::read::<Sum>(&command, &mut decoder, black_box(ASK)));
    }
}

#[library_benchmark(config = at_most(400))]
fn decode_any() {
    let mut decoder = Decoder::default();
    for _ in 0..TIMES {
        let frame = decoder.decode(black_box(ASK)).unwrap().unwrap();
        let command = Sum::from_box(&frame.view(), &mut NoContext).unwrap();
        black_box(command);
    }
}

fn buffer() -> Vec<u8> {
    Vec::with_capacity(2 * ASK.len())
}

#[library_benchmark(config = at_most(290))]
#[bench::sum(buffer())]
fn encode(mut out: Vec<u8>) {
    let call = black_box(CallId::parse(b"1").unwrap());
    let sum = Sum { a: 13, b: 81 };
    for _ in 0..TIMES {
        out.clear();
        let sum = black_box(&sum);
        let written = write_ask(
            call,
            Sum::NAME,
            sum,
            Limits::DEFAULT,
            &mut out,
            &mut NoContext,
        );
        written.unwrap();
    }
    assert_eq!(out, ASK);
}

/// Both ends of a connection in memory, on one thread, after their first calls.
fn connection() -> (Runtime, Peer) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let entered = runtime.enter();
    let (one, other) = tokio::io::duplex(64 * 1024);
    let server = Amp::new().locator(Responders::new().on(sum)).over(one);
    let peer = Amp::new().over(other);
    drop(entered);
    runtime.block_on(async {
        let mut running = JoinSet::new();
        running.spawn(async move { server.ended().await });
        for b in 0..64 {
            peer.call(Sum { a: 1, b }).await.unwrap();
        }
        running.detach_all();
    });
    (runtime, peer)
}

#[library_benchmark(config = at_most(6_985))]
#[bench::one_at_a_time(connection())]
fn call((runtime, peer): (Runtime, Peer)) {
    runtime.block_on(async {
        for b in 0..TIMES as i64 {
            let answer = peer.call(Sum { a: 1, b }).await.unwrap();
            assert_eq!(answer.total, b + 1);
        }
    });
    // Dropping them is not what is counted.
    std::mem::forget((runtime, peer));
}

#[library_benchmark(config = at_most(1_540))]
#[bench::many_at_once(connection())]
fn calls((runtime, peer): (Runtime, Peer)) {
    const CALLERS: usize = 50;
    runtime.block_on(async {
        let mut callers = JoinSet::new();
        for a in 0..CALLERS as i64 {
            let peer = peer.clone();
            callers.spawn(async move {
                for b in 0..(TIMES / CALLERS) as i64 {
                    let answer = peer.call(Sum { a, b }).await.unwrap();
                    assert_eq!(answer.total, a + b);
                }
            });
        }
        while let Some(done) = callers.join_next().await {
            done.unwrap();
        }
    });
    std::mem::forget((runtime, peer));
}

library_benchmark_group!(name = codec; benchmarks = decode, decode_any, encode);
library_benchmark_group!(name = connections; benchmarks = call, calls);

main!(library_benchmark_groups = codec, connections);
