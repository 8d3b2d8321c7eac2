//! How connections are made.

mod settings;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use amp_rpc_core::AmpBox;
use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::boxes::{BoxReceiver, BoxSender, Boxes, Carrier, run};
use crate::connection::{Driver, Located, Options, Shared};
use crate::endpoint::{ConnectEndpoint, ConnectError, ListenEndpoint, ListenError, Listener};
use crate::peer::Peer;
use crate::reconnecting::Reconnecting;
use crate::server::{Carrying, Connection, Server, ServerOptions};
use crate::tls::Tls;
use crate::transport::{Addresses, Side, Transport};

/// Makes connections that speak AMP; what in Twisted is a factory with the protocol class `AMP`.
///
/// It holds what all its connections have in common: the locator and the options. Cheap to clone.
///
/// ```
/// # use amp_rpc::{Amp, Responders};
/// # tokio_test(async {
/// let (left, right) = tokio::io::duplex(1024);
/// let server = Amp::new().locator(Responders::new()).over(left);
/// let client = Amp::new().over(right);
/// client.close();
/// server.closed().await;
/// # });
/// # fn tokio_test(test: impl Future<Output = ()>) {
/// #     tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
/// # }
/// ```
#[derive(Clone)]
pub struct Amp {
    options: Arc<Options>,
    server: ServerOptions,
    tls: Option<Tls>,
    locate: Arc<LocatorFor>,
}

/// Makes the locator of a connection.
type LocatorFor = dyn Fn(&Peer) -> Arc<Located> + Send + Sync;

impl Amp {
    /// Connections without responders and with the default options.
    pub fn new() -> Self {
        Self {
            options: Options::usual(),
            server: ServerOptions::default(),
            tls: None,
            locate: Arc::new(|_| Located::nothing()),
        }
    }

    /// Speaks AMP over any stream. The connection runs in a task of its own.
    ///
    /// Over a [`tokio::net::UnixStream`] it also carries file descriptors. A peer that sends some over a Unix
    /// socket that is hidden in a stream of another type may have to wait: tokio does not notice then that
    /// there is more to read.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; the runtime must have its time driver enabled. When an option makes no sense, such
    /// as a [`call_timeout`](Self::call_timeout) of zero.
    pub fn over(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Peer {
        self.start(Transport::over(stream))
    }

    /// Speaks AMP over anything that moves boxes: `source` gives those that come, `sink` takes those
    /// that leave. The conversation does not know what carries it. When the source ends, so does the
    /// connection.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; the runtime must have its time driver enabled. When an option makes no sense, such
    /// as a [`call_timeout`](Self::call_timeout) of zero.
    pub fn over_boxes<R, W>(&self, source: R, sink: W) -> Peer
    where
        R: Stream<Item = AmpBox> + Send + Unpin + 'static,
        W: Sink<AmpBox, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
    {
        let carrier = Carrier::new(source, sink, self.options.limits);
        self.start(Transport::new(carrier, Addresses::default(), Side::Boxes))
    }

    /// Gives the boxes of a stream to a receiver instead of a conversation; in Twisted,
    /// `AMP(boxReceiver=…)`. The limits are those of this `Amp`; responders are not asked.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; the runtime must have its time driver enabled.
    pub fn receive_boxes(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        receiver: impl BoxReceiver,
    ) {
        let sender = BoxSender::new(self.options.limits);
        tokio::spawn(run(Transport::over(stream), sender, receiver));
    }

    /// Connects to an endpoint, given as a string: `tcp:HOST:PORT`, `unix:PATH` or `memory:NAME`, with
    /// options as in `tcp:localhost:8080:timeout=5`. [`ConnectEndpoint`] has all of them. The connection
    /// runs in a task of its own.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), amp_rpc::ConnectError> {
    /// let peer = amp_rpc::Amp::new().connect("tcp:localhost:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Cancel-safe: when the future is dropped, so is the connection that was being made.
    ///
    /// # Errors
    ///
    /// The string is no such endpoint, or there is no connection within the endpoint's timeout.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; the runtime must have its drivers for time and I/O enabled.
    pub async fn connect(&self, endpoint: &str) -> Result<Peer, ConnectError> {
        match endpoint.parse() {
            Ok(endpoint) => self.connect_to(&endpoint).await,
            Err(source) => Err(ConnectError::Endpoint {
                description: endpoint.to_owned(),
                source,
            }),
        }
    }

    /// Connects to an endpoint. As [`Amp::connect`], but nothing can be wrong with the endpoint's form. Cancel-safe in the
    /// same way.
    ///
    /// # Errors
    ///
    /// There is no connection within the endpoint's timeout.
    ///
    /// # Panics
    ///
    /// As [`Amp::connect`].
    pub async fn connect_to(&self, endpoint: &ConnectEndpoint) -> Result<Peer, ConnectError> {
        self.options
            .check()
            .map_err(|source| ConnectError::Options {
                endpoint: Box::new(endpoint.clone()),
                source,
            })?;
        Ok(self.start(endpoint.connect().await?))
    }

    /// Connects to an endpoint again and again: a peer that survives its connections. The string is that of
    /// [`connect`](Self::connect). Nothing happens before [`Reconnecting::start`]; what is wrong with the
    /// endpoint is said there.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), amp_rpc::ConnectError> {
    /// let peer = amp_rpc::Amp::new().reconnecting("tcp:localhost:8080").start()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reconnecting(&self, endpoint: &str) -> Reconnecting {
        let endpoint = endpoint.parse().map_err(|source| ConnectError::Endpoint {
            description: endpoint.to_owned(),
            source,
        });
        Reconnecting::new(self.clone(), endpoint)
    }

    /// Connects to an endpoint again and again. As [`reconnecting`](Self::reconnecting), but nothing can be
    /// wrong with the endpoint's form.
    pub fn reconnecting_to(&self, endpoint: &ConnectEndpoint) -> Reconnecting {
        Reconnecting::new(self.clone(), Ok(endpoint.clone()))
    }

    /// Listens on an endpoint, given as a string: `tcp:PORT`, `tcp:HOST:PORT`, `unix:PATH` or
    /// `memory:NAME`, with options as in `tcp:8080:interface=127.0.0.1`. [`ListenEndpoint`] has all of
    /// them. Connections are accepted until the server is dropped or shut down.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), amp_rpc::ListenError> {
    /// use amp_rpc::{Amp, Responders};
    ///
    /// let amp = Amp::new().locator(Responders::new());
    /// amp.listen("tcp:127.0.0.1:8080").await?.run().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Cancel-safe: when the future is dropped, nothing listens.
    ///
    /// # Errors
    ///
    /// The string is no such endpoint, or the system refuses, for example because the port is taken.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; the runtime must have its drivers for time and I/O enabled.
    pub async fn listen(&self, endpoint: &str) -> Result<Server, ListenError> {
        match endpoint.parse() {
            Ok(endpoint) => self.listen_on(&endpoint).await,
            Err(source) => Err(ListenError::Endpoint {
                description: endpoint.to_owned(),
                source,
            }),
        }
    }

    /// Listens on an endpoint. As [`Amp::listen`], but nothing can be wrong with the endpoint's form. Cancel-safe in the same
    /// way.
    ///
    /// # Errors
    ///
    /// The system refuses, for example because the port is taken.
    ///
    /// # Panics
    ///
    /// As [`Amp::listen`].
    pub async fn listen_on(&self, endpoint: &ListenEndpoint) -> Result<Server, ListenError> {
        let listener = self.bind(endpoint).await?;
        let amp = self.clone();
        let serve = move |transport| {
            let (peer, driver) = amp.prepare(transport);
            (
                Connection::Conversation(peer.into()),
                Carrying::Driver(driver),
            )
        };
        Ok(Server::start(listener, self.server, Box::new(serve)))
    }

    /// Connects to an endpoint for the boxes themselves instead of calls. The string is that of
    /// [`connect`](Self::connect). Cancel-safe in the same way.
    ///
    /// # Errors
    ///
    /// The string is no such endpoint, or there is no connection within the endpoint's timeout.
    ///
    /// # Panics
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_for_boxes(
        &self,
        endpoint: &str,
    ) -> Result<(Boxes, BoxSender), ConnectError> {
        let endpoint: ConnectEndpoint =
            endpoint.parse().map_err(|source| ConnectError::Endpoint {
                description: endpoint.to_owned(),
                source,
            })?;
        let transport = endpoint.connect().await?;
        Ok(Boxes::start(transport, self.options.limits))
    }

    /// Listens on an endpoint and gives the boxes of each connection to a receiver that `make` makes
    /// for it; in Twisted, a factory of `AMP(boxReceiver=…)`. The string is that of
    /// [`listen`](Self::listen). Cancel-safe in the same way.
    ///
    /// # Errors
    ///
    /// The string is no such endpoint, or the system refuses, for example because the port is taken.
    ///
    /// # Panics
    ///
    /// As [`listen`](Self::listen).
    pub async fn listen_for_boxes<R: BoxReceiver>(
        &self,
        endpoint: &str,
        make: impl Fn() -> R + Send + Sync + 'static,
    ) -> Result<Server, ListenError> {
        let endpoint: ListenEndpoint =
            endpoint.parse().map_err(|source| ListenError::Endpoint {
                description: endpoint.to_owned(),
                source,
            })?;
        let listener = self.bind(&endpoint).await?;
        let limits = self.options.limits;
        let serve = move |transport: Transport| {
            let sender = BoxSender::new(limits);
            let carrying = Box::pin(run(transport, sender.clone(), make()));
            (
                Connection::Boxes(Box::new(sender)),
                Carrying::Other(carrying),
            )
        };
        Ok(Server::start(listener, self.server, Box::new(serve)))
    }

    async fn bind(&self, endpoint: &ListenEndpoint) -> Result<Listener, ListenError> {
        let checked = self.options.check().and_then(|()| self.server.check());
        checked.map_err(|source| ListenError::Options {
            endpoint: Box::new(endpoint.clone()),
            source,
        })?;
        endpoint.bind().await
    }

    /// What all connections of this `Amp` have.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// # Panics
    ///
    /// When the options make no sense; where an error can be returned, they are checked before.
    pub(crate) fn start(&self, transport: Transport) -> Peer {
        if let Err(error) = self.options.check() {
            panic!("{error}");
        }
        let (peer, driver) = self.prepare(transport);
        tokio::spawn(driver);
        peer
    }

    fn prepare(&self, transport: Transport) -> (Peer, Driver) {
        let (shared, carried) = Shared::new(Arc::clone(&self.options), self.tls.clone(), transport);
        let shared = Arc::new(shared);
        let peer = Peer::new(&shared);
        let locator = (self.locate)(&peer);
        (peer, Driver::new(carried, shared, locator))
    }
}

impl Default for Amp {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Amp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amp")
            .field("options", &self.options)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
