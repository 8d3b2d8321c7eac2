//! In the steady state a call allocates nothing: neither at its caller nor at its responder, whether that answers at once,
//! waits, or calls back. Both sides are on one thread, whose allocations are counted.

use std::sync::Arc;

use amp_rpc::{Amp, Answer, Command, Failure, Fields, Peer, Responders};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

#[derive(Command)]
#[amp(response = Total)]
struct Sum {
    a: i64,
    b: i64,
}

/// The same, by a responder that waits until others had their turn.
#[derive(Command)]
#[amp(response = Total)]
struct LateSum {
    a: i64,
    b: i64,
}

/// The same, by a responder that asks its caller.
#[derive(Command)]
#[amp(response = Total)]
struct SumElsewhere {
    a: i64,
    b: i64,
}

/// The same with arguments that allocate.
#[derive(Command)]
#[amp(response = Total)]
struct Join {
    a: String,
    b: String,
}

#[derive(Fields)]
struct Total {
    total: i64,
}

async fn sum(command: Sum) -> Answer<Sum> {
    let total = command.a + command.b;
    Ok(Total { total })
}

async fn late_sum(command: LateSum) -> Answer<LateSum> {
    tokio::task::yield_now().await;
    let total = command.a + command.b;
    Ok(Total { total })
}

async fn join(command: Join) -> Answer<Join> {
    let numbers = [command.a, command.b].map(|text| text.parse::<i64>().unwrap());
    Ok(Total {
        total: numbers.iter().sum(),
    })
}

async fn sum_elsewhere(command: SumElsewhere, peer: Peer) -> Answer<SumElsewhere> {
    let SumElsewhere { a, b } = command;
    let answer = (peer.call(Sum { a, b }).await).map_err(Failure::unexpected)?;
    Ok(Total {
        total: answer.total,
    })
}

/// How many calls are under way at a time.
const CALLERS: usize = 16;
/// How many each caller makes.
const CALLS: i64 = 100;

/// Both sides of as many connections over real sockets, and the runtime that they are on.
fn connections(count: usize) -> (Runtime, Vec<Peer>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let responders = || {
        Responders::new()
            .on(sum)
            .on(late_sum)
            .on(join)
            .on_with_peer(sum_elsewhere)
    };
    let peers = runtime.block_on(async {
        let amp = Amp::new().locator(responders());
        let server = amp.listen("tcp:127.0.0.1:0").await.unwrap();
        let endpoint = server.endpoint().to_string();
        tokio::spawn(server.run());
        let amp = Amp::new().locator(responders());
        let mut peers = Vec::new();
        for _ in 0..count {
            peers.push(amp.connect(&endpoint).await.unwrap());
        }
        peers
    });
    (runtime, peers)
}

/// Makes calls to warm up, then as many again, and says how many allocations one of them took.
fn allocations<C: Command + Send>(make: fn(i64, i64) -> C, total: fn(C::Response) -> i64) -> f64
where
    C::Response: Send,
    C::Error: Send,
{
    let (runtime, peers) = connections(1);
    let callers = vec![peers[0].clone(); CALLERS];
    allocations_of(&runtime, callers, make, total)
}

/// The same with these callers.
fn allocations_of<C: Command + Send>(
    runtime: &Runtime,
    peers: Vec<Peer>,
    make: fn(i64, i64) -> C,
    total: fn(C::Response) -> i64,
) -> f64
where
    C::Response: Send,
    C::Error: Send,
{
    let count = peers.len();
    let start = Arc::new(Barrier::new(count + 1));
    let mut callers = JoinSet::new();
    let entered = runtime.enter();
    for (a, peer) in (0..).zip(peers) {
        let start = Arc::clone(&start);
        callers.spawn(async move {
            for b in 0..2 * CALLS {
                if b % CALLS == 0 {
                    start.wait().await;
                }
                let Ok(answer) = peer.call(make(a, b)).await else {
                    panic!("a call failed");
                };
                assert_eq!(total(answer), a + b);
            }
            start.wait().await;
        });
    }
    drop(entered);
    runtime.block_on(async {
        start.wait().await;
        start.wait().await;
    });
    let counted = allocation_counter::measure(|| {
        runtime.block_on(start.wait());
    });
    runtime.block_on(callers.join_all());
    counted.count_total as f64 / (count as i64 * CALLS) as f64
}

/// The barrier at the end allocates too, once for each caller at most.
#[track_caller]
fn check(allocations: f64) {
    assert!(allocations < 0.02, "{allocations} allocations a call");
}

#[test]
fn a_call_allocates_nothing() {
    check(allocations(|a, b| Sum { a, b }, |answer| answer.total));
}

#[test]
fn a_call_whose_responder_waits_allocates_nothing() {
    check(allocations(|a, b| LateSum { a, b }, |answer| answer.total));
}

#[test]
fn a_call_whose_responder_calls_back_allocates_nothing() {
    check(allocations(
        |a, b| SumElsewhere { a, b },
        |answer| answer.total,
    ));
}

/// Of many connections nearly all wait for an answer at any time.
#[test]
fn a_call_on_each_of_many_connections_allocates_nothing() {
    let (runtime, peers) = connections(100);
    let total = |answer: Total| answer.total;
    check(allocations_of(&runtime, peers, |a, b| Sum { a, b }, total));
}

/// Most of these connections keep nothing to work with while they rest, which they do after each burst of calls.
#[test]
fn bursts_of_calls_on_many_connections_allocate_nothing() {
    let (runtime, peers) = connections(12);
    let callers: Vec<_> = (peers.into_iter())
        .flat_map(|peer| vec![peer; 3 * CALLERS])
        .collect();
    let total = |answer: Total| answer.total;
    let sum = |a, b| Sum { a, b };
    check(allocations_of(&runtime, callers.clone(), sum, total));
    let late = |a, b| LateSum { a, b };
    check(allocations_of(&runtime, callers.clone(), late, total));
    let elsewhere = |a, b| SumElsewhere { a, b };
    check(allocations_of(&runtime, callers, elsewhere, total));
}

/// The count can fail: a command that holds a text allocates where it is made and where it is read.
#[test]
fn what_allocates_is_counted() {
    let made = allocations(
        |a, b| Join {
            a: a.to_string(),
            b: b.to_string(),
        },
        |answer| answer.total,
    );
    assert!(made > 3.5, "{made} allocations a call");
}
