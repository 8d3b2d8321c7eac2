//! Peers that survive their connections: what becomes of calls when servers are killed and started again.

mod attempts;
mod forms;
mod hooks;
mod leaving;
mod sending;
mod waiting;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amp_rpc::dynamic::Values;
use amp_rpc::{
    Amp, AmpBox, Answer, AttemptError, Backoff, CallError, Command, ConnectError, EndReason,
    Failure, Fields, NotConnected, Peer, Reconnecting, ReconnectingPeer, ReconnectingState,
    ReconnectingStates, Responders, Server, TellError,
};
use futures::FutureExt as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

/// Fails a test that waits for ever. Where the time is paused, it is longer than anything that is waited for.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("waited for ever")
}

/// A command that may be carried out once.
#[derive(Debug, Clone, Command)]
#[amp(response = Number)]
struct Once {
    number: u64,
}

/// The same, for one that may be carried out twice.
#[derive(Debug, Clone, Command)]
#[amp(response = Number, idempotent)]
struct Again {
    number: u64,
}

#[derive(Debug, PartialEq, Fields)]
struct Number {
    number: u64,
}

/// A server that reports each ask, and answers those that are let through its gate.
struct Serving {
    amp: Amp,
    gate: Arc<Semaphore>,
    asked: mpsc::UnboundedReceiver<u64>,
}

fn serving() -> Serving {
    let gate = Arc::new(Semaphore::new(0));
    let (report, asked) = mpsc::unbounded_channel();
    let (through, reports) = (Arc::clone(&gate), report.clone());
    let once = move |command: Once| {
        let through = Arc::clone(&through);
        let _ = reports.send(command.number);
        async move { pass(through, command.number).await }
    };
    let through = Arc::clone(&gate);
    let again = move |command: Again| {
        let through = Arc::clone(&through);
        let _ = report.send(command.number);
        async move { pass(through, command.number).await }
    };
    Serving {
        amp: Amp::new().locator(Responders::new().on(once).on(again)),
        gate,
        asked,
    }
}

async fn pass<E>(gate: Arc<Semaphore>, number: u64) -> Result<Number, Failure<E>> {
    let permit = gate.acquire().await.map_err(Failure::unexpected)?;
    permit.forget();
    Ok(Number { number })
}

impl Serving {
    fn open(self) -> Self {
        self.gate.add_permits(1000);
        self
    }
}

/// Tries again at once, as far as that is possible.
fn eager(reconnecting: Reconnecting) -> Reconnecting {
    let moment = Duration::from_millis(1);
    reconnecting.backoff(Backoff::default().initial(moment).maximum(moment))
}

fn reconnecting(server: &Server) -> ReconnectingPeer {
    eager(Amp::new().reconnecting_to(server.endpoint()))
        .start()
        .unwrap()
}

const ANY_PORT: &str = "tcp:127.0.0.1:0";

/// Ends all connections of a server, and gives its place free.
async fn kill(server: Server) -> String {
    let endpoint = server.endpoint().to_string();
    server.shutdown(Duration::ZERO).await;
    endpoint
}

async fn listen(amp: &Amp, endpoint: &str) -> Server {
    amp.listen(endpoint).await.unwrap()
}

/// Waits for a state.
async fn until(
    states: &mut ReconnectingStates,
    is_it: impl Fn(&ReconnectingState) -> bool,
) -> ReconnectingState {
    loop {
        let state = states.state();
        if is_it(&state) {
            return state;
        }
        soon(states.changed()).await.expect("it is not closed");
    }
}

/// Waits until there is no connection.
async fn lost(peer: &ReconnectingPeer) {
    until(&mut peer.states(), |state| state.peer().is_none()).await;
}

/// A peer whose server is never there.
fn alone(name: &str) -> Reconnecting {
    Amp::new().reconnecting(&format!("memory:{name}"))
}

/// A server whose connections end as soon as they are asked anything; and how often they were.
fn mortal() -> (Amp, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let again = move |_: Again, peer: Peer| {
        counted.fetch_add(1, Ordering::Relaxed);
        peer.close();
        std::future::pending::<Answer<Again>>()
    };
    let amp = Amp::new().locator(Responders::new().on_with_peer(again));
    (amp, asked)
}
