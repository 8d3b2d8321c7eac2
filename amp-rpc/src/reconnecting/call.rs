//! The futures of a reconnecting peer's calls.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use amp_rpc_core::schema::CommandKind;
use amp_rpc_core::{CommandError, DecodeError, NoErrors, Shared, WriteFields};
use tokio::time::{Instant, timeout_at};

use super::core::{Unavailable, UnderWay};
use super::error::NotConnected;
use super::peer::ReconnectingPeer;
use crate::ask_context::current_deadline;
use crate::call::{Exchange, Keep};
use crate::call_error::{CallError, LocalError, LocalProblem, TellError};
use crate::connection::{Ending, Payload};
use crate::end::EndReason;
use crate::peer::Peer;

/// A call of a [`ReconnectingPeer`], waiting for its answer.
///
/// Nothing happens before the first poll. Dropping it ends the wait at once; an answer that comes later is
/// ignored. So it can be dropped at any time, but the peer may then have carried the command out or not.
#[must_use = "a call is sent when it is first polled"]
pub struct ReconnectingCall<T, E: CommandError = NoErrors>(Lazy<Result<T, CallError<E>>>);

impl<T: 'static, E: CommandError> ReconnectingCall<T, E> {
    pub(super) fn new<F: WriteFields + Send + 'static>(
        sending: Sending<F>,
        read: impl FnOnce(&Payload, &Peer) -> Result<T, DecodeError> + Send + 'static,
    ) -> Self {
        Self(Lazy::new(move |limit| Box::pin(sending.call(limit, read))))
    }

    /// Sets how long the call may take, from its first poll until its answer: waiting for a connection, on each
    /// one that it is sent on, and between them. Then it ends with [`CallError::TimedOut`]. Default:
    /// [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without a limit. Within a responder,
    /// it takes no longer than the responder's own caller waits; see [`AskContext`](crate::AskContext). To be set before
    /// [`start`](Self::start): on a call that was started it means nothing.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Puts the call on the wire at once, or in its place among those that wait. The answer is still this
    /// future's, and so is sending it later: that happens only when it is polled.
    pub fn start(mut self) -> Self {
        self.0.start();
        self
    }
}

impl<T, E: CommandError> Future for ReconnectingCall<T, E> {
    type Output = Result<T, CallError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

/// A command that a [`ReconnectingPeer`] sends without asking for an answer.
///
/// Done when the command is in the queue of a connection, so what [`Tell`](crate::Tell) says holds here too: whether
/// the peer gets it cannot be known.
#[must_use = "a command is sent when its future is first polled"]
pub struct ReconnectingTell(Lazy<Result<(), TellError>>);

impl ReconnectingTell {
    pub(super) fn new<F: WriteFields + Send + 'static>(sending: Sending<F>) -> Self {
        Self(Lazy::new(move |limit| Box::pin(sending.tell(limit))))
    }

    /// Sets how long the command may wait for a connection and for room. Then it ends with
    /// [`TellError::TimedOut`]. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means
    /// without a limit. To be set before [`start`](Self::start): on a tell that was started it means nothing.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Puts the command in the queue at once, or in its place among those that wait. The future is still to be
    /// awaited.
    pub fn start(mut self) -> Self {
        self.0.start();
        self
    }
}

impl Future for ReconnectingTell {
    type Output = Result<(), TellError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<T, E: CommandError> fmt::Debug for ReconnectingCall<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReconnectingCall").field(&self.0).finish()
    }
}

impl fmt::Debug for ReconnectingTell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReconnectingTell").field(&self.0).finish()
    }
}

/// A future that begins with its first poll, until which its time can be set.
struct Lazy<T> {
    limit: Option<Duration>,
    stage: Stage<T>,
}

enum Stage<T> {
    New(Box<dyn FnOnce(Option<Duration>) -> Running<T> + Send>),
    Running(Running<T>),
    /// It was done when it was started, before anybody polled it.
    Early(T),
    Done,
}

type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

// What it yields is kept as a value, never pinned.
impl<T> Unpin for Lazy<T> {}

impl<T> Lazy<T> {
    fn new(begin: impl FnOnce(Option<Duration>) -> Running<T> + Send + 'static) -> Self {
        Self {
            limit: None,
            stage: Stage::New(Box::new(begin)),
        }
    }

    fn start(&mut self) {
        if let Poll::Ready(done) = self.poll(&mut Context::from_waker(Waker::noop())) {
            self.stage = Stage::Early(done);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let mut running = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::New(begin) => begin(self.limit),
            Stage::Running(running) => running,
            Stage::Early(done) => return Poll::Ready(done),
            Stage::Done => panic!("polled again after it was done"),
        };
        let polled = running.as_mut().poll(cx);
        if polled.is_pending() {
            self.stage = Stage::Running(running);
        }
        polled
    }
}

impl<T> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::New(_) => "New",
            Stage::Running(_) => "Running",
            Stage::Early(_) | Stage::Done => "Done",
        })
    }
}

/// A command on its way, over as many connections as it takes.
pub(super) struct Sending<F> {
    pub(super) peer: ReconnectingPeer,
    pub(super) command: Shared<[u8]>,
    pub(super) kind: CommandKind,
    pub(super) is_idempotent: bool,
    pub(super) fields: F,
}

/// How it ended without being answered or, where no answer is wanted, sent.
enum Stopped {
    /// Its connection ended, or all have.
    Ended(EndReason),
    NotConnected(NotConnected),
    TimedOut {
        was_sent: bool,
    },
    Local(LocalError),
}

impl<F: WriteFields + Send> Sending<F> {
    async fn call<T, E: CommandError>(
        self,
        limit: Option<Duration>,
        read: impl FnOnce(&Payload, &Peer) -> Result<T, DecodeError> + Send,
    ) -> Result<T, CallError<E>> {
        let command = self.command.clone();
        let poll = |exchange: &mut Exchange<'static, F>, cx: &mut Context<'_>| {
            exchange.poll(cx).map(|ending| match ending {
                Ending::Answer(_) | Ending::Error(_) | Ending::IncompleteError => Ok(ending),
                _ => Err(ending),
            })
        };
        Err(match self.send(limit, poll).await {
            Ok((exchange, ending)) => return exchange.finish(ending, read),
            Err(Stopped::Ended(reason)) => CallError::Ended(reason),
            Err(Stopped::NotConnected(error)) => CallError::NotConnected(error),
            Err(Stopped::TimedOut { was_sent }) => CallError::TimedOut {
                command: (*command).into(),
                was_sent,
            },
            Err(Stopped::Local(error)) => CallError::Local(error),
        })
    }

    async fn tell(self, limit: Option<Duration>) -> Result<(), TellError> {
        Err(match self.send(limit, Exchange::poll_tell).await {
            Ok((_, ())) => return Ok(()),
            Err(Stopped::Ended(reason)) => TellError::Ended(reason),
            Err(Stopped::NotConnected(error)) => TellError::NotConnected(error),
            Err(Stopped::TimedOut { .. }) => TellError::TimedOut,
            Err(Stopped::Local(error)) => TellError::Local(error),
        })
    }

    /// Sends it on a connection, and on another one if that ends and it may be sent there: always when nothing of
    /// it has left, and when it is idempotent.
    async fn send<R>(
        self,
        limit: Option<Duration>,
        poll: impl Fn(&mut Exchange<'static, F>, &mut Context<'_>) -> Poll<Result<R, Ending>>,
    ) -> Result<(Exchange<'static, F>, R), Stopped> {
        if matches!(
            self.kind,
            CommandKind::StartTls | CommandKind::ProtocolSwitch
        ) {
            return Err(Stopped::Local(LocalError {
                command: (*self.command).into(),
                problem: LocalProblem::OneConnection,
            }));
        }
        let core = self.peer.core();
        let deadline = deadline(limit.or(core.call_timeout));
        let mut under_way = UnderWay::new(core);
        let mut fields = self.fields;
        let mut waited = Duration::ZERO;
        let mut tries = 0;
        // Why the last connection ended that it may have left on.
        let mut lost = None;
        loop {
            let connecting = core.connection(&mut waited);
            let connected = match deadline {
                Some(deadline) => timeout_at(deadline, connecting).await,
                None => Ok(connecting.await),
            };
            let connection = match (connected, lost.take()) {
                (Ok(Ok(connection)), reason) => {
                    lost = reason;
                    connection
                }
                (Err(_), reason) => {
                    let was_sent = reason.is_some();
                    return Err(Stopped::TimedOut { was_sent });
                }
                // That nothing was sent would not be true any more.
                (Ok(Err(_)), Some(reason)) => return Err(Stopped::Ended(reason)),
                (Ok(Err(Unavailable::Closed)), None) => {
                    return Err(Stopped::Ended(EndReason::ClosedHere));
                }
                (Ok(Err(Unavailable::NotConnected(error))), None) => {
                    return Err(Stopped::NotConnected(error));
                }
            };
            let keep = match self.is_idempotent && tries + 1 < core.options.max_tries() {
                true => Keep::Sent,
                false => Keep::Unsent,
            };
            let mut exchange = Exchange::new(
                Cow::Owned(connection),
                self.command.clone(),
                self.kind,
                fields,
            )
            .keeping(keep, deadline);
            let sent = poll_fn(|cx| {
                let polled = poll(&mut exchange, cx);
                under_way.place();
                polled
            });
            match sent.await {
                Ok(result) => return Ok((exchange, result)),
                Err(Ending::Ended(reason)) => {
                    let Some(kept) = exchange.take_fields() else {
                        return Err(Stopped::Ended(reason));
                    };
                    fields = kept;
                    if exchange.was_sent() {
                        tries += 1;
                        lost = Some(reason);
                    }
                    under_way.displace();
                }
                Err(Ending::TimedOut { was_sent }) => {
                    let was_sent = was_sent || lost.is_some();
                    return Err(Stopped::TimedOut { was_sent });
                }
                Err(Ending::Refused(refusal)) => {
                    return Err(Stopped::Local(exchange.local_error(refusal)));
                }
                Err(Ending::Answer(_) | Ending::Error(_) | Ending::IncompleteError) => {
                    unreachable!("an answer is no failure, and a tell has none")
                }
            }
        }
    }
}

/// When a call that begins now is over.
fn deadline(limit: Option<Duration>) -> Option<Instant> {
    // What is too far away for the clock is as good as never.
    let own = limit.and_then(|limit| Instant::now().checked_add(limit));
    own.into_iter().chain(current_deadline()).min()
}
