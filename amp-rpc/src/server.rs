//! Accepting connections.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::amp::Amp;
use crate::endpoint::{ConnectEndpoint, Listener};
use crate::peer::Peer;
use crate::transport::{Addresses, BoxedStream};

/// How long the server waits when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening server; made by [`Amp::listen`]. It accepts connections in a task of its own, each of
/// which then runs in one too.
///
/// Dropping it stops the accepting; connections that are open stay.
pub struct Server {
    endpoint: ConnectEndpoint,
    connections: Arc<Connections>,
    accepting: JoinHandle<()>,
}

/// The connections that a server has open.
struct Connections {
    open: Mutex<Open>,
    /// How many there are, for those who wait until there are none.
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct Open {
    next: u64,
    peers: BTreeMap<u64, Peer>,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(self: &Arc<Self>, peer: Peer) -> Entry {
        let mut open = self.lock();
        let id = open.next;
        open.next += 1;
        open.peers.insert(id, peer);
        self.count.send_replace(open.peers.len());
        Entry {
            connections: Arc::clone(self),
            id,
        }
    }

    fn remove(&self, id: u64) {
        let mut open = self.lock();
        let peer = open.peers.remove(&id);
        self.count.send_replace(open.peers.len());
        drop(open);
        drop(peer);
    }

    fn peers(&self) -> Vec<Peer> {
        self.lock().peers.values().cloned().collect()
    }

    async fn none(&self) {
        let mut count = self.count.subscribe();
        // The sender lives in `self`: it cannot be gone.
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

/// A connection's place among those that are open, for as long as its task is there.
struct Entry {
    connections: Arc<Connections>,
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.remove(self.id);
    }
}

impl Server {
    pub(crate) fn start(amp: Amp, listener: Listener) -> Self {
        let connections = Arc::new(Connections {
            open: Mutex::default(),
            count: watch::Sender::new(0),
        });
        Self {
            endpoint: listener.endpoint(),
            accepting: tokio::spawn(accept(amp, listener, Arc::clone(&connections))),
            connections,
        }
    }

    /// An endpoint that leads to this server: what to give to [`Amp::connect`]. Where the system chose
    /// the port, it is the chosen one.
    pub fn endpoint(&self) -> &ConnectEndpoint {
        &self.endpoint
    }

    /// The connections that are open now, the oldest first.
    pub fn peers(&self) -> Vec<Peer> {
        self.connections.peers()
    }

    /// Stops accepting, lets each connection finish what is under way, and closes it. Returns how many
    /// connections were not done after `limit`; those are closed without waiting any longer.
    ///
    /// When the future is dropped before it is done, the server has stopped accepting, and the
    /// connections still close as they finish.
    pub async fn shutdown(mut self, limit: Duration) -> usize {
        self.accepting.abort();
        self.finish();
        // Once the task is gone, so is the listener: its place is free when this returns. The task may
        // have accepted one more connection meanwhile.
        let _ = (&mut self.accepting).await;
        self.finish();
        if tokio::time::timeout(limit, self.connections.none())
            .await
            .is_ok()
        {
            return 0;
        }
        let late = self.connections.peers();
        late.iter().for_each(Peer::close);
        late.len()
    }

    fn finish(&self) {
        self.connections.peers().iter().for_each(Peer::finish);
    }

    /// Waits as long as the server accepts connections, which is until its task is ended from outside.
    /// For a program that does nothing else.
    pub async fn run(mut self) {
        // The task ends only by being aborted or when the runtime shuts down.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("endpoint", &self.endpoint)
            .field("connections", &*self.connections.count.borrow())
            .finish_non_exhaustive()
    }
}

async fn accept(amp: Amp, mut listener: Listener, connections: Arc<Connections>) {
    loop {
        match listener.accept().await {
            Ok((stream, addresses)) => begin(&amp, &connections, stream, addresses),
            // What ends one connection before it begins is no reason to stop.
            Err(error) if is_the_peers(&error) => {}
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn begin(amp: &Amp, connections: &Arc<Connections>, stream: BoxedStream, addresses: Addresses) {
    // The program's function that makes a locator may panic. That ends this connection, and nothing
    // else.
    let prepare = AssertUnwindSafe(|| amp.prepare(stream, addresses));
    let Ok((peer, driver)) = catch_unwind(prepare) else {
        return;
    };
    let entry = connections.add(peer);
    tokio::spawn(async move {
        let _entry = entry;
        driver.await;
    });
}

fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
