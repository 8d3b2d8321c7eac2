//! Accepting connections.

mod carry;
mod connections;
mod options;

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::carry::Carry;
pub(crate) use self::carry::Carrying;
pub(crate) use self::connections::Connection;
use self::connections::Connections;
pub use self::connections::OpenConnections;
use self::options::Age;
pub(crate) use self::options::ServerOptions;
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

/// Begins to carry a connection that is set up: what ends it, and the future that carries it.
pub(crate) type Serve = dyn Fn(Transport) -> (Connection, Carrying) + Send + Sync;

impl Server {
    pub(crate) fn start(listener: Listener, options: ServerOptions, serve: Box<Serve>) -> Self {
        let endpoint = listener.endpoint();
        let connections = Arc::new(Connections::new());
        let accepting = Accepting {
            serve: serve.into(),
            options,
            connections: Arc::clone(&connections),
            is_full: false,
        };
        Self {
            endpoint,
            accepting: tokio::spawn(accepting.run(listener)),
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
                Connection::Conversation(handle) => Some(handle.into()),
                Connection::Opening(_) | Connection::Boxes(_) => None,
            })
            .collect()
    }

    /// How many connections are open, now and later: to see how far a [`shutdown`](Self::shutdown) is, or how
    /// close the server is to its [bound](crate::Amp::max_connections).
    pub fn connections(&self) -> OpenConnections {
        self.connections.watch()
    }

    /// Stops accepting, lets each connection finish what is under way, and closes it. Returns how many
    /// connections were not done after `limit`; those are closed without waiting any longer.
    ///
    /// When the future is dropped before it is done, the server has stopped accepting, and the
    /// connections still close as they finish.
    pub async fn shutdown(mut self, limit: Duration) -> usize {
        self.accepting.abort();
        self.connections.finish();
        // Once the task is gone, so is the listener: its place is free when this returns. The task may
        // have accepted one more connection meanwhile.
        let _ = (&mut self.accepting).await;
        self.connections.finish();
        if timeout(limit, self.connections.none()).await.is_ok() {
            return 0;
        }
        let late = self.connections.all();
        late.iter().for_each(Connection::close);
        late.len()
    }

    /// Waits as long as the server accepts connections, which is until its task is ended from outside.
    /// For a program that does nothing else.
    ///
    /// Where there is a single connection, as on `stdio:`, it returns when that one has ended. When the future is dropped,
    /// the server accepts nobody any more, and its connections go on.
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
            .field("connections", &self.connections.count())
            .finish_non_exhaustive()
    }
}

/// What the task knows that accepts connections.
struct Accepting {
    serve: Arc<Serve>,
    options: ServerOptions,
    connections: Arc<Connections>,
    /// Connections are refused, and that is said.
    is_full: bool,
}

impl Accepting {
    async fn run(mut self, mut listener: Listener) {
        loop {
            match listener.accept().await {
                Ok(Some(opening)) => {
                    if self.has_room() {
                        tokio::spawn(self.carry(opening));
                    }
                }
                Ok(None) => return self.connections.none().await,
                // What ends one connection before it begins is no reason to stop.
                Err(error) if is_the_peers(&error) => {}
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Whether one more connection may be open. The first one that may not is reported; the others until
    /// there is room again would only say the same.
    fn has_room(&mut self) -> bool {
        let Some(bound) = self.options.max_connections else {
            return true;
        };
        let was_full = self.is_full;
        self.is_full = self.connections.count() >= bound;
        if self.is_full && !was_full {
            log::full(bound);
        }
        !self.is_full
    }

    /// Sets a connection up and carries it. It counts from its beginning.
    fn carry(&self, opening: Opening) -> Carry {
        let serve = Arc::clone(&self.serve);
        let age = self.options.age();
        let end = Arc::new(Notify::new());
        let opened = Connection::Opening(Arc::clone(&end));
        let entry = self.connections.add(opened);
        let place = entry.place();
        let set_up = async move {
            let transport = match unless(end.notified(), opening).await {
                Some(Ok(transport)) => transport,
                Some(Err(error)) => {
                    log::opening(&error);
                    return None;
                }
                None => return None,
            };
            // The program's function that makes a locator or receiver may panic. That ends this
            // connection, and nothing else.
            let serve = AssertUnwindSafe(|| serve(transport));
            let (connection, carrying) = catch_unwind(serve).ok()?;
            place.is_open(connection.clone());
            Some(match age {
                Some(age) => Carrying::Other(Box::pin(carry_until(age, carrying, connection))),
                None => carrying,
            })
        };
        Carry::new(Box::pin(set_up), entry)
    }
}

/// Carries a connection, and ends it at its age.
async fn carry_until(age: Age, mut carrying: Carrying, connection: Connection) {
    if timeout(age.limit, &mut carrying).await.is_ok() {
        return;
    }
    connection.finish();
    if timeout(age.grace, &mut carrying).await.is_ok() {
        return;
    }
    connection.close();
    carrying.await;
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
