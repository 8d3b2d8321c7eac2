//! What an idle connection holds on the heap, counted without a clock: both ends are in this process, on one thread.

use std::sync::Arc;
use std::time::Duration;

use amp_rpc::{Amp, Answer, Command, Fields, Peer, Responders};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, JoinSet};

#[derive(Command)]
#[amp(response = Total)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Fields)]
struct Total {
    total: i64,
}

async fn sum(command: Sum) -> Answer<Sum> {
    let total = command.a + command.b;
    Ok(Total { total })
}

/// How many connections are counted.
const COUNTED: usize = 200;
/// How many are opened before, so that what is made once for all of them does not count.
const FIRST: usize = 50;
/// The most that both ends of one hold together. Of it, 512 bytes are what tokio holds of two sockets, and 512 the two
/// tasks. What is logged and published is known for each connection.
const LIMIT: f64 = if cfg!(any(feature = "metrics", feature = "tracing")) {
    3_000.0
} else {
    2_360.0
};

/// Connections that were used for one call, and let go of what it took.
fn open(runtime: &Runtime, endpoint: &str, connections: usize, kept: &mut Vec<Peer>) {
    runtime.block_on(async {
        for _ in 0..connections {
            let peer = Amp::new().connect(endpoint).await.unwrap();
            assert_eq!(peer.call(Sum { a: 1, b: 2 }).await.unwrap().total, 3);
            kept.push(peer);
        }
        // What servers do behind an answer is done when one more connection has had one.
        let peer = Amp::new().connect(endpoint).await.unwrap();
        peer.call(Sum { a: 1, b: 2 }).await.unwrap();
        kept.push(peer);
    });
}

#[test]
fn an_idle_connection_holds_little() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut kept = Vec::with_capacity(COUNTED + FIRST + 2);
    let endpoint = runtime.block_on(async {
        let amp = Amp::new().locator(Responders::new().on(sum));
        let server = amp.listen("tcp:127.0.0.1:0").await.unwrap();
        let endpoint = server.endpoint().to_string();
        tokio::spawn(server.run());
        endpoint
    });
    open(&runtime, &endpoint, FIRST, &mut kept);
    let counted = allocation_counter::measure(|| {
        open(&runtime, &endpoint, COUNTED, &mut kept);
    });
    let held = counted.bytes_current as f64 / (COUNTED + 1) as f64;
    assert!(held < LIMIT, "{held} bytes a connection");
    assert_eq!(kept.len(), COUNTED + FIRST + 2);
}

/// Echoes much.
#[derive(Command)]
#[amp(response = Echoed)]
struct Echo {
    data: Vec<u8>,
}

#[derive(Fields)]
struct Echoed {
    data: Vec<u8>,
}

/// Is not answered.
#[derive(Command)]
struct Wait {}

/// Makes many large calls at once, while another waits for its answer.
async fn burst(endpoint: &str) -> (Peer, JoinHandle<()>) {
    let peer = Amp::new().connect(endpoint).await.unwrap();
    let waiting = peer.call(Wait {}).owned();
    let waiting = tokio::spawn(async move { drop(waiting.await) });
    let mut echoes = JoinSet::new();
    for _ in 0..64 {
        let echo = peer.call(Echo {
            data: vec![b'x'; 7_000],
        });
        echoes.spawn(echo.owned().into_future());
    }
    while let Some(echoed) = echoes.join_next().await {
        assert_eq!(echoed.unwrap().unwrap().data.len(), 7_000);
    }
    (peer, waiting)
}

#[test]
fn a_connection_with_a_call_that_waits_does_not_hold_what_a_burst_needed() {
    const CONNECTIONS: usize = 24;
    /// What a buffer holds that a connection may keep.
    const USUAL: usize = 256 * 1024;
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = runtime.block_on(async {
        let responders = Responders::new()
            .on(async |command: Echo| -> Answer<Echo> { Ok(Echoed { data: command.data }) })
            .on(async |_: Wait| -> Answer<Wait> { std::future::pending().await });
        let server = Amp::new().locator(responders);
        let server = server.listen("tcp:127.0.0.1:0").await.unwrap();
        let endpoint = server.endpoint().to_string();
        tokio::spawn(server.run());
        endpoint
    });
    // What is made once for all of them does not count.
    let mut kept: Vec<_> = (0..4).map(|_| runtime.block_on(burst(&endpoint))).collect();
    let counted = allocation_counter::measure(|| {
        kept.extend((0..CONNECTIONS).map(|_| runtime.block_on(burst(&endpoint))));
    });
    let held = usize::try_from(counted.bytes_current).unwrap() / CONNECTIONS;
    assert!(held < USUAL, "{held} bytes a connection");
}

/// Tasks of responders wait for other connections' asks, but not for longer than their locator is there.
#[test]
fn what_a_responder_holds_goes_with_its_locator() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let held = Arc::new(());
    let seen = Arc::downgrade(&held);
    runtime.block_on(async {
        let responders = Responders::new().on(move |command: Sum| {
            let _held = Arc::clone(&held);
            sum(command)
        });
        let server = Amp::new().locator(responders);
        let server = server.listen("tcp:127.0.0.1:0").await.unwrap();
        let peer = (Amp::new().connect(&server.endpoint().to_string()).await).unwrap();
        peer.call(Sum { a: 1, b: 2 }).await.unwrap();
        assert!(seen.upgrade().is_some());
        peer.close();
        peer.closed().await;
        assert_eq!(server.shutdown(Duration::from_secs(10)).await, 0);
    });
    // The task that accepted has ended; that it is dropped takes one more turn.
    runtime.block_on(tokio::task::yield_now());
    assert!(seen.upgrade().is_none(), "something still holds it");
}
