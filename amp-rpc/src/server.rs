//! Accepting connections.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::boxes::BoxSender;
use crate::connection::log;
use crate::endpoint::{ConnectEndpoint, Listener};
use crate::peer::Peer;
use crate::transport::{Opening, Transport};

/// How long the server waits when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening server; made by [`Amp::listen`](crate::Amp::listen) and
/// [`Amp::listen_for_boxes`](crate::Amp::listen_for_boxes). It accepts connections in a task of its
/// own, each of which then runs in one too.
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
    connections: BTreeMap<u64, Connection>,
    /// The server shuts down: connections finish as soon as they are open.
    finishing: bool,
}

/// What a server needs of a connection to end it.
#[derive(Clone)]
pub(crate) enum Connection {
    /// It is not set up yet, and ends when it is told here.
    Opening(Arc<Notify>),
    Conversation(Peer),
    Boxes(BoxSender),
}

impl Connection {
    fn finish(&self) {
        match self {
            Self::Opening(end) => end.notify_one(),
            Self::Conversation(peer) => peer.finish(),
            Self::Boxes(sender) => sender.close(),
        }
    }

    fn close(&self) {
        match self {
            Self::Opening(end) => end.notify_one(),
            Self::Conversation(peer) => peer.close(),
            Self::Boxes(sender) => sender.close(),
        }
    }
}

/// Begins to carry a connection that is set up: what ends it, and the future that carries it.
pub(crate) type Serve = dyn Fn(Transport) -> (Connection, Carrying) + Send + Sync;
pub(crate) type Carrying = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Connections {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(self: &Arc<Self>, connection: Connection) -> Entry {
        let mut open = self.lock();
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, connection);
        self.count.send_replace(open.connections.len());
        Entry {
            connections: Arc::clone(self),
            id,
        }
    }

    fn remove(&self, id: u64) {
        let mut open = self.lock();
        let connection = open.connections.remove(&id);
        self.count.send_replace(open.connections.len());
        drop(open);
        // The last handle closes its connection, which is not to be done under the lock.
        drop(connection);
    }

    fn all(&self) -> Vec<Connection> {
        self.lock().connections.values().cloned().collect()
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

impl Entry {
    /// Notes that the connection is set up.
    fn is_open(&self, connection: Connection) {
        let mut open = self.connections.lock();
        open.connections.insert(self.id, connection.clone());
        let finishing = open.finishing;
        drop(open);
        if finishing {
            connection.finish();
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.connections.remove(self.id);
    }
}

impl Server {
    pub(crate) fn start(listener: Listener, serve: Box<Serve>) -> Self {
        let connections = Arc::new(Connections {
            open: Mutex::default(),
            count: watch::Sender::new(0),
        });
        Self {
            endpoint: listener.endpoint(),
            accepting: tokio::spawn(accept(listener, serve, Arc::clone(&connections))),
            connections,
        }
    }

    /// An endpoint that leads to this server: what to give to
    /// [`Amp::connect`](crate::Amp::connect). Where the system chose the port, it is the chosen one.
    /// Nothing leads to a single connection that is there already, as on `stdio:`; it is then only a name.
    pub fn endpoint(&self) -> &ConnectEndpoint {
        &self.endpoint
    }

    /// The peers that are connected now, the oldest first; none where the server listens for boxes.
    pub fn peers(&self) -> Vec<Peer> {
        let connections = self.connections.all().into_iter();
        connections
            .filter_map(|connection| match connection {
                Connection::Conversation(peer) => Some(peer),
                Connection::Opening(_) | Connection::Boxes(_) => None,
            })
            .collect()
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
        let late = self.connections.all();
        late.iter().for_each(Connection::close);
        late.len()
    }

    fn finish(&self) {
        self.connections.lock().finishing = true;
        self.connections.all().iter().for_each(Connection::finish);
    }

    /// Waits as long as the server accepts connections, which is until its task is ended from outside.
    /// For a program that does nothing else.
    ///
    /// Where there is a single connection, as on `stdio:`, it returns when that one has ended.
    pub async fn run(mut self) {
        // Otherwise the task ends only by being aborted or when the runtime shuts down.
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

async fn accept(mut listener: Listener, serve: Box<Serve>, connections: Arc<Connections>) {
    let serve: Arc<Serve> = serve.into();
    loop {
        match listener.accept().await {
            Ok(Some(opening)) => {
                let carrying = carry(opening, Arc::clone(&serve), Arc::clone(&connections));
                tokio::spawn(carrying);
            }
            Ok(None) => return connections.none().await,
            // What ends one connection before it begins is no reason to stop.
            Err(error) if is_the_peers(&error) => {}
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Sets a connection up and carries it. It counts from its beginning.
fn carry(
    opening: Opening,
    serve: Arc<Serve>,
    connections: Arc<Connections>,
) -> impl Future<Output = ()> {
    let end = Arc::new(Notify::new());
    let entry = connections.add(Connection::Opening(Arc::clone(&end)));
    async move {
        let transport = match unless(end.notified(), opening).await {
            Some(Ok(transport)) => transport,
            Some(Err(error)) => return log::opening(&error),
            None => return,
        };
        // The program's function that makes a locator or receiver may panic. That ends this
        // connection, and nothing else.
        let Ok((connection, carrying)) = catch_unwind(AssertUnwindSafe(|| serve(transport))) else {
            return;
        };
        entry.is_open(connection);
        carrying.await;
    }
}

/// The result of `work`, unless `end` is ready first.
pub(crate) async fn unless<T>(
    end: impl Future<Output = ()>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|cx| match end.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => work.as_mut().poll(cx).map(Some),
    })
    .await
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
