//! TLS from the first byte, with live Twisted on the other end in both roles.

#[path = "../support/mod.rs"]
mod support;

mod we_connect;
mod we_listen;

use std::process::Command as Process;
use std::time::Duration;

use amp_rpc::{Amp, Answer, Command, Fields, Peer, Responders, Server};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// What the other side sees of the connection's TLS.
#[derive(Debug, Command)]
#[amp(response = View)]
struct Seen {}

#[derive(Debug, PartialEq, Fields)]
struct View {
    version: Option<String>,
    /// Of the certificate of the side that asks.
    subject: Option<String>,
    sought: Option<String>,
    protocol: Option<String>,
}

async fn see(_: Seen, peer: Peer) -> Answer<Seen> {
    let session = peer.tls();
    let identity = session.and_then(|session| session.peer());
    if let Some(identity) = identity {
        // The tests name everybody once only.
        assert_eq!(identity.subject, format!("CN={}", identity.names[0]));
        assert!(!identity.chain[0].is_empty());
    }
    Ok(View {
        version: session.map(|session| session.version().to_owned()),
        subject: identity.map(|identity| identity.names[0].clone()),
        sought: session.and_then(|session| session.server_name().map(str::to_owned)),
        protocol: session
            .and_then(|session| session.alpn())
            .map(|name| String::from_utf8_lossy(name).into_owned()),
    })
}

fn seeing() -> Amp {
    Amp::new().locator(Responders::new().on_with_peer(see))
}

fn twisted(mode: &str) -> Process {
    let mut process = support::python("tls_peer.py");
    process.arg(mode);
    process
}

fn port(server: &Server) -> String {
    let endpoint = server.endpoint().to_string();
    endpoint.rsplit(':').next().expect("a port").to_owned()
}

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}
