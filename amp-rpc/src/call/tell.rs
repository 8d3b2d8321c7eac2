use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use amp_rpc_core::dynamic::{OwnedFields, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema};
use amp_rpc_core::{AmpBox, Command, Shared, WriteFields};

use super::exchange::Exchange;
use super::without_protocol_keys;
use crate::call_error::TellError;
use crate::connection::Ending;
use crate::peer::Peer;

/// A command that is sent without asking for an answer; made by [`Peer::tell`] and
/// [`Peer::tell_box`].
///
/// Done when the command is in the queue of what is to be written and the queue is within its
/// bound, so that awaiting each keeps a fast sender from filling the memory. When it is dropped
/// after its first poll, the command may be sent all the same. Polled again after it has ended, it panics.
#[must_use = "a command is sent when its future is first polled"]
pub struct Tell<'a, F: WriteFields> {
    exchange: Exchange<'a, F>,
    /// How it ended when it was started, before anybody polled it.
    early: Option<Result<(), Ending>>,
}

impl<'a, C: Command> Tell<'a, C> {
    pub(crate) fn new(peer: &'a Peer, command: C) -> Self {
        Self::of(Exchange::new(
            Cow::Borrowed(peer),
            Shared::Static(C::NAME),
            C::KIND,
            command,
        ))
    }
}

impl<'a> Tell<'a, AmpBox> {
    pub(crate) fn new_box(peer: &'a Peer, command: &[u8], arguments: AmpBox) -> Self {
        let arguments = without_protocol_keys(arguments);
        let command = Shared::Counted(command.into());
        Self::of(Exchange::new(
            Cow::Borrowed(peer),
            command,
            CommandKind::Plain,
            arguments,
        ))
    }
}

impl<'a> Tell<'a, OwnedFields> {
    pub(crate) fn new_dynamic(peer: &'a Peer, schema: &CommandSchema, arguments: Values) -> Self {
        let fields = OwnedFields::new(schema.arguments.clone(), arguments);
        Self::of(Exchange::new(
            Cow::Borrowed(peer),
            schema.name.clone(),
            schema.kind,
            fields,
        ))
    }
}

impl<'a, F: WriteFields> Tell<'a, F> {
    fn of(exchange: Exchange<'a, F>) -> Self {
        Self {
            exchange,
            early: None,
        }
    }

    /// Sets how long the command may wait for room. Then it ends with [`TellError::TimedOut`], and was not
    /// sent. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without a limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.exchange.limit(limit);
        self
    }

    /// The same with a handle of its own to the peer, for where it has to outlive the one that it was made by, as in a
    /// task: `tokio::spawn(peer.tell(command).owned())`. As every handle, it keeps the connection open.
    pub fn owned(self) -> Tell<'static, F> {
        Tell {
            exchange: self.exchange.owned(),
            early: self.early,
        }
    }

    /// Puts the command in the queue at once, or in its place among those that wait for room. The
    /// future is still to be awaited.
    pub fn start(mut self) -> Self {
        if self.early.is_some() {
            return self;
        }
        let polled = self
            .exchange
            .poll_tell(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = polled {
            self.early = Some(result);
        }
        self
    }
}

impl<F: WriteFields> fmt::Debug for Tell<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tell").field(&self.exchange).finish()
    }
}

impl<F: WriteFields> Unpin for Tell<'_, F> {}

impl<F: WriteFields> Future for Tell<'_, F> {
    type Output = Result<(), TellError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match self.early.take() {
            Some(result) => Poll::Ready(result),
            None => self.exchange.poll_tell(cx),
        };
        result.map_err(|ending| match ending {
            Ending::Refused(refusal) => TellError::Local(self.exchange.local_error(refusal)),
            Ending::Ended(reason) => TellError::Ended(reason),
            Ending::TimedOut { .. } => TellError::TimedOut,
            Ending::Answer(_) | Ending::Error(_) | Ending::IncompleteError => {
                unreachable!("nothing answers a tell")
            }
        })
    }
}
