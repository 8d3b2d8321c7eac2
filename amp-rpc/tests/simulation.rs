//! Clients and servers over a network with faults, from seeds: cut and stalled connections, half closes, delays, slow readers,
//! restarts, peers that connect again, calls that are dropped or time out.
//!
//! In every seed each call ends exactly once, no answer reaches another call, no responder runs twice for one call, queues and
//! responders stay within their bounds, and nothing waits for ever. Time is virtual.
//!
//! A few hundred seeds are run with the tests. More of them, with progress, and those from a given one on:
//!
//! ```sh
//! AMP_RPC_SEEDS=10000 cargo test --release -p amp-rpc --features test-util --test simulation -- --nocapture
//! AMP_RPC_SEEDS=1 AMP_RPC_FIRST_SEED=4711 cargo test -p amp-rpc --features test-util --test simulation
//! ```
#![cfg(feature = "test-util")]

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use amp_rpc::test_util::Faulty;
use amp_rpc::{Amp, AmpBox, Backoff, CallError, Failure, Locator, Peer, Responders};
use tokio::io::DuplexStream;
use tokio::task::JoinSet;

/// More virtual time than anything here takes.
const FOR_EVER: Duration = Duration::from_secs(10_000_000);

const MAX_RUNNING: usize = 8;
const MAX_QUEUED: usize = 4_000;
const LARGEST: usize = 3_000;

/// Numbers from a seed (SplitMix64).
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    /// Another source, which does not depend on how often this one is asked afterwards.
    fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn millis(&mut self, bound: usize) -> Duration {
        Duration::from_millis(self.below(bound) as u64)
    }
}

/// What happened in one seed.
#[derive(Default)]
struct World {
    /// How often a responder ran for each call.
    ran: HashMap<u64, usize>,
    /// How often each call ended, and whether it was answered.
    ended: HashMap<u64, (usize, bool)>,
    next: u64,
}

type Shared = Arc<Mutex<World>>;

fn number(message: &AmpBox) -> u64 {
    let text = std::str::from_utf8(message.get("n").unwrap()).unwrap();
    text.parse().unwrap()
}

/// One side: its responders wait, answer, fail, and call back.
fn side(world: &Shared, random: &mut Random) -> Amp {
    let random = Arc::new(Mutex::new(random.fork()));
    let (own, serial) = (Arc::clone(world), Arc::clone(world));
    let work = move |message: AmpBox, peer: Peer| {
        *own.lock().unwrap().ran.entry(number(&message)).or_default() += 1;
        let mut random = random.lock().unwrap().fork();
        let world = Arc::clone(&own);
        async move {
            if random.one_in(2) {
                tokio::time::sleep(random.millis(2_000)).await;
            }
            if random.one_in(4) {
                call(&world, &peer, "Serial", &mut random).await;
            }
            if random.one_in(8) {
                return Err(Failure::unexpected("it was so decided"));
            }
            let size = random.below(LARGEST);
            let n = number(&message).to_string();
            Ok(AmpBox::from([("n", n), ("x", "x".repeat(size))]))
        }
    };
    let echo = move |message: AmpBox, _: Peer| {
        *serial
            .lock()
            .unwrap()
            .ran
            .entry(number(&message))
            .or_default() += 1;
        async move {
            tokio::time::sleep(Duration::from_millis(3)).await;
            Ok::<_, Failure>(message)
        }
    };
    Amp::new()
        .max_running(MAX_RUNNING)
        .max_queued(MAX_QUEUED)
        .keepalive(Duration::from_secs(60))
        .locator(
            Responders::new()
                .on_box("Work", work)
                .or(Responders::new().on_box("Serial", echo).serial()),
        )
}

/// Makes one call, which ends in one of the ways it may, or is given up.
async fn call(world: &Shared, peer: &Peer, command: &str, random: &mut Random) {
    let make = |arguments, limit| peer.call_box(command, arguments).timeout(limit);
    make_call(world, make, random).await;
}

async fn make_call<F>(world: &Shared, make: impl FnOnce(AmpBox, Duration) -> F, random: &mut Random)
where
    F: Future<Output = Result<AmpBox, CallError>>,
{
    let n = {
        let mut world = world.lock().unwrap();
        world.next += 1;
        world.next
    };
    let size = random.below(LARGEST);
    let arguments = AmpBox::from([("n", n.to_string()), ("x", "x".repeat(size))]);
    let call = make(arguments, random.millis(20_000));
    let given_up = random.one_in(5).then(|| random.millis(3_000));
    let result = match given_up {
        Some(after) => tokio::time::timeout(after, call).await.ok(),
        None => Some(call.await),
    };
    let is_answered = match result {
        Some(Ok(answer)) => {
            assert_eq!(number(&answer), n, "the answer of another call");
            true
        }
        Some(Err(CallError::Remote(error))) => {
            assert!(error.code == b"BUSY" || error.code == b"UNKNOWN", "{error}");
            false
        }
        Some(Err(CallError::Ended(_) | CallError::TimedOut { .. })) | None => false,
        // Only where a connection is waited for.
        Some(Err(CallError::NotConnected(_))) => false,
        Some(Err(error)) => panic!("no call may end so: {error}"),
    };
    let mut world = world.lock().unwrap();
    let ended = world.ended.entry(n).or_default();
    ended.0 += 1;
    ended.1 = is_answered;
}

fn faulty(stream: DuplexStream, random: &mut Random) -> Faulty<DuplexStream> {
    let mut stream = Faulty::new(stream);
    if random.one_in(3) {
        stream = stream.pieces(1 + random.below(500));
    }
    if random.one_in(3) {
        stream = stream.delay(random.millis(50));
    }
    let place = random.below(60_000);
    match random.below(8) {
        0 => stream.fail_after_read(place),
        1 => stream.end_after_read(place),
        2 => stream.stall_after_read(place),
        3 => stream.fail_after_written(place),
        4 => stream.stall_after_written(place),
        _ => stream,
    }
}

/// One connection from its beginning to its end, with calls in both directions.
async fn connection(world: Shared, mut random: Random) {
    let (one, other) = tokio::io::duplex(1 + random.below(10_000));
    let (one, other) = (faulty(one, &mut random), faulty(other, &mut random));
    let left = side(&world, &mut random).over(one);
    let right = side(&world, &mut random).over(other);
    let mut tasks = JoinSet::new();
    for peer in [&left, &right] {
        for _ in 0..random.below(4) {
            let (world, peer, mut random) = (Arc::clone(&world), peer.clone(), random.fork());
            tasks.spawn(async move {
                for _ in 0..random.below(12) {
                    let command = if random.one_in(3) { "Serial" } else { "Work" };
                    call(&world, &peer, command, &mut random).await;
                    let stats = peer.stats();
                    assert!(stats.responders_running <= MAX_RUNNING, "{stats:?}");
                    // One box, and one that callers who went ahead together add each, may exceed it.
                    let most = MAX_QUEUED + 64 * (LARGEST + 200);
                    assert!(stats.bytes_queued <= most, "{stats:?}");
                    if random.one_in(2) {
                        tokio::time::sleep(random.millis(500)).await;
                    }
                }
            });
        }
    }
    // A restart, or a side that has had enough.
    let end = random.below(6);
    let after = random.millis(10_000);
    if end < 4 {
        tokio::time::sleep(after).await;
    }
    match end {
        0 => left.close(),
        1 => right.finish(),
        2 => {
            left.finish();
            right.finish();
        }
        3 => right.close(),
        _ => {}
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    left.close();
    right.close();
    left.closed().await;
    right.closed().await;
}

/// A server that is restarted, and a peer that connects to it again and again.
async fn service(world: Shared, mut random: Random) {
    static NAMES: AtomicU64 = AtomicU64::new(0);
    let endpoint = format!(
        "memory:simulation {}",
        NAMES.fetch_add(1, Ordering::Relaxed)
    );
    let peer = side(&world, &mut random)
        .reconnecting(&endpoint)
        .backoff(
            Backoff::default()
                .maximum(Duration::from_secs(2))
                .jitter(0.0),
        )
        .start()
        .unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..1 + random.below(4) {
        let (world, peer, mut random) = (Arc::clone(&world), peer.clone(), random.fork());
        tasks.spawn(async move {
            for _ in 0..random.below(12) {
                let make = |arguments, limit| peer.call_box("Work", arguments).timeout(limit);
                make_call(&world, make, &mut random).await;
                tokio::time::sleep(random.millis(500)).await;
            }
        });
    }
    for _ in 0..random.below(5) {
        let server = side(&world, &mut random).listen(&endpoint).await.unwrap();
        tokio::time::sleep(random.millis(3_000)).await;
        // At once, or with some time for what runs.
        let limit = if random.one_in(2) { 1 } else { 4_000 };
        server.shutdown(random.millis(limit)).await;
        tokio::time::sleep(random.millis(3_000)).await;
    }
    let server = side(&world, &mut random).listen(&endpoint).await.unwrap();
    match random.below(3) {
        0 => peer.close(),
        1 => peer.finish(),
        _ => {}
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    peer.finish_within(Duration::from_secs(60)).await;
    server.shutdown(Duration::from_secs(60)).await;
}

fn run(seed: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let world = Shared::default();
    runtime.block_on(async {
        let mut random = Random(seed);
        let mut connections = JoinSet::new();
        for _ in 0..1 + random.below(3) {
            connections.spawn(connection(Arc::clone(&world), random.fork()));
        }
        if random.one_in(2) {
            connections.spawn(service(Arc::clone(&world), random.fork()));
        }
        let all = async {
            while let Some(ended) = connections.join_next().await {
                ended.unwrap();
            }
        };
        let ended = tokio::time::timeout(FOR_EVER, all).await;
        ended.expect("somebody waits for ever");
        // Responders that still run may finish.
        tokio::time::sleep(Duration::from_secs(100_000)).await;
    });
    let world = world.lock().unwrap();
    assert_eq!(world.ended.len() as u64, world.next, "a call did not end");
    for (n, (times, is_answered)) in &world.ended {
        assert_eq!(*times, 1, "call {n} ended {times} times");
        let ran = world.ran.get(n).copied().unwrap_or_default();
        assert!(ran <= 1, "the responder of call {n} ran {ran} times");
        assert!(!is_answered || ran == 1, "call {n} was answered by nobody");
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_call_ends_once_whatever_the_network_does() {
    let first = setting("AMP_RPC_FIRST_SEED").unwrap_or(0);
    let seeds = setting("AMP_RPC_SEEDS").unwrap_or(200);
    for seed in first..first + seeds {
        if seed > first && (seed - first) % 1_000 == 0 {
            println!("{} of {seeds} seeds", seed - first);
        }
        let result = std::panic::catch_unwind(|| run(seed));
        if let Err(panic) = result {
            eprintln!(
                "seed {seed} failed; to repeat it: AMP_RPC_SEEDS=1 AMP_RPC_FIRST_SEED={seed} \
                 cargo test -p amp-rpc --features test-util --test simulation"
            );
            std::panic::resume_unwind(panic);
        }
    }
}
