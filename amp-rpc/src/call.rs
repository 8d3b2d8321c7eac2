//! The futures of calls.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use amp_rpc_core::conversation::{CallId, UNHANDLED};
use amp_rpc_core::dynamic::{OwnedFields, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema, FieldSchema};
use amp_rpc_core::wire::protocol;
use amp_rpc_core::{
    AmpBox, Command, CommandError, DecodeError, Excerpt, Fields, NoErrors, RemoteError, Shared,
    WriteFields,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::call_error::{AnswerProblem, BadAnswer, CallError, LocalError, LocalProblem, TellError};
use crate::connection::log::{self, Span};
use crate::connection::{
    ConnectionContext, Ending, Payload, Received, Refusal, Request, Stage, Taker,
};
use crate::end::EndReason;
use crate::peer::Peer;
use crate::switched::SwitchedStream;

/// What every call has: where it goes, what it sends, and how far it is.
pub(crate) struct Exchange<F> {
    peer: Peer,
    command: Shared<[u8]>,
    kind: CommandKind,
    /// Until they are encoded, or longer.
    fields: Option<F>,
    keep: Keep,
    stage: Stage,
    /// It is encoded: the peer may get it.
    was_sent: bool,
    time: Time,
    span: Span,
    /// How the call ended when it was started, before anybody polled it.
    early: Option<Box<Ending>>,
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
    /// So long from its first poll on.
    Limit(Duration),
    /// Until then: it has begun.
    Until(Option<Instant>),
}

impl<F: WriteFields> Exchange<F> {
    /// When the caller stops waiting. Counts from the first time that this is asked.
    fn deadline(&mut self) -> Option<Instant> {
        let limit = match self.time {
            Time::Default => self.peer.shared().options.call_timeout,
            Time::Limit(limit) => Some(limit),
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
        let traceparent = self.peer.shared().traceparent.as_ref()?;
        match self.fields {
            Some(_) if !self.was_sent => traceparent(),
            _ => None,
        }
    }

    pub(crate) fn new(peer: Peer, command: Shared<[u8]>, kind: CommandKind, fields: F) -> Self {
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
            early: None,
            taker: None,
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
    fn start(&mut self) {
        if let Poll::Ready(ending) = self.poll(&mut Context::from_waker(Waker::noop())) {
            self.early = Some(Box::new(ending));
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        if let Stage::Asked(id) = self.stage {
            let received = ready!(self.poll_received(id, cx));
            return Poll::Ready(self.peer.shared().ending(received));
        }
        if let Some(ending) = self.early.take() {
            return Poll::Ready(*ending);
        }
        let deadline = self.deadline();
        let traceparent = self.traceparent();
        let request = request(
            &self.command,
            self.kind,
            &self.fields,
            deadline,
            &mut self.taker,
        );
        let request = Request {
            traceparent,
            ..request
        };
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
    fn poll_received(&mut self, id: CallId, cx: &mut Context<'_>) -> Poll<Received> {
        let (span, shared) = (&self.span, self.peer.shared());
        span.in_scope(|| shared.poll_answer(&mut self.stage, id, cx.waker()))
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
        let received = ready!(self.poll_received(id, cx));
        // Read where it lies: to move it costs more than to decode it.
        if let Received::Answer(payload) = &received {
            return Poll::Ready(self.read(payload, read));
        }
        Poll::Ready(self.finish(self.peer.shared().ending(received), read))
    }

    pub(crate) fn poll_tell(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Ending>> {
        let deadline = self.deadline();
        let request = request(
            &self.command,
            self.kind,
            &self.fields,
            deadline,
            &mut self.taker,
        );
        let polled = self.peer.shared().poll_tell(&mut self.stage, request, cx);
        self.drop_encoded();
        polled
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

fn request<'a, F: WriteFields>(
    command: &'a [u8],
    kind: CommandKind,
    fields: &'a Option<F>,
    deadline: Option<Instant>,
    taker: &'a mut Option<Taker>,
) -> Request<'a> {
    let fields = fields.as_ref().map(|fields| fields as &dyn WriteFields);
    Request {
        command,
        kind,
        // Without fields it is encoded already.
        fields: fields.unwrap_or(&()),
        deadline,
        traceparent: None,
        taker,
    }
}

impl<F> Drop for Exchange<F> {
    fn drop(&mut self) {
        self.peer.shared().drop_call(self.stage);
    }
}

impl<F> fmt::Debug for Exchange<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", Excerpt(&self.command), self.stage)
    }
}

/// A call of a command, waiting for its answer; made by [`Peer::call`].
///
/// Nothing is sent before the first poll; boxes leave in the order of the first polls. Dropping it
/// ends the wait at once; an answer that comes later is ignored. So it can be dropped at any time,
/// but the peer may then have carried the command out or not.
#[derive(Debug)]
#[must_use = "a call is sent when it is first polled"]
pub struct Call<C: Command>(Exchange<C>);

impl<C: Command> Call<C> {
    pub(crate) fn new(peer: Peer, command: C) -> Self {
        Self(Exchange::new(
            peer,
            Shared::Static(C::NAME),
            C::KIND,
            command,
        ))
    }

    /// Sets how long the call may take, from its first poll until its answer: waiting for room, being
    /// written, and the answer. Then it ends with [`CallError::TimedOut`], and an answer that comes later
    /// is ignored. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without
    /// a limit. A call within a responder takes no longer than the responder's own caller waits; see
    /// [`AskContext`](crate::AskContext).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.0.time = Time::Limit(limit);
        self
    }

    /// Puts the call on the wire at once, or in its place among those that wait for room. The answer
    /// is still this future's.
    pub fn start(mut self) -> Self {
        self.0.start();
        self
    }
}

// The command is only ever borrowed, never pinned.
impl<C: Command> Unpin for Call<C> {}

/// A call of a command that switches the protocol; made by [`Peer::switch`].
///
/// Nothing is sent before the first poll. Dropping it ends the wait at once; if the peer agrees
/// afterwards, nobody takes the stream, and the connection is closed.
#[must_use = "a call is sent when it is first polled"]
pub struct Switch<C: Command> {
    call: Call<C>,
    answer: Option<C::Response>,
    stream: oneshot::Receiver<SwitchedStream>,
}

impl<C: Command> Switch<C> {
    pub(crate) fn new(peer: Peer, command: C) -> Self {
        let mut call = Call::new(peer, command);
        let (taker, stream) = oneshot::channel();
        call.0.taker = Some(taker);
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
    /// [`AskContext`](crate::AskContext).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.call.0.time = Time::Limit(limit);
        self
    }

    /// Puts the call on the wire at once, or in its place among those that wait for room. The answer
    /// is still this future's.
    pub fn start(mut self) -> Self {
        self.call = self.call.start();
        self
    }
}

impl<C: Command> fmt::Debug for Switch<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Switch").field(&self.call.0).finish()
    }
}

// The answer is kept as a value, never pinned.
impl<C: Command> Unpin for Switch<C> {}

impl<C: Command> Future for Switch<C> {
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

impl<C: Command> Future for Call<C> {
    type Output = Result<C::Response, CallError<C::Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_with(cx, read_fields::<C::Response>)
    }
}

pub(crate) fn read_fields<T: Fields>(payload: &Payload, peer: &Peer) -> Result<T, DecodeError> {
    let mut context = ConnectionContext::new(peer.shared());
    T::from_box(&payload.view(), &mut context)
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
/// Cancel-safe as [`Call`] is.
#[derive(Debug)]
#[must_use = "a call is sent when it is first polled"]
pub struct CallBox(Exchange<AmpBox>);

impl CallBox {
    pub(crate) fn new(peer: Peer, command: &[u8], arguments: AmpBox) -> Self {
        let arguments = without_protocol_keys(arguments);
        let command = Shared::Counted(command.into());
        Self(Exchange::new(peer, command, CommandKind::Plain, arguments))
    }

    /// Sets how long the call may take, from its first poll until its answer: waiting for room, being
    /// written, and the answer. Then it ends with [`CallError::TimedOut`], and an answer that comes later
    /// is ignored. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without
    /// a limit. A call within a responder takes no longer than the responder's own caller waits; see
    /// [`AskContext`](crate::AskContext).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.0.time = Time::Limit(limit);
        self
    }

    /// Puts the call on the wire at once, or in its place among those that wait for room. The answer
    /// is still this future's.
    pub fn start(mut self) -> Self {
        self.0.start();
        self
    }
}

impl Future for CallBox {
    type Output = Result<AmpBox, CallError<NoErrors>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_with(cx, read_box)
    }
}

/// A call of a command of a schema; made by [`Peer::call_dynamic`].
///
/// Cancel-safe as [`Call`] is.
#[derive(Debug)]
#[must_use = "a call is sent when it is first polled"]
pub struct CallDynamic {
    exchange: Exchange<OwnedFields>,
    response: Shared<[FieldSchema]>,
}

impl CallDynamic {
    pub(crate) fn new(peer: Peer, schema: &CommandSchema, arguments: Values) -> Self {
        let fields = OwnedFields::new(schema.arguments.clone(), arguments);
        Self {
            exchange: Exchange::new(peer, schema.name.clone(), schema.kind, fields),
            response: schema.response.clone(),
        }
    }

    /// Sets how long the call may take, from its first poll until its answer: waiting for room, being
    /// written, and the answer. Then it ends with [`CallError::TimedOut`], and an answer that comes later
    /// is ignored. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without
    /// a limit. A call within a responder takes no longer than the responder's own caller waits; see
    /// [`AskContext`](crate::AskContext).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.exchange.time = Time::Limit(limit);
        self
    }

    /// Puts the call on the wire at once, or in its place among those that wait for room. The answer
    /// is still this future's.
    pub fn start(mut self) -> Self {
        self.exchange.start();
        self
    }
}

impl Future for CallDynamic {
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

/// A command that is sent without asking for an answer; made by [`Peer::tell`] and
/// [`Peer::tell_box`].
///
/// Done when the command is in the queue of what is to be written and the queue is within its
/// bound, so that awaiting each keeps a fast sender from filling the memory. When it is dropped
/// after its first poll, the command may be sent all the same.
#[must_use = "a command is sent when its future is first polled"]
pub struct Tell<F: WriteFields> {
    exchange: Exchange<F>,
    /// How it ended when it was started, before anybody polled it.
    early: Option<Result<(), Ending>>,
}

impl<C: Command> Tell<C> {
    pub(crate) fn new(peer: Peer, command: C) -> Self {
        Self::of(Exchange::new(
            peer,
            Shared::Static(C::NAME),
            C::KIND,
            command,
        ))
    }
}

impl Tell<AmpBox> {
    pub(crate) fn new_box(peer: Peer, command: &[u8], arguments: AmpBox) -> Self {
        let arguments = without_protocol_keys(arguments);
        let command = Shared::Counted(command.into());
        Self::of(Exchange::new(peer, command, CommandKind::Plain, arguments))
    }
}

impl Tell<OwnedFields> {
    pub(crate) fn new_dynamic(peer: Peer, schema: &CommandSchema, arguments: Values) -> Self {
        let fields = OwnedFields::new(schema.arguments.clone(), arguments);
        Self::of(Exchange::new(
            peer,
            schema.name.clone(),
            schema.kind,
            fields,
        ))
    }
}

impl<F: WriteFields> Tell<F> {
    fn of(exchange: Exchange<F>) -> Self {
        Self {
            exchange,
            early: None,
        }
    }

    /// Sets how long the command may wait for room. Then it ends with [`TellError::TimedOut`], and was not
    /// sent. Default: [`Amp::call_timeout`](crate::Amp::call_timeout); `Duration::MAX` means without a limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.exchange.time = Time::Limit(limit);
        self
    }

    /// Puts the command in the queue at once, or in its place among those that wait for room. The
    /// future is still to be awaited.
    pub fn start(mut self) -> Self {
        let polled = self
            .exchange
            .poll_tell(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = polled {
            self.early = Some(result);
        }
        self
    }
}

impl<F: WriteFields> fmt::Debug for Tell<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tell").field(&self.exchange).finish()
    }
}

impl<F: WriteFields> Unpin for Tell<F> {}

impl<F: WriteFields> Future for Tell<F> {
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
