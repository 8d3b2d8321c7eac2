//! The futures of calls.

mod exchange;
mod tell;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use amp_rpc_core::dynamic::{OwnedFields, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema, FieldSchema};
use amp_rpc_core::wire::protocol;
use amp_rpc_core::{AmpBox, Command, DecodeError, Fields, NoErrors, Shared};
use tokio::sync::oneshot;

use self::exchange::NameOf;
pub(crate) use self::exchange::{Exchange, Keep};
pub use self::tell::Tell;
use crate::call_error::CallError;
use crate::connection::{ConnectionContext, Payload};
use crate::end::EndReason;
use crate::peer::Peer;
use crate::switched::SwitchedStream;

/// A call of a command, waiting for its answer; made by [`Peer::call`].
///
/// Nothing is sent before the first poll; boxes leave in the order of the first polls. Dropping it
/// ends the wait at once; an answer that comes later is ignored. So it can be dropped at any time,
/// but the peer may then have carried the command out or not.
///
/// # Panics
///
/// When it is polled again after it has ended, as futures do: to send its command once more would be worse.
///
/// # Handles
///
/// It borrows the [`Peer`]: counting handles would take a good part of the time of a call where many threads make them.
/// [`owned`](Self::owned) makes it one that can go anywhere.
#[derive(Debug)]
#[must_use = "a call is sent when it is first polled"]
pub struct Call<'a, C: Command>(Exchange<'a, C, NameOf<C>>);

impl<'a, C: Command> Call<'a, C> {
    pub(crate) fn new(peer: &'a Peer, command: C) -> Self {
        Self(Exchange::new(
            Cow::Borrowed(peer),
            NameOf::new(),
            C::KIND,
            command,
        ))
    }

    /// Sets how long the call may take, from its first poll until its answer: waiting for room, being
    /// written, and the answer. Then it ends with [`CallError::TimedOut`], and an answer that comes later
    /// is ignored. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without
    /// a limit. A call within a responder takes no longer than the responder's own caller waits; see
    /// [`AskContext`](crate::AskContext). Of a call that was [started](Self::start), the time counts from now on, and the peer
    /// is not told of it.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.0.limit(limit);
        self
    }

    /// The same call with a handle of its own to the peer, for where it has to outlive the one that it was made by, as in a
    /// task: `tokio::spawn(peer.call(command).owned())`. As every handle, it keeps the connection open.
    pub fn owned(self) -> Call<'static, C> {
        Call(self.0.owned())
    }

    /// Puts the call on the wire at once, or in its place among those that wait for room. The answer
    /// is still this future's.
    pub fn start(mut self) -> Self {
        self.0.start();
        self
    }
}

// The command is only ever borrowed, never pinned.
impl<C: Command> Unpin for Call<'_, C> {}

/// A call of a command that switches the protocol; made by [`Peer::switch`].
///
/// Nothing is sent before the first poll. Dropping it ends the wait at once; if the peer agrees
/// afterwards, nobody takes the stream, and the connection is closed. Panics as [`Call`] does.
#[must_use = "a call is sent when it is first polled"]
pub struct Switch<'a, C: Command> {
    call: Call<'a, C>,
    answer: Option<C::Response>,
    stream: oneshot::Receiver<SwitchedStream>,
}

impl<'a, C: Command> Switch<'a, C> {
    pub(crate) fn new(peer: &'a Peer, command: C) -> Self {
        let mut call = Call::new(peer, command);
        let (taker, stream) = oneshot::channel();
        call.0.give_stream_to(taker);
        Self {
            call,
            answer: None,
            stream,
        }
    }

    /// Sets how long the call may take, from its first poll until its answer: waiting for room, being
    /// written, and the answer. Then it ends with [`CallError::TimedOut`], and an answer that comes later
    /// is ignored. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without
    /// a limit. A call within a responder takes no longer than the responder's own caller waits; see
    /// [`AskContext`](crate::AskContext). Of a call that was [started](Self::start), the time counts from now on, and the peer
    /// is not told of it.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.call.0.limit(limit);
        self
    }

    /// The same call with a handle of its own to the peer, for where it has to outlive the one that it was made by, as in a
    /// task: `tokio::spawn(peer.call(command).owned())`. As every handle, it keeps the connection open.
    pub fn owned(self) -> Switch<'static, C> {
        Switch {
            call: self.call.owned(),
            answer: self.answer,
            stream: self.stream,
        }
    }

    /// Puts the call on the wire at once, or in its place among those that wait for room. The answer
    /// is still this future's.
    pub fn start(mut self) -> Self {
        self.call = self.call.start();
        self
    }
}

impl<C: Command> fmt::Debug for Switch<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Switch").field(&self.call.0).finish()
    }
}

// The answer is kept as a value, never pinned.
impl<C: Command> Unpin for Switch<'_, C> {}

impl<C: Command> Future for Switch<'_, C> {
    type Output = Result<(C::Response, SwitchedStream), CallError<C::Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.answer.is_none() {
            this.answer = Some(ready!(Pin::new(&mut this.call).poll(cx))?);
        }
        let stream = ready!(Pin::new(&mut this.stream).poll(cx));
        Poll::Ready(match (stream, this.answer.take()) {
            (Ok(stream), Some(answer)) => Ok((answer, stream)),
            _ => {
                let reason = this.call.0.peer.end_reason();
                Err(CallError::Ended(reason.unwrap_or(EndReason::Switched)))
            }
        })
    }
}

impl<C: Command> Future for Call<'_, C> {
    type Output = Result<C::Response, CallError<C::Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_with(cx, read_fields::<C::Response>)
    }
}

pub(crate) fn read_fields<T: Fields>(payload: &Payload, peer: &Peer) -> Result<T, DecodeError> {
    let mut context = ConnectionContext::new(peer.shared());
    payload.read(&mut context)
}

pub(crate) fn read_box(payload: &Payload, _peer: &Peer) -> Result<AmpBox, DecodeError> {
    Ok(payload.view().to_owned())
}

pub(crate) fn read_values(
    response: &[FieldSchema],
    payload: &Payload,
    peer: &Peer,
) -> Result<Values, DecodeError> {
    let mut context = ConnectionContext::new(peer.shared());
    Values::from_box(response, &payload.view(), &mut context)
}

/// A call of a command given by its name and a box; made by [`Peer::call_box`].
///
/// Cancel-safe as [`Call`] is, and panics as that does.
#[derive(Debug)]
#[must_use = "a call is sent when it is first polled"]
pub struct CallBox<'a>(Exchange<'a, AmpBox>);

impl<'a> CallBox<'a> {
    pub(crate) fn new(peer: &'a Peer, command: &[u8], arguments: AmpBox) -> Self {
        let arguments = without_protocol_keys(arguments);
        let command = Shared::Counted(command.into());
        Self(Exchange::new(
            Cow::Borrowed(peer),
            command,
            CommandKind::Plain,
            arguments,
        ))
    }

    /// Sets how long the call may take, from its first poll until its answer: waiting for room, being
    /// written, and the answer. Then it ends with [`CallError::TimedOut`], and an answer that comes later
    /// is ignored. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without
    /// a limit. A call within a responder takes no longer than the responder's own caller waits; see
    /// [`AskContext`](crate::AskContext). Of a call that was [started](Self::start), the time counts from now on, and the peer
    /// is not told of it.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.0.limit(limit);
        self
    }

    /// The same call with a handle of its own to the peer, for where it has to outlive the one that it was made by, as in a
    /// task: `tokio::spawn(peer.call(command).owned())`. As every handle, it keeps the connection open.
    pub fn owned(self) -> CallBox<'static> {
        CallBox(self.0.owned())
    }

    /// Puts the call on the wire at once, or in its place among those that wait for room. The answer
    /// is still this future's.
    pub fn start(mut self) -> Self {
        self.0.start();
        self
    }
}

impl Future for CallBox<'_> {
    type Output = Result<AmpBox, CallError<NoErrors>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_with(cx, read_box)
    }
}

/// A call of a command of a schema; made by [`Peer::call_dynamic`].
///
/// Cancel-safe as [`Call`] is, and panics as that does.
#[derive(Debug)]
#[must_use = "a call is sent when it is first polled"]
pub struct CallDynamic<'a> {
    exchange: Exchange<'a, OwnedFields>,
    response: Shared<[FieldSchema]>,
}

impl<'a> CallDynamic<'a> {
    pub(crate) fn new(peer: &'a Peer, schema: &CommandSchema, arguments: Values) -> Self {
        let fields = OwnedFields::new(schema.arguments.clone(), arguments);
        Self {
            exchange: Exchange::new(
                Cow::Borrowed(peer),
                schema.name.clone(),
                schema.kind,
                fields,
            ),
            response: schema.response.clone(),
        }
    }

    /// Sets how long the call may take, from its first poll until its answer: waiting for room, being
    /// written, and the answer. Then it ends with [`CallError::TimedOut`], and an answer that comes later
    /// is ignored. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without
    /// a limit. A call within a responder takes no longer than the responder's own caller waits; see
    /// [`AskContext`](crate::AskContext). Of a call that was [started](Self::start), the time counts from now on, and the peer
    /// is not told of it.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.exchange.limit(limit);
        self
    }

    /// The same call with a handle of its own to the peer, for where it has to outlive the one that it was made by, as in a
    /// task: `tokio::spawn(peer.call(command).owned())`. As every handle, it keeps the connection open.
    pub fn owned(self) -> CallDynamic<'static> {
        CallDynamic {
            exchange: self.exchange.owned(),
            response: self.response,
        }
    }

    /// Puts the call on the wire at once, or in its place among those that wait for room. The answer
    /// is still this future's.
    pub fn start(mut self) -> Self {
        self.exchange.start();
        self
    }
}

impl Future for CallDynamic<'_> {
    type Output = Result<Values, CallError<NoErrors>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.exchange.poll_with(cx, |payload, peer| {
            read_values(&this.response, payload, peer)
        })
    }
}

/// The same box without the keys of the protocol, which this crate sets itself.
pub(crate) fn without_protocol_keys(mut message: AmpBox) -> AmpBox {
    for key in protocol::KEYS {
        message.remove(key.name());
    }
    message
}
