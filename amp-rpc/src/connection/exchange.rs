//! One call or tell from its first poll until it is sent, whatever its type.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use amp_rpc_core::conversation::{AskRefused, CallId, Head, TimeLeft};
use amp_rpc_core::schema::CommandKind;
use amp_rpc_core::{EncodeError, WriteFields};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::context::ConnectionContext;
use super::crossing::Asker;
use super::ending::Ending;
use super::room::Ticket;
use super::shared::{CallSlot, Shared, State, wake};
use crate::end::EndReason;
use crate::switched::SwitchedStream;
use crate::transport::Side;

/// Of how many calls one is timed, while the connection is busy.
const TIMED: u64 = 32;

/// A command to send.
pub(crate) struct Request<'a> {
    pub(crate) command: &'a [u8],
    pub(crate) kind: CommandKind,
    pub(crate) fields: &'a dyn WriteFields,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// The caller's span, where the program has one.
    pub(crate) traceparent: Option<String>,
    /// Who gets the stream, where the command switches the protocol.
    pub(crate) taker: Option<&'a mut Option<Taker>>,
}

impl Request<'_> {
    fn has_taker(&self) -> bool {
        self.taker.as_ref().is_some_and(|taker| taker.is_some())
    }

    /// Whether the caller's time is over before anything was sent.
    #[inline]
    fn is_over(&self, stage: Stage) -> bool {
        matches!(stage, Stage::New | Stage::Queued(_))
            && (self.deadline).is_some_and(|deadline| deadline <= Instant::now())
    }
}

pub(crate) type Taker = oneshot::Sender<SwitchedStream>;

/// Where a call or tell is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    /// Not sent.
    New,
    /// It waits for room, and is not encoded yet.
    Queued(Ticket),
    /// It was sent, and the answer is awaited.
    Asked(CallId),
    /// It was sent without asking, and waits until what is queued has shrunk.
    Told(Ticket),
    Done,
}

impl Stage {
    fn is_queued(self) -> bool {
        matches!(self, Self::Queued(_))
    }
}

/// Why a call was not sent.
pub(crate) enum Refusal {
    Encode(EncodeError),
    TlsAlready,
    TlsRefused,
    /// This side is not set up for TLS.
    NoTls,
    /// Nobody takes the stream that the answer would hand over, or there is none to hand over.
    NoTaker,
}

impl Shared {
    /// Brings a call further that was not sent yet. `request` is asked for when the call is to be encoded.
    pub(crate) fn poll_call(
        &self,
        stage: &mut Stage,
        request: Request<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Ending> {
        let mut state = self.lock();
        if request.is_over(*stage) {
            self.counters.calls_timed_out.add(1);
            return Poll::Ready(give_up(state, stage));
        }
        if let Some(refusal) = self.refusal(&state, *stage, &request) {
            state.go_on(stage, Stage::Done);
            self.counters.calls_refused_here.add(1);
            return Poll::Ready(Ending::Refused(refusal));
        }
        if !state.may_write(*stage, self.options.max_queued) {
            self.queue(state, stage, cx.waker(), request.deadline);
            return Poll::Pending;
        }
        let is_timed = self.times_call(&state);
        let slot = |place: &mut Option<CallSlot>| {
            CallSlot::begin(place, cx.waker(), is_timed, request.deadline);
        };
        let left = state.time_left(request.deadline);
        let span = (request.traceparent.as_ref()).filter(|_| state.wants_span());
        state.begin();
        let State {
            asking,
            out,
            beside,
            ..
        } = &mut *state;
        let at = out.len();
        let mut context = ConnectionContext::new(self);
        let asked = asking.ask(
            Head {
                deadline: left.as_ref().map(TimeLeft::as_bytes),
                traceparent: span.map(String::as_bytes),
                ..Head::new(request.command, request.kind)
            },
            request.fields,
            slot,
            out,
            &mut context,
        );
        let id = match asked {
            Ok(id) => id,
            Err(refused) => return self.refused(state, stage, refused, &request, cx.waker()),
        };
        context.written(at, beside);
        if self.options.extends() {
            state.learn_for(request.deadline.is_some() || request.traceparent.is_some());
        }
        state.is_used = true;
        self.counters.calls_sent.add(1);
        state.go_on(stage, Stage::Asked(id));
        if matches!(
            request.kind,
            CommandKind::StartTls | CommandKind::ProtocolSwitch
        ) {
            self.boundary_ahead.store(true, Ordering::Release);
            if let Some(taker) = request.taker.and_then(Option::take) {
                state.take_stream_for(taker);
            }
        }
        self.wrote.store(true, Ordering::Release);
        let sooner = state.note_deadline(request.deadline);
        let driver = sooner.or_else(|| state.sleeping.take());
        drop(state);
        wake(driver);
        Poll::Pending
    }

    /// Brings a tell further. It is done when it is written to the queue and the queue is not over
    /// its bound.
    pub(crate) fn poll_tell(
        &self,
        stage: &mut Stage,
        request: Request<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Ending>> {
        let mut state = self.lock();
        if request.is_over(*stage) {
            self.counters.calls_timed_out.add(1);
            return Poll::Ready(Err(give_up(state, stage)));
        }
        if matches!(*stage, Stage::Queued(ticket) if state.room.is_refused(ticket)) {
            state.go_on(stage, Stage::Done);
            return Poll::Ready(Err(Ending::Refused(Refusal::TlsRefused)));
        }
        if let Stage::Told(ticket) = *stage {
            if state.room.is_granted(ticket) {
                *stage = Stage::Done;
                return Poll::Ready(match &state.end {
                    Some(reason) => Err(Ending::Ended((**reason).clone())),
                    None => Ok(()),
                });
            }
            let known = state.room.wait(ticket, cx.waker(), None);
            drop(state);
            drop(known);
            return Poll::Pending;
        }
        if !state.may_write(*stage, self.options.max_queued) {
            self.queue(state, stage, cx.waker(), request.deadline);
            return Poll::Pending;
        }
        state.begin();
        let State {
            asking,
            out,
            beside,
            ..
        } = &mut *state;
        let at = out.len();
        let mut context = ConnectionContext::new(self);
        let told = asking.tell(request.command, request.fields, out, &mut context);
        if let Err(refused) = told {
            let refused = self.refused(state, stage, refused, &request, cx.waker());
            return refused.map(Err);
        }
        context.written(at, beside);
        state.is_used = true;
        self.counters.tells_sent.add(1);
        let poll = if state.queued() > self.options.max_queued {
            let ticket = state.room.ticket();
            state.go_on(stage, Stage::Told(ticket));
            // A new ticket had no waker before.
            let _ = state.room.wait(ticket, cx.waker(), None);
            Poll::Pending
        } else {
            state.go_on(stage, Stage::Done);
            Poll::Ready(Ok(()))
        };
        self.wrote.store(true, Ordering::Release);
        let driver = state.sleeping.take();
        drop(state);
        wake(driver);
        poll
    }

    /// Waits until a call would be written at once. `ticket` is the place among those that wait; give it back
    /// with [`leave_room`](Self::leave_room).
    pub(crate) fn poll_room(
        &self,
        ticket: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), EndReason>> {
        let mut state = self.lock();
        if let Some(reason) = &state.end {
            return Poll::Ready(Err((**reason).clone()));
        }
        let stage = ticket.map_or(Stage::New, Stage::Queued);
        if state.asking.is_open() && state.may_write(stage, self.options.max_queued) {
            return Poll::Ready(Ok(()));
        }
        let place = match *ticket {
            Some(place) if !state.room.is_granted(place) => place,
            // Others were faster, or the gate is shut again: a new place, at the end.
            _ => state.room.ticket(),
        };
        *ticket = Some(place);
        let known = state.room.wait(place, cx.waker(), None);
        let driver = self.ask_for_room(&mut state);
        drop(state);
        drop(known);
        wake(driver);
        Poll::Pending
    }

    /// Takes a place among those that wait for room, or keeps it.
    fn queue(
        &self,
        mut state: MutexGuard<'_, State>,
        stage: &mut Stage,
        waker: &Waker,
        deadline: Option<Instant>,
    ) {
        let ticket = match *stage {
            Stage::Queued(ticket) => ticket,
            _ => state.room.ticket(),
        };
        state.go_on(stage, Stage::Queued(ticket));
        let known = state.room.wait(ticket, waker, deadline);
        let sooner = state.note_deadline(deadline);
        let driver = sooner.or_else(|| self.ask_for_room(&mut state));
        drop(state);
        // Dropping a waker may run foreign code: not under the lock.
        drop(known);
        wake(driver);
    }

    /// Has the driver look whether there is room again, and read on for the sake of those who wait, where the peer is slow. Returns
    /// it if it sleeps.
    fn ask_for_room(&self, state: &mut State) -> Option<Waker> {
        if !state.is_slow {
            return None;
        }
        self.wrote.store(true, Ordering::Release);
        state.sleeping.take()
    }

    pub(crate) fn leave_room(&self, ticket: Ticket) {
        let known = self.lock().room.leave(ticket);
        drop(known);
    }

    /// Whether the next call is timed. Where many calls are made at once, looking at the clock for each would be felt.
    #[inline]
    pub(super) fn times_call(&self, state: &State) -> bool {
        state.sleeping.is_some() || self.counters.calls_sent.get() % TIMED == 0
    }

    /// Why a call cannot be made at all, in the state of things.
    #[inline]
    fn refusal(&self, state: &State, stage: Stage, request: &Request<'_>) -> Option<Refusal> {
        if request.kind == CommandKind::Plain && matches!(stage, Stage::New) {
            return None;
        }
        self.unusual_refusal(state, stage, request)
    }

    #[cold]
    fn unusual_refusal(
        &self,
        state: &State,
        stage: Stage,
        request: &Request<'_>,
    ) -> Option<Refusal> {
        if state.end.is_some() {
            return None;
        }
        if matches!(stage, Stage::Queued(ticket) if state.room.is_refused(ticket)) {
            return Some(Refusal::TlsRefused);
        }
        match request.kind {
            CommandKind::StartTls if self.session.get().is_some() => Some(Refusal::TlsAlready),
            CommandKind::StartTls if !self.can_start_tls(state, Asker::ThisSide) => {
                Some(Refusal::NoTls)
            }
            CommandKind::ProtocolSwitch if !request.has_taker() || self.side == Side::Boxes => {
                Some(Refusal::NoTaker)
            }
            _ => None,
        }
    }

    /// Ends a call that was not sent, or lets it wait.
    #[cold]
    fn refused(
        &self,
        mut state: MutexGuard<'_, State>,
        stage: &mut Stage,
        refused: AskRefused,
        request: &Request<'_>,
        waker: &Waker,
    ) -> Poll<Ending> {
        let refusal = match refused {
            AskRefused::Shut | AskRefused::Full => {
                self.queue(state, stage, waker, request.deadline);
                return Poll::Pending;
            }
            AskRefused::Ended => {
                state.go_on(stage, Stage::Done);
                let reason = state.end.as_deref().cloned();
                let reason = reason.unwrap_or(EndReason::ClosedHere);
                return Poll::Ready(Ending::Ended(reason));
            }
            AskRefused::TlsAlready => Refusal::TlsAlready,
            AskRefused::TlsRefused => Refusal::TlsRefused,
            AskRefused::Encode(error) => Refusal::Encode(error),
        };
        state.go_on(stage, Stage::Done);
        self.counters.calls_refused_here.add(1);
        Poll::Ready(Ending::Refused(refusal))
    }

    /// Ends a call or tell that is dropped.
    #[inline]
    pub(crate) fn drop_call(&self, stage: Stage) {
        if !matches!(stage, Stage::New | Stage::Done) {
            self.drop_early(stage);
        }
    }

    #[cold]
    fn drop_early(&self, stage: Stage) {
        match stage {
            Stage::New | Stage::Done => {}
            Stage::Queued(ticket) | Stage::Told(ticket) => {
                let mut state = self.lock();
                let known = state.room.leave(ticket);
                state.room.note(stage.is_queued(), false);
                let driver = state.driver_to_finish();
                drop(state);
                drop(known);
                wake(driver);
            }
            Stage::Asked(id) => self.abandon(id),
        }
    }
}

impl State {
    /// Whether a call may be written now: there is room and nobody waits, or it was its turn.
    fn may_write(&self, stage: Stage, max_queued: usize) -> bool {
        if self.end.is_some() {
            return true;
        }
        match stage {
            Stage::Queued(ticket) => self.room.is_granted(ticket),
            _ => self.room.is_empty() && !self.is_slow && self.queued() < max_queued,
        }
    }

    /// Lets everybody go ahead who waits for room, if there is any, the gate is open and the peer not slow. Otherwise the
    /// driver does, once it has written, or whoever opens the gate.
    pub(super) fn grant_room(&mut self, max_queued: usize, wakers: &mut Vec<Waker>) {
        if self.asking.is_open() && !self.is_slow && self.queued() < max_queued {
            self.room.grant(wakers);
        }
    }

    fn go_on(&mut self, stage: &mut Stage, to: Stage) {
        if stage.is_queued() || to.is_queued() {
            self.room.note(stage.is_queued(), to.is_queued());
        }
        *stage = to;
    }
}

/// Leaves the place among those that wait for room, since the time is over.
#[cold]
fn give_up(mut state: MutexGuard<'_, State>, stage: &mut Stage) -> Ending {
    let known = match *stage {
        Stage::Queued(ticket) => state.room.leave(ticket),
        _ => None,
    };
    state.go_on(stage, Stage::Done);
    let driver = state.driver_to_finish();
    drop(state);
    drop(known);
    wake(driver);
    Ending::TimedOut { was_sent: false }
}
