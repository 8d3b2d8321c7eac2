//! How connections are made, and how they behave.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use amp_rpc_core::AmpBox;
use amp_rpc_core::conversation::Compat;
use amp_rpc_core::wire::Limits;
use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::boxes::{BoxReceiver, BoxSender, Boxes, Carrier, run};
use crate::connection::{Driver, Located, Options, Shared, Traceparent};
use crate::endpoint::{ConnectEndpoint, ConnectError, ListenEndpoint, ListenError, Listener};
use crate::locator::Locator;
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

    /// Sets the locator that all connections share. Default: none, which answers every command with
    /// `UNHANDLED`.
    #[must_use]
    pub fn locator(mut self, locator: impl Locator) -> Self {
        let located = Located::shared(locator);
        self.locate = Arc::new(move |_| Arc::clone(&located));
        self
    }

    /// Sets a function that makes a locator for each connection, for responders whose state is the
    /// connection's. It gets the peer before anything is received.
    ///
    /// ```
    /// use std::sync::Mutex;
    ///
    /// use amp_rpc::{Amp, Responders};
    ///
    /// #[derive(Default)]
    /// struct Session { name: Mutex<Option<String>> }
    ///
    /// let amp = Amp::new().locator_for_each(|peer| {
    ///     println!("{:?} has connected", peer.addresses().remote);
    ///     Responders::with_state(Session::default())
    /// });
    /// ```
    #[must_use]
    pub fn locator_for_each<L: Locator>(
        mut self,
        make: impl Fn(&Peer) -> L + Send + Sync + 'static,
    ) -> Self {
        self.locate = Arc::new(move |peer| Located::own(make(peer)));
        self
    }

    /// Sets where connections behave as Twisted does although that is less safe. Default: nowhere.
    #[must_use]
    pub fn compat(mut self, compat: Compat) -> Self {
        Arc::make_mut(&mut self.options).compat = compat;
        self
    }

    /// Sets the limits on one box. Defaults: see [`Limits`]. Less than 54 bytes or 3 pairs, which is what an error takes, is
    /// refused when a connection is made.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        Arc::make_mut(&mut self.options).limits = limits;
        self
    }

    /// Sets how many responders may wait at the same time on one connection. Default: 4,096.
    ///
    /// At the bound no more is read. While calls of this side are under way, reading goes on, since
    /// their answers may be what the responders wait for; asks are then refused with the error code
    /// `BUSY`. Zero is refused when a connection is made.
    #[must_use]
    pub fn max_running(mut self, responders: usize) -> Self {
        Arc::make_mut(&mut self.options).max_running = responders;
        self
    }

    /// Sets how many bytes may wait to be written on one connection before senders wait. Default:
    /// 1 MiB. One box may exceed it. Zero is refused when a connection is made.
    ///
    /// With as many bytes of answers no more is read; while calls of this side are under way, reading goes on, and from
    /// eight times as many on asks are refused with the error code `BUSY`.
    #[must_use]
    pub fn max_queued(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.options).max_queued = bytes;
        self
    }

    /// Sets how many file descriptors may have come on one connection that no box has claimed yet.
    /// Default: 256. One more ends the connection, with
    /// [`CloseReason::TooManyDescriptors`](crate::CloseReason::TooManyDescriptors).
    ///
    /// Descriptors come before their boxes; Twisted sends all that are queued with the first bytes. For each
    /// answer with descriptors that its caller has not polled yet, as many again may wait. See
    /// [the guide](crate::guide::file_descriptors).
    #[must_use]
    pub fn max_unclaimed_descriptors(mut self, descriptors: usize) -> Self {
        Arc::make_mut(&mut self.options).max_unclaimed = descriptors;
        self
    }

    /// Sets how long a call may take, unless it says otherwise with [`Call::timeout`](crate::Call::timeout):
    /// from its first poll until its answer. Default: without a limit, as in Twisted. Zero is refused when
    /// a connection is made.
    #[must_use]
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        Arc::make_mut(&mut self.options).call_timeout = Some(limit);
        self
    }

    /// Sets how often it is looked whether the peer has sent anything. If it has not since the last look, it is asked for a sign of
    /// life. Default: 60 seconds. Zero is refused when a connection is made.
    ///
    /// It is asked with the command `_amp-rpc`, which needs no support: any answer is one, also Twisted's that it
    /// has no such command, and so is anything else that comes. When nothing has come until the next look, the connection ends
    /// with [`EndReason::Silent`](crate::EndReason::Silent) if the peer has answered such an ask before; of one that never has, the
    /// silence is only logged, since some may not answer. So a connection ends two to three such times after the last byte.
    ///
    /// Over TCP, on systems of the Unix family, the system looks for peers that are gone, too, whatever is set here.
    #[must_use]
    pub fn keepalive(mut self, silence: Duration) -> Self {
        Arc::make_mut(&mut self.options).keepalive = Some(silence);
        self
    }

    /// Never asks the peer for a sign of life. Over TCP the system goes on to look for it.
    #[must_use]
    pub fn no_keepalive(mut self) -> Self {
        Arc::make_mut(&mut self.options).keepalive = None;
        self
    }

    /// Closes connections that nobody has used for so long: no ask came, no call was made, and none is
    /// under way. They may live for up to twice as long. Default: without a limit, as in Twisted. Zero is refused when a
    /// connection is made.
    #[must_use]
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        Arc::make_mut(&mut self.options).idle_timeout = Some(limit);
        self
    }

    /// Closes connections that a server has accepted when no whole box has come for so long. Default: without a
    /// limit, since in AMP either side may be the one that asks. Zero is refused when a connection is made.
    #[must_use]
    pub fn first_box_timeout(mut self, limit: Duration) -> Self {
        Arc::make_mut(&mut self.options).first_box_timeout = Some(limit);
        self
    }

    /// Sets whether a connection finds out what its peer can do beyond AMP, and tells the peer what this side
    /// can. Default: it does.
    ///
    /// The first call with a deadline or a [`traceparent`](Self::traceparent), the first that is dropped before its answer, and
    /// [`Peer::leaving`](crate::Peer::leaving), make it ask once, with the command `_amp-rpc`. A peer that has no such command, as every Twisted, answers that, and
    /// never sees anything else that is unusual. [Signs of life](Self::keepalive) are asked for with the same command, also without this.
    ///
    /// Without it, the keys `_deadline` and `_traceparent` of an ask mean nothing to the connection: they are arguments, as in Twisted.
    #[must_use]
    pub fn extensions(mut self, on: bool) -> Self {
        Arc::make_mut(&mut self.options).extensions = on;
        self
    }

    /// Sets what gives the span of whoever makes a call, as the header `traceparent` of
    /// [W3C's Trace Context](https://www.w3.org/TR/trace-context/) has it: it travels beside the arguments to peers that use
    /// this crate, whose responders get it from [`AskContext::traceparent`](crate::AskContext::traceparent).
    /// Default: none.
    ///
    /// `give` is asked in the caller's task when a call is sent. The first call of a connection finds out whether
    /// the peer wants to know, and travels without.
    #[must_use]
    pub fn traceparent(
        mut self,
        give: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.options).traceparent = Some(Traceparent(Arc::new(give)));
        self
    }

    /// Tells the peer the number of a fault behind "Unknown Error", as in `Unknown Error (fault 2a)`: a responder panicked or
    /// failed with an error that its command does not declare, or its answer could not be encoded. The log of
    /// this side, with the feature `tracing`, has the same number beside the reason. Default: as in Twisted, nothing.
    #[must_use]
    pub fn number_faults(mut self) -> Self {
        Arc::make_mut(&mut self.options).number_faults = true;
        self
    }

    /// Drops responders that still run when their connection ends. Default: they finish, as in
    /// Twisted, though nobody gets their answers.
    #[must_use]
    pub fn drop_responders_at_end(mut self) -> Self {
        Arc::make_mut(&mut self.options).drop_responders = true;
        self
    }

    /// Sets whether a peer that begins with a request of HTTP, such as a browser or a health checker, is
    /// answered `400 Bad Request` and a line of text before its connection ends. Default: no; it ends
    /// without an answer, as in Twisted.
    ///
    /// Either way [`EndReason::Ended`](crate::EndReason::Ended) says that it was HTTP, and the feature `tracing` logs it. Box
    /// receivers never answer.
    #[must_use]
    pub fn answer_http(mut self, answers: bool) -> Self {
        Arc::make_mut(&mut self.options).answer_http = answers;
        self
    }

    /// Sets how many connections each server may have open at the same time, those included that are still set up. More
    /// are accepted and closed at once, so that their peers learn it, instead of being left to wait; as
    /// Twisted's `LimitTotalConnectionsFactory` does. The feature `tracing` logs when that begins. Default: no bound but
    /// the system's; where that is reached, connections wait.
    ///
    /// 0 is refused when the server is made.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.server.max_connections = Some(connections);
        self
    }

    /// Sets how old the connections of servers may become, so that peers connect anew from time to time: to
    /// another machine behind a load balancer, or with a renewed certificate. Default: no limit.
    ///
    /// At that age, give or take a tenth so that not all end together, a connection does what
    /// [`Peer::finish`] does: new asks are answered `BUSY`, and it closes once everything under way is answered. What
    /// is not done after [`age_grace`](Self::age_grace) is cut off. Of box receivers, the connection is closed at once.
    ///
    /// Zero is refused when the server is made.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.server.max_age = Some(age);
        self
    }

    /// Sets how long a connection may take to finish at its [`max_age`](Self::max_age), before it is closed. Default: 60
    /// seconds. Without an age it is refused when the server is made.
    #[must_use]
    pub fn age_grace(mut self, grace: Duration) -> Self {
        self.server.age_grace = Some(grace);
        self
    }

    /// Sets how connections do TLS when their peer asks for it with `StartTLS`, or when
    /// [`Peer::start_tls`] is called. Default: not at all; a peer that asks is answered `TLS_ERROR`.
    ///
    /// Connections that speak TLS from the first byte are made by endpoints.
    #[cfg(feature = "_tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
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
