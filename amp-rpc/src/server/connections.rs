//! The connections that a server has open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::boxes::BoxSender;
use crate::connection::Closing;
use crate::peer::Handle;

/// The connections that a server has open.
pub(super) struct Connections {
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
    Conversation(Arc<Handle>),
    Boxes(Box<BoxSender>),
}

impl Connection {
    pub(super) fn finish(&self) {
        match self {
            Self::Opening(end) => end.notify_one(),
            Self::Conversation(handle) => handle.close(Closing::Finish),
            Self::Boxes(sender) => sender.close(),
        }
    }

    pub(super) fn close(&self) {
        match self {
            Self::Opening(end) => end.notify_one(),
            Self::Conversation(handle) => handle.close(Closing::Flush),
            Self::Boxes(sender) => sender.close(),
        }
    }
}

impl Connections {
    pub(super) fn new() -> Self {
        Self {
            open: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(self: &Arc<Self>, connection: Connection) -> Entry {
        let mut open = self.lock();
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, connection);
        self.count.send_replace(open.connections.len());
        Entry(Place {
            connections: Arc::clone(self),
            id,
        })
    }

    fn remove(&self, id: u64) {
        let mut open = self.lock();
        let connection = open.connections.remove(&id);
        self.count.send_replace(open.connections.len());
        drop(open);
        // The last handle closes its connection, which is not to be done under the lock.
        drop(connection);
    }

    pub(super) fn all(&self) -> Vec<Connection> {
        self.lock().connections.values().cloned().collect()
    }

    /// Finishes all that are open, and those that will be.
    pub(super) fn finish(&self) {
        self.lock().finishing = true;
        self.all().iter().for_each(Connection::finish);
    }

    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    pub(super) fn watch(&self) -> OpenConnections {
        OpenConnections(self.count.subscribe())
    }

    pub(super) async fn none(&self) {
        self.watch().none().await;
    }
}

/// A connection's place among those that are open, for as long as its task is there.
pub(super) struct Entry(Place);

/// Where a connection stands among them.
#[derive(Clone)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
}

impl Entry {
    pub(super) fn place(&self) -> Place {
        self.0.clone()
    }
}

impl Place {
    /// Notes that the connection is set up.
    pub(super) fn is_open(&self, connection: Connection) {
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
        self.0.connections.remove(self.0.id);
    }
}

/// How many connections a server has open; from [`Server::connections`](crate::Server::connections).
///
/// A connection counts from the moment it is accepted, before a handshake, until its last byte is written
/// and its responders are done. The handle stays usable while the server shuts down, and after that.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
///
/// let server = amp_rpc::Amp::new().listen("memory:progress").await?;
/// let mut open = server.connections();
/// tokio::spawn(async move {
///     while let Some(count) = open.changed().await {
///         println!("{count} connections are open");
///     }
/// });
/// server.shutdown(Duration::from_secs(30)).await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct OpenConnections(watch::Receiver<usize>);

impl OpenConnections {
    /// How many there are now.
    pub fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until the number is another one than when this handle was made or this has last returned, and
    /// says it. `None`: the server and its connections are gone. Cancel-safe.
    pub async fn changed(&mut self) -> Option<usize> {
        self.0.changed().await.ok()?;
        Some(*self.0.borrow_and_update())
    }

    /// Waits until there are none. Cancel-safe.
    pub async fn none(&mut self) {
        // Without a server there is none either.
        let _ = self.0.wait_for(|count| *count == 0).await;
    }
}
