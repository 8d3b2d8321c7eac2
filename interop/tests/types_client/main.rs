//! Every argument type, every kind of error and both directions, called on Twisted.

#[path = "../support/mod.rs"]
mod support;

mod directions;
mod dynamic;
mod errors;
mod values;

use std::time::Duration;

use amp_rpc::{Amp, Compat, EndReason, Peer};
use interop::types::commands::Double;
use interop::types::service::service;
use support::{Server, python};

/// How a caller can be set; Twisted's answers mean the same in both.
fn modes() -> [Compat; 2] {
    [Compat::default(), Compat::twisted()]
}

/// Runs a test against a server of its own that is Twisted.
async fn with_twisted(test: impl AsyncFnOnce(&Twisted)) {
    let twisted = Twisted(Server::start(python("types_peer.py").arg("serve")));
    tokio::time::timeout(Duration::from_secs(60), test(&twisted))
        .await
        .expect("the test ends in time");
}

struct Twisted(Server);

impl Twisted {
    /// A new connection, which serves everything too.
    async fn connect(&self, compat: Compat) -> Peer {
        let amp = Amp::new().compat(compat).locator_for_each(|_| service());
        let endpoint = format!("tcp:127.0.0.1:{}", self.0.port);
        amp.connect(&endpoint).await.expect("the server accepts")
    }
}

/// Fails unless the connection can still be used.
async fn usable(peer: &Peer) {
    let answer = peer.call(Double { number: 21.into() }).await;
    assert_eq!(answer.expect("an answer").number, 42.into());
}

/// Waits until the peer has closed the connection; fails when anything else ends it.
async fn closed_by_peer(peer: &Peer) {
    let reason = peer.closed().await;
    assert!(matches!(reason, EndReason::ClosedByPeer), "{reason:?}");
}
