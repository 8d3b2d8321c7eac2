//! What is common to calls of every form, and to tells.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use amp_rpc_core::conversation::{CallId, UNHANDLED};
use amp_rpc_core::schema::CommandKind;
use amp_rpc_core::{Command, CommandError, DecodeError, Excerpt, RemoteError, Shared, WriteFields};
use tokio::time::Instant;

use crate::call_error::{AnswerProblem, BadAnswer, CallError, LocalError, LocalProblem};
use crate::connection::log::{self, Span};
use crate::connection::{Ending, Payload, Received, Refusal, Request, Stage, Taker};
use crate::peer::Peer;

/// What every call has: where it goes, what it sends, and how far it is. `N` is where its name is.
///
/// It is part of its caller's task, of which programs have many: what few calls have is apart.
pub(crate) struct Exchange<'a, F, N = Shared<[u8]>> {
    pub(super) peer: Cow<'a, Peer>,
    command: N,
    kind: CommandKind,
    /// Until they are encoded, or longer.
    fields: Option<F>,
    keep: Keep,
    stage: Stage,
    /// It is encoded: the peer may get it.
    was_sent: bool,
    time: Time,
    span: Span,
    rare: Option<Box<Rare>>,
}

/// The name of a derived command.
pub(crate) struct NameOf<C>(PhantomData<fn() -> C>);

impl<C> NameOf<C> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C> Clone for NameOf<C> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<C: Command> Deref for NameOf<C> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        C::NAME
    }
}

#[derive(Default)]
struct Rare {
    /// How the call ended when it was started, before anybody polled it.
    early: Option<Ending>,
    /// Who gets the stream, where the command switches the protocol.
    taker: Option<Taker>,
}

/// How long a command is kept, to be sent on another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until it is encoded or cannot be.
    No,
    /// Until it is encoded.
    Unsent,
    /// Even then.
    Sent,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
enum Time {
    /// As the connection has it.
    Default,
    /// So many nanoseconds from its first poll on; `u64::MAX`, which are 584 years, stands for no limit.
    Limit(u64),
    /// Until then: it has begun.
    Until(Option<Instant>),
}

impl<'a, F: WriteFields, N: Deref<Target = [u8]> + Clone> Exchange<'a, F, N> {
    /// Sets how long it may take.
    pub(super) fn limit(&mut self, limit: Duration) {
        self.time = Time::Limit(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
        if !matches!(self.stage, Stage::New | Stage::Done) {
            // It was started before.
            let deadline = self.deadline();
            self.peer.shared().set_deadline(self.stage, deadline);
        }
    }

    /// Sets who gets the stream, where the command switches the protocol.
    pub(super) fn give_stream_to(&mut self, taker: Taker) {
        self.rare.get_or_insert_default().taker = Some(taker);
    }

    /// When the caller stops waiting. Counts from the first time that this is asked.
    fn deadline(&mut self) -> Option<Instant> {
        let limit = match self.time {
            Time::Default => self.peer.shared().options.call_timeout,
            Time::Limit(u64::MAX) => None,
            Time::Limit(limit) => Some(Duration::from_nanos(limit)),
            Time::Until(deadline) => return deadline,
        };
        // What is too far away for the clock is as good as never.
        let own = limit.and_then(|limit| Instant::now().checked_add(limit));
        let deadline = own.into_iter().chain(self.peer.inherited_deadline()).min();
        self.time = Time::Until(deadline);
        deadline
    }

    /// The caller's span, while the call is not encoded.
    #[inline]
    fn traceparent(&self) -> Option<String> {
        let traceparent = self.peer.shared().options.traceparent.as_ref()?;
        match self.fields {
            Some(_) if !self.was_sent => (traceparent.0)(),
            _ => None,
        }
    }

    pub(crate) fn new(peer: Cow<'a, Peer>, command: N, kind: CommandKind, fields: F) -> Self {
        Self {
            peer,
            command,
            kind,
            fields: Some(fields),
            keep: Keep::No,
            stage: Stage::New,
            was_sent: false,
            time: Time::Default,
            span: Span::none(),
            rare: None,
        }
    }

    /// The same with a handle of its own.
    pub(super) fn owned(mut self) -> Exchange<'static, F, N> {
        Exchange {
            peer: Cow::Owned(Peer::clone(&self.peer)),
            command: self.command.clone(),
            kind: self.kind,
            fields: self.fields.take(),
            keep: self.keep,
            // So that nothing is ended when this is dropped.
            stage: std::mem::replace(&mut self.stage, Stage::Done),
            was_sent: self.was_sent,
            time: self.time,
            span: self.span.clone(),
            rare: self.rare.take(),
        }
    }

    /// The same, keeping its command, and with a deadline that is settled.
    pub(crate) fn keeping(mut self, keep: Keep, deadline: Option<Instant>) -> Self {
        self.keep = keep;
        self.time = Time::Until(deadline);
        self
    }

    /// Whether the peer may have got it, or get it.
    pub(crate) fn was_sent(&self) -> bool {
        self.was_sent
    }

    /// The command, where it is kept.
    pub(crate) fn take_fields(&mut self) -> Option<F> {
        self.fields.take()
    }

    /// Sends the call without waiting for anything.
    pub(super) fn start(&mut self) {
        if let Poll::Ready(ending) = self.poll(&mut Context::from_waker(Waker::noop())) {
            self.rare.get_or_insert_default().early = Some(ending);
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        if let Stage::Asked(id) = self.stage {
            let mut received = None;
            ready!(self.poll_received(id, cx, &mut received));
            let received = received.unwrap_or(Received::Ended);
            return Poll::Ready(self.peer.shared().ending(received));
        }
        if let Some(ending) = self.rare.as_mut().and_then(|rare| rare.early.take()) {
            return Poll::Ready(ending);
        }
        let deadline = self.deadline();
        if deadline.is_none() && self.send_usual(cx) {
            return Poll::Pending;
        }
        self.poll_any(deadline, cx)
    }

    /// Sends a call that is a usual one and was not sent yet; says whether it did.
    #[inline]
    fn send_usual(&mut self, cx: &Context<'_>) -> bool {
        let shared = self.peer.shared();
        let is_usual = matches!(self.stage, Stage::New) && self.kind == CommandKind::Plain;
        let (Some(fields), true, None) = (&self.fields, is_usual, &shared.options.traceparent)
        else {
            return false;
        };
        let span = log::call(&self.command);
        let sent = span.in_scope(|| shared.send_usual(&self.command, fields, cx.waker()));
        let Some(id) = sent else {
            return false;
        };
        self.span = span;
        self.stage = Stage::Asked(id);
        self.drop_encoded();
        true
    }

    /// Brings a call further that was not sent yet, whatever it is.
    fn poll_any(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<Ending> {
        self.check_not_done();
        let traceparent = self.traceparent();
        let request = request(
            &self.command,
            self.kind,
            &self.fields,
            deadline,
            traceparent,
            taker(&mut self.rare),
        );
        if matches!(self.stage, Stage::New) {
            self.span = log::call(&self.command);
        }
        let (span, shared) = (&self.span, self.peer.shared());
        let polled = span.in_scope(|| shared.poll_call(&mut self.stage, request, cx));
        self.drop_encoded();
        polled
    }

    /// Waits for the answer to a call that was sent.
    #[inline]
    fn poll_received(
        &mut self,
        id: CallId,
        cx: &mut Context<'_>,
        received: &mut Option<Received>,
    ) -> Poll<()> {
        let (span, shared) = (&self.span, self.peer.shared());
        span.in_scope(|| shared.poll_answer(&mut self.stage, id, cx.waker(), received))
    }

    /// Brings the call further, and reads its answer.
    #[inline]
    pub(crate) fn poll_with<T, E: CommandError>(
        &mut self,
        cx: &mut Context<'_>,
        read: impl FnOnce(&Payload, &Peer) -> Result<T, DecodeError>,
    ) -> Poll<Result<T, CallError<E>>> {
        let Stage::Asked(id) = self.stage else {
            return self.poll(cx).map(|ending| self.finish(ending, read));
        };
        let mut received = None;
        ready!(self.poll_received(id, cx, &mut received));
        // Read where it lies, and returned at once: to move either costs more than to decode it.
        if let Some(Received::Answer(payload)) = &received {
            return match read(payload, &self.peer) {
                Ok(fields) => Poll::Ready(Ok(fields)),
                Err(error) => Poll::Ready(Err(self.bad_answer(AnswerProblem::Fields(error)))),
            };
        }
        let received = received.unwrap_or(Received::Ended);
        Poll::Ready(self.finish(self.peer.shared().ending(received), read))
    }

    pub(crate) fn poll_tell(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        self.check_not_done();
        let deadline = self.deadline();
        let request = request(
            &self.command,
            self.kind,
            &self.fields,
            deadline,
            None,
            taker(&mut self.rare),
        );
        let polled = self.peer.shared().poll_tell(&mut self.stage, request, cx);
        self.drop_encoded();
        polled
    }

    /// Its command is gone, and was carried out, it may be: to send it again would be worse than to panic.
    fn check_not_done(&self) {
        let is_done = matches!(self.stage, Stage::Done);
        assert!(
            !is_done,
            "a call or tell was polled again after it had ended"
        );
    }

    /// Drops the command once it is encoded: it may hold files that are to be closed then.
    #[inline]
    fn drop_encoded(&mut self) {
        let drops = match self.stage {
            Stage::New | Stage::Queued(_) => return,
            Stage::Asked(_) | Stage::Told(_) => {
                self.was_sent = true;
                self.keep != Keep::Sent
            }
            Stage::Done => self.keep == Keep::No,
        };
        if drops && self.fields.is_some() {
            self.fields = None;
        }
    }

    pub(crate) fn local_error(&self, refusal: Refusal) -> LocalError {
        LocalError {
            command: (*self.command).into(),
            problem: match refusal {
                Refusal::Encode(error) => LocalProblem::Encode(error),
                Refusal::TlsAlready => LocalProblem::TlsAlready,
                Refusal::TlsRefused => LocalProblem::TlsRefused,
                Refusal::NoTls => LocalProblem::NoTls,
                Refusal::NoTaker => LocalProblem::NoTaker,
            },
        }
    }

    /// Turns the end of a call into its result.
    pub(crate) fn finish<T, E: CommandError>(
        &self,
        ending: Ending,
        read: impl FnOnce(&Payload, &Peer) -> Result<T, DecodeError>,
    ) -> Result<T, CallError<E>> {
        let problem = match ending {
            Ending::Answer(payload) => return self.read(&payload, read),
            Ending::IncompleteError => AnswerProblem::IncompleteError,
            Ending::Error(error) => return Err(self.remote_error(error)),
            Ending::Refused(refusal) => return Err(CallError::Local(self.local_error(refusal))),
            Ending::Ended(reason) => return Err(CallError::Ended(reason)),
            Ending::TimedOut { was_sent } => {
                return Err(CallError::TimedOut {
                    command: (*self.command).into(),
                    was_sent,
                });
            }
        };
        Err(self.bad_answer(problem))
    }

    /// Reads an answer.
    #[inline]
    fn read<T, E: CommandError>(
        &self,
        payload: &Payload,
        read: impl FnOnce(&Payload, &Peer) -> Result<T, DecodeError>,
    ) -> Result<T, CallError<E>> {
        read(payload, &self.peer).map_err(|error| self.bad_answer(AnswerProblem::Fields(error)))
    }

    #[cold]
    fn bad_answer<E: CommandError>(&self, problem: AnswerProblem) -> CallError<E> {
        CallError::BadAnswer(BadAnswer {
            command: (*self.command).into(),
            problem,
        })
    }

    #[cold]
    fn remote_error<E: CommandError>(&self, error: RemoteError) -> CallError<E> {
        if error.code == UNHANDLED {
            return CallError::Unhandled {
                command: self.command.to_vec(),
                description: error.description,
            };
        }
        match E::from_code(&error.code, &error.description) {
            Some(declared) => CallError::Declared {
                error: declared,
                description: error.description,
            },
            None => CallError::Remote(Box::new(error)),
        }
    }
}

#[inline]
fn request<'a, F: WriteFields>(
    command: &'a [u8],
    kind: CommandKind,
    fields: &'a Option<F>,
    deadline: Option<Instant>,
    traceparent: Option<String>,
    taker: Option<&'a mut Option<Taker>>,
) -> Request<'a> {
    let fields = fields.as_ref().map(|fields| fields as &dyn WriteFields);
    Request {
        command,
        kind,
        // Without fields it is encoded already.
        fields: fields.unwrap_or(&()),
        deadline,
        traceparent,
        taker,
    }
}

fn taker(rare: &mut Option<Box<Rare>>) -> Option<&mut Option<Taker>> {
    rare.as_mut().map(|rare| &mut rare.taker)
}

impl<F, N> Drop for Exchange<'_, F, N> {
    fn drop(&mut self) {
        self.peer.shared().drop_call(self.stage);
    }
}

impl<F, N: Deref<Target = [u8]>> fmt::Debug for Exchange<'_, F, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", Excerpt(&self.command), self.stage)
    }
}
