//! The other side of a connection.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use amp_rpc_core::dynamic::{OwnedFields, Values};
use amp_rpc_core::schema::CommandSchema;
use amp_rpc_core::{AmpBox, Command};
use tokio::time::Instant;

use crate::ask_context::{AskContext, current_deadline};
use crate::call::{Call, CallBox, CallDynamic, Switch, Tell};
#[cfg(feature = "_tls")]
use crate::call_error::CallError;
use crate::connection::{Closing, Shared, Ticket};
use crate::end::EndReason;
use crate::stats::Stats;
use crate::switched::SwitchedStream;
use crate::tls::TlsSession;
#[cfg(feature = "_tls")]
use crate::tls::{StartTls, StartTlsError, Tls};
use crate::transport::Addresses;

/// The other side of a connection: what commands are called on.
///
/// Cheap to clone, and usable from any task. The connection is closed when the last `Peer` is
/// dropped: what is queued is written first. The connections that a [`Server`](crate::Server)
/// accepts stay until one side closes them.
pub struct Peer {
    handle: Arc<Handle>,
    /// The ask that the responder carries out which this was given to.
    ask: Option<AskContext>,
}

impl Peer {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self::within(shared, None)
    }

    /// For the responder of an ask.
    pub(crate) fn within(shared: &Arc<Shared>, ask: Option<&AskContext>) -> Self {
        Self {
            handle: Handle::of(shared),
            ask: ask.cloned(),
        }
    }

    /// The deadline that calls made through this inherit.
    pub(crate) fn inherited_deadline(&self) -> Option<Instant> {
        let own = (self.ask.as_ref()).and_then(AskContext::deadline_under_way);
        own.into_iter().chain(current_deadline()).min()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    /// Calls a command and waits for its answer; Twisted's `callRemote`.
    ///
    /// This asks for an answer even where the command is declared as one that wants none.
    ///
    /// # Errors
    ///
    /// See [`CallError`](crate::CallError). Each call ends in exactly one way.
    pub fn call<C: Command>(&self, command: C) -> Call<'_, C> {
        Call::new(self, command)
    }

    /// Calls a command without asking for an answer; Twisted's `callRemote` for a command with
    /// `requiresAnswer = False`.
    ///
    /// Whether the peer carries it out, or even has it, cannot be known; peers that run Twisted close
    /// the connection when it fails.
    ///
    /// # Errors
    ///
    /// When it cannot be sent: [`TellError`](crate::TellError).
    pub fn tell<C: Command>(&self, command: C) -> Tell<'_, C> {
        Tell::<C>::new(self, command)
    }

    /// Calls a command by its name with a box of arguments; Twisted's `callRemoteString`. Keys of
    /// the protocol in the box are replaced. The answer comes with its protocol keys.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call), but no error is a declared one.
    pub fn call_box(&self, command: impl AsRef<[u8]>, arguments: AmpBox) -> CallBox<'_> {
        CallBox::new(self, command.as_ref(), arguments)
    }

    /// Calls a command by its name with a box of arguments, without asking for an answer.
    ///
    /// # Errors
    ///
    /// As for [`tell`](Self::tell).
    pub fn tell_box(&self, command: impl AsRef<[u8]>, arguments: AmpBox) -> Tell<'_, AmpBox> {
        Tell::new_box(self, command.as_ref(), arguments)
    }

    /// Calls a command of a schema made at run time.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call), but an error that the schema declares comes as
    /// [`CallError::Remote`](crate::CallError::Remote); `schema.errors.by_code` has its label.
    pub fn call_dynamic(&self, schema: &CommandSchema, arguments: Values) -> CallDynamic<'_> {
        CallDynamic::new(self, schema, arguments)
    }

    /// Calls a command of a schema made at run time, without asking for an answer.
    ///
    /// # Errors
    ///
    /// As for [`tell`](Self::tell).
    pub fn tell_dynamic(&self, schema: &CommandSchema, arguments: Values) -> Tell<'_, OwnedFields> {
        Tell::new_dynamic(self, schema, arguments)
    }

    /// Calls a command that switches the protocol, and waits for the answer and the stream: what
    /// follows is no longer AMP's. Twisted's `ProtocolSwitchCommand`.
    ///
    /// From the ask until its answer nothing else is written. When the peer refuses, the connection
    /// goes on; when it agrees, the connection has ended for all others with
    /// [`EndReason::Switched`], calls under way included.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call).
    pub fn switch<C: Command>(&self, command: C) -> Switch<'_, C> {
        Switch::new(self, command)
    }

    /// Sets what goes on with the stream when this side grants the peer's ask to switch the protocol;
    /// to be called by the responder of a command that switches. It runs in a task of its own, behind
    /// the answer. When the responder fails, it is forgotten.
    ///
    /// ```
    /// use amp_rpc::{Answer, Command, Peer, SwitchedStream};
    /// use tokio::io::AsyncWriteExt;
    ///
    /// #[derive(Command)]
    /// #[amp(switches)]
    /// struct Greet {}
    ///
    /// async fn greet(_: Greet, peer: Peer) -> Answer<Greet> {
    ///     peer.on_switch(async |mut stream: SwitchedStream| {
    ///         // When it fails, the peer is gone.
    ///         let _ = stream.write_all(b"hello\n").await;
    ///     });
    ///     Ok(())
    /// }
    /// ```
    pub fn on_switch<F, Fut>(&self, take: F)
    where
        F: FnOnce(SwitchedStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let take =
            move |stream| -> Pin<Box<dyn Future<Output = ()> + Send>> { Box::pin(take(stream)) };
        self.shared().set_on_switch(Box::new(take));
    }

    /// Waits until there is room: a call or tell that is made next is written at once instead of waiting for
    /// others to leave. For those who would rather make something else meanwhile than queue; nothing is
    /// reserved. Cancel-safe.
    ///
    /// There is none while more than [`Amp::max_queued`](crate::Amp::max_queued) bytes wait to be written, since
    /// the peer reads too slowly, and while an ask for TLS or another protocol is undecided.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub async fn ready(&self) -> Result<(), EndReason> {
        /// The place among those that wait, which is left when nobody waits any more.
        struct Place<'a>(&'a Shared, Option<Ticket>);
        impl Drop for Place<'_> {
            fn drop(&mut self) {
                if let Some(ticket) = self.1 {
                    self.0.leave_room(ticket);
                }
            }
        }
        let mut place = Place(self.shared(), None);
        poll_fn(|cx| place.0.poll_room(&mut place.1, cx)).await
    }

    /// The connection's TLS and who the peer is by it; `None` while it is in plain text.
    pub fn tls(&self) -> Option<&TlsSession> {
        self.shared().session.get()
    }

    /// Sets how this side does TLS on this connection from now on, instead of as
    /// [`Amp::tls`](crate::Amp::tls) says: which certificate it shows, and whom it trusts. Takes effect
    /// when TLS begins. A responder for a command that starts TLS can choose it here, and a function
    /// given to [`Amp::locator_for_each`](crate::Amp::locator_for_each) can for each connection.
    #[cfg(feature = "_tls")]
    pub fn set_tls(&self, tls: Tls) {
        self.shared().set_tls(tls);
    }

    /// Asks the peer to begin TLS, with Twisted's command `StartTLS`, and waits until it has begun.
    ///
    /// From the ask until its answer nothing else is written; calls wait and go into TLS, and so do
    /// answers. A command of your own with `#[amp(starttls)]` does the same: set the TLS with
    /// [`set_tls`](Self::set_tls) and [`call`](Self::call) it.
    ///
    /// As in Twisted, the side that has connected is the client of the handshake, whichever side asks.
    ///
    /// When the future is dropped after its first poll, the peer may agree all the same, and TLS begins.
    ///
    /// # Errors
    ///
    /// * The peer refuses, with the code `TLS_ERROR` if it is Twisted or this crate: the connection goes
    ///   on in plain text, and calls that waited for TLS fail.
    /// * The handshake fails: the connection ends with [`EndReason::Tls`].
    /// * The connection has TLS already, or no certificate where this side needs one.
    #[cfg(feature = "_tls")]
    pub async fn start_tls(&self, tls: Tls) -> Result<(), CallError<StartTlsError>> {
        self.set_tls(tls);
        self.call(StartTls {}).await
    }

    /// Closes the connection once what is queued is written; Twisted's `loseConnection`. Calls under
    /// way end with [`EndReason::ClosedHere`]. Returns at once; see [`closed`](Self::closed).
    pub fn close(&self) {
        self.shared().close(Closing::Flush);
    }

    /// Closes the connection once everything under way is done: responders have answered, and calls
    /// are answered. New asks of the peer are refused with the code `BUSY`, and those that want no answer are
    /// dropped. Returns at once; see [`finish_within`](Self::finish_within).
    ///
    /// Calls can still be made on this side, and are waited for.
    pub fn finish(&self) {
        self.shared().close(Closing::Finish);
    }

    /// Does what [`finish`](Self::finish) does, waits until everything is written and the connection is
    /// [closed](Self::closed), and says whether that is so: then the program may exit.
    ///
    /// At the `limit` the connection is closed as by [`close`](Self::close): calls under way end with
    /// [`EndReason::ClosedHere`], and what responders still answer is lost, which the peer learns by the end of
    /// the connection.
    ///
    /// A connection may also be lost meanwhile: [`end_reason`](Self::end_reason) tells.
    ///
    /// When the future is dropped, the connection goes on finishing, without a limit.
    pub async fn finish_within(&self, limit: Duration) -> bool {
        self.finish();
        let is_closed = tokio::time::timeout(limit, self.closed()).await.is_ok();
        if !is_closed {
            self.close();
        }
        is_closed
    }

    /// Waits until the peer says that it [finishes](Self::finish), as a server does that shuts down, or the connection has
    /// ended. New calls on this connection would be refused; those under way are still answered. Time to connect
    /// anew; a [`ReconnectingPeer`](crate::ReconnectingPeer) does so by itself. Cancel-safe.
    ///
    /// Only peers that use this crate say so, and only to those that want to know, which the peer learns by the command
    /// `_amp-rpc`. Of others, and with [`Amp::extensions`](crate::Amp::extensions) off or
    /// [`Compat::no_own_commands`](crate::Compat::no_own_commands), this waits for the end. A peer that is too busy to hear is told again with
    /// the next look of the [`keepalive`](crate::Amp::keepalive), if there is one.
    pub async fn leaving(&self) {
        self.shared().want_to_know();
        loop {
            let told = self.shared().news();
            if self.shared().is_left() {
                return;
            }
            told.await;
        }
    }

    /// Waits until the connection has ended, and says why. From then on no call is answered; what was
    /// written before may still be on its way to the peer. Cancel-safe.
    pub async fn ended(&self) -> EndReason {
        loop {
            let ended = self.shared().news();
            if let Some(reason) = self.shared().end() {
                return reason;
            }
            ended.await;
        }
    }

    /// Waits until the connection has ended, everything is written and this side of the stream is
    /// closed, and says why it ended. What a program does last: before, answers and tells may not have
    /// left yet. A peer that does not read has 30 seconds for it. Cancel-safe.
    pub async fn closed(&self) -> EndReason {
        loop {
            let closed = self.shared().news();
            if self.shared().is_closed() {
                break;
            }
            closed.await;
        }
        self.shared().end().unwrap_or(EndReason::ClosedHere)
    }

    /// Why the connection ended; `None` while it is open.
    pub fn end_reason(&self) -> Option<EndReason> {
        self.shared().end()
    }

    /// What the connection has done so far, and does now. Can be asked for also when it has ended.
    pub fn stats(&self) -> Stats {
        self.shared().stats()
    }

    /// Both ends' addresses, where the transport has any.
    pub fn addresses(&self) -> &Addresses {
        self.shared().addresses()
    }

    /// Whether both are handles to the same connection.
    pub fn is_same_connection(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handle.shared, &other.handle.shared)
    }
}

impl Clone for Peer {
    fn clone(&self) -> Self {
        Self {
            handle: Arc::clone(&self.handle),
            ask: self.ask.clone(),
        }
    }
}

impl From<Arc<Handle>> for Peer {
    fn from(handle: Arc<Handle>) -> Self {
        Self { handle, ask: None }
    }
}

impl From<Peer> for Arc<Handle> {
    fn from(peer: Peer) -> Self {
        peer.handle
    }
}

/// What all `Peer`s of a connection share: the connection is closed when it goes. So they are counted once, by
/// their `Arc`.
pub(crate) struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    /// That of a connection, or another where the last one is gone.
    fn of(shared: &Arc<Shared>) -> Arc<Self> {
        let known = &mut shared.lock().handle;
        known.upgrade().unwrap_or_else(|| {
            let handle = Arc::new(Self {
                shared: Arc::clone(shared),
            });
            *known = Arc::downgrade(&handle);
            handle
        })
    }
}

impl Handle {
    /// Asks the connection to end.
    pub(crate) fn close(&self, how: Closing) {
        self.shared.close(how);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close(Closing::Flush);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("addresses", self.shared().addresses())
            .field("end", &self.shared().end())
            .finish()
    }
}
