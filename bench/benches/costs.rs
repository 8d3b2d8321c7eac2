//! What features cost: `cargo bench -p bench --bench costs --features costs`.
//!
//! A turn is 64 callers that make one call after the other, on one connection over loopback, both ends in one process.
//!
//! With `--features tracing` all of it is measured with that feature of the library, and spans, too.
#![allow(missing_docs, reason = "the macros' own")]

mod sum;

use std::time::Duration;

use amp_rpc::{
    Amp, Answer, ConnectEndpoint, Identity, ListenEndpoint, Peer, Responders, Server, Tls, Trust,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::sum::{Sum, sum};

/// How many callers there are in a turn.
const CALLERS: i64 = 64;
/// How many calls each makes: so many that its own beginning and end do not count.
const CALLS: i64 = 64;

async fn waiting_sum(command: Sum) -> Answer<Sum> {
    tokio::task::yield_now().await;
    sum(command).await
}

/// A connection over loopback; the runtime carries both of its ends.
async fn connect(server: Amp, tls: Option<[Tls; 2]>) -> Peer {
    let mut endpoint: ListenEndpoint = "tcp:0:interface=127.0.0.1".parse().unwrap();
    let mut own = None;
    if let Some([theirs, ours]) = tls {
        endpoint = endpoint.tls(theirs);
        own = Some(ours);
    }
    let server = server.listen_on(&endpoint).await.unwrap();
    let mut endpoint = ConnectEndpoint::tcp("127.0.0.1", port_of(&server));
    if let Some(ours) = own {
        endpoint = endpoint.tls(ours);
    }
    tokio::spawn(server.run());
    Amp::new().connect_to(&endpoint).await.unwrap()
}

fn port_of(server: &Server) -> u16 {
    let endpoint = server.endpoint().to_string();
    endpoint.rsplit(':').next().unwrap().parse().unwrap()
}

async fn turn(peer: &Peer, limit: Option<Duration>) {
    let mut callers = JoinSet::new();
    for a in 0..CALLERS {
        let peer = peer.clone();
        callers.spawn(async move {
            for b in 0..CALLS {
                let mut call = peer.call(Sum { a, b });
                if let Some(limit) = limit {
                    call = call.timeout(limit);
                }
                assert_eq!(call.await.unwrap().total, a + b);
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn costs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("64 callers");
    group.throughput(Throughput::Elements((CALLERS * CALLS).unsigned_abs()));
    let mut measure = |name: &str, runtime: Runtime, limit, server: Amp, tls| {
        let peer = runtime.block_on(connect(server, tls));
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(turn(&peer, limit)));
        });
    };
    let serving = || Amp::new().locator(Responders::new().on(sum));
    measure("default", one_thread(), None, serving(), None);
    let hour = Some(Duration::from_secs(3_600));
    measure("a deadline for each", one_thread(), hour, serving(), None);
    let waits = Amp::new().locator(Responders::new().on(waiting_sum));
    measure(
        "a responder that waits once",
        one_thread(),
        None,
        waits,
        None,
    );
    let spawns = Amp::new().locator(Responders::new().on(sum).spawned());
    measure(
        "a responder in a task of its own",
        one_thread(),
        None,
        spawns,
        None,
    );
    let identity = Tls::new().identity(Identity::temporary().unwrap());
    let tls = [identity, Tls::new().trust(Trust::anyone())];
    measure("TLS", one_thread(), None, serving(), Some(tls));
    let two = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    measure("a runtime with two workers", two, None, serving(), None);
    #[cfg(feature = "tracing")]
    {
        let mut spans = |name, level| {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(level)
                .with_writer(std::io::sink)
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                measure(name, one_thread(), None, serving(), None);
            });
        };
        spans("a log from `info` up", tracing::Level::INFO);
        spans("a log with spans", tracing::Level::DEBUG);
    }
    group.finish();
}

criterion_group!(all, costs);
criterion_main!(all);
