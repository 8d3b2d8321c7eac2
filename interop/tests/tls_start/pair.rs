//! Connections with live Twisted.

use std::process::{Child, Stdio};
use std::time::Duration;

use amp_rpc::{Amp, Peer, Server};

use crate::commands::{Ask, Ended, Outcome, Seen, View};
use crate::support::{Server as Listening, python};
use crate::world::World;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// Fails a test that waits for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("waited for ever")
}

/// Two connections with one process of Twisted's.
pub(crate) struct Pair {
    pub(crate) peer: Peer,
    /// Stays in plain text: it says what Twisted would say elsewhere if it could.
    pub(crate) control: Peer,
    _process: Process,
    /// Where Twisted has connected.
    _servers: Vec<Server>,
}

#[allow(dead_code, reason = "it is held for its end")]
enum Process {
    Listening(Listening),
    Connected(Child),
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Connected(child) = self {
            // It may be gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Pair {
    /// We connect to Twisted.
    pub(crate) async fn we_connect(world: &World, amp: &Amp) -> Self {
        Self::we_connect_through(world, amp, async |port| port).await
    }

    /// We connect to what `relay` makes of Twisted's port.
    pub(crate) async fn we_connect_through(
        world: &World,
        amp: &Amp,
        relay: impl AsyncFnOnce(u16) -> u16,
    ) -> Self {
        let mut process = python("start_tls_peer.py");
        let process = Listening::start(process.arg(world.folder.path()));
        let control = format!("tcp:127.0.0.1:{}", process.port);
        let control = soon(Amp::new().connect(&control)).await;
        let relayed = format!("tcp:127.0.0.1:{}", relay(process.port).await);
        let peer = soon(amp.connect(&relayed)).await;
        Self {
            peer: peer.expect("it listens"),
            control: control.expect("it listens"),
            _process: Process::Listening(process),
            _servers: Vec::new(),
        }
    }

    /// Twisted connects to us.
    pub(crate) async fn twisted_connects(world: &World, amp: &Amp) -> Self {
        let endpoint = "tcp:0:interface=127.0.0.1";
        let mut process = python("start_tls_peer.py");
        let mut servers = Vec::new();
        for amp in [amp, &Amp::new()] {
            let server = amp.listen(endpoint).await.expect("a free port");
            let address = server.endpoint().to_string();
            let port = address.rsplit(':').next().expect("a port");
            process.args(["--connect", port]);
            servers.push(server);
        }
        let process = process.arg(world.folder.path()).stdout(Stdio::null());
        let process = Process::Connected(process.spawn().expect("it starts"));
        let [peer, control] = [0, 1].map(|server| accepted(&servers[server]));
        Self {
            peer: soon(peer).await,
            control: soon(control).await,
            _process: process,
            _servers: servers,
        }
    }

    /// What Twisted sees.
    pub(crate) async fn view(&self) -> View {
        soon(self.peer.call(Seen {})).await.expect("an answer")
    }

    /// Has Twisted ask, and says what it says of how that ended.
    pub(crate) async fn ask(&self, ask: Ask) -> Ended {
        soon(self.peer.call(ask)).await.expect("it will");
        soon(self.control.call(Outcome {})).await.expect("an end")
    }
}

/// The first connection of a server.
async fn accepted(server: &Server) -> Peer {
    loop {
        if let Some(peer) = server.peers().pop() {
            return peer;
        }
        tokio::task::yield_now().await;
    }
}
