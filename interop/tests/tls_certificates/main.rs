//! What becomes of certificates and of streams with TLS, with live Twisted on the other end.

#[path = "../support/mod.rs"]
mod support;

mod chains;
mod folders;
mod renewal;
mod streams;
mod subjects;

use std::process::Command as Process;
use std::time::Duration;

use amp_rpc::{Amp, Answer, Command, Fields, Peer, Responders, Server};
use serde_json::Value;
use support::python;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// The contract's command.
#[derive(Debug, Command)]
#[amp(response = Total)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Debug, Fields)]
struct Total {
    total: i64,
}

/// Says what the server knows of its client.
#[derive(Debug, Command)]
#[amp(response = Seen)]
struct WhoAmI {}

#[derive(Debug, PartialEq, Fields)]
struct Seen {
    /// Empty where the client shows no certificate.
    subject: String,
    version: String,
    /// Empty where the client says no name.
    sought: String,
}

/// Ends the connection behind the answer.
#[derive(Debug, Command)]
struct Leave {}

async fn sum(command: Sum) -> Answer<Sum> {
    let total = command.a + command.b;
    Ok(Total { total })
}

async fn who_am_i(_: WhoAmI, peer: Peer) -> Answer<WhoAmI> {
    let session = peer.tls().expect("the endpoint has seen to it");
    let subject = session.peer().map(|peer| peer.subject.clone());
    Ok(Seen {
        subject: subject.unwrap_or_default(),
        version: session.version().to_owned(),
        sought: session.server_name().unwrap_or_default().to_owned(),
    })
}

/// The server that Twisted calls.
fn amp() -> Amp {
    let responders = Responders::new().on(sum).on_with_peer(who_am_i);
    Amp::new().locator(responders)
}

/// Fails a test that waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

fn twisted(mode: &str) -> Process {
    let mut process = python("certificates_peer.py");
    process.arg(mode);
    process
}

/// Twisted serves on an endpoint of its own.
fn twisted_serves(endpoint: &str) -> support::Server {
    support::Server::start(twisted("serve").arg(endpoint))
}

/// What Twisted prints after it has called an endpoint.
async fn twisted_calls(endpoint: &str) -> Value {
    let mut call = twisted("call");
    call.arg(endpoint);
    let output = soon(tokio::task::spawn_blocking(move || call.output())).await;
    let output = output.expect("it runs").expect("it starts");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn port(server: &Server) -> u16 {
    let port = server.endpoint().to_string();
    let port = port.rsplit(':').next().and_then(|port| port.parse().ok());
    port.expect("it is TCP")
}

/// Why Twisted's call failed.
fn error(found: &Value) -> &str {
    let error = found["error"].as_str();
    error.unwrap_or_else(|| panic!("no error in {found}"))
}

async fn connect(endpoint: &str) -> Peer {
    let peer = soon(Amp::new().connect(endpoint)).await;
    peer.unwrap_or_else(|error| panic!("{endpoint}: {error:?}"))
}
