//! What each received box leads to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use amp_rpc_core::conversation::{
    Answering, Ask, Boundary, CallId, CloseReason, Message, Outcome, Replied, Tag,
};
use amp_rpc_core::schema::Errors;
use amp_rpc_core::wire::{Decoder, Frame, Stranger};
use bytes::Bytes;

use super::crossing::Asker;
use super::deliveries::{AnswerKind, Deliveries, Place};
use super::incoming::{Consumer, Step, is_large};
use super::lines::Lines;
use super::located::Located;
use super::log;
use super::outgoing::Outgoing;
use super::pool::Pool;
use super::refusals::Refusals;
use super::replier::Replier;
use super::running::Running;
use super::shared::{Shared, State};
use super::stranger::{Doorway, Visitor, answer_in_http, turn_away};
use crate::ask_context::Active;
use crate::responders::{Reply, Task};

/// Starts responders for asks and collects answers for callers.
pub(super) struct Dispatch {
    pub(super) shared: Arc<Shared>,
    /// `None` while there is no connection.
    pub(super) locator: Option<Arc<Located>>,
    /// The locator gives the same responder for a name every time.
    pub(super) is_fixed: bool,
    pub(super) doorway: Doorway,
    pub(super) decoder: Decoder,
    pub(super) answering: Answering,
    pub(super) running: Running,
    pub(super) lines: Lines,
    /// How many callers were woken.
    woken: usize,
    pub(super) pool: Pool,
    pub(super) outgoing: Outgoing,
    pub(super) deliveries: Deliveries,
    pub(super) boundary: Option<(Boundary, Asker)>,
    /// Own calls under way, as of the last look at the callers.
    pub(super) own_calls: usize,
    /// New asks are refused.
    pub(super) finishing: bool,
    /// A whole box has come.
    pub(super) began: bool,
    /// An ask came since this was last looked at.
    pub(super) is_used: bool,
    /// The number that the next fault gets.
    pub(super) fault: u64,
    /// That of the ask that was not a usual one, and is dealt with next.
    pub(super) span: Option<log::Span>,
    /// Refusals that are not written yet.
    pub(super) refusals: Refusals,
}

impl Dispatch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let options = &shared.options;
        let mut dispatch = Self {
            is_fixed: false,
            locator: None,
            doorway: Doorway::default(),
            decoder: Decoder::new(options.limits),
            answering: Answering::new(options.compat, options.limits),
            running: Running::new(),
            lines: Lines::default(),
            woken: 0,
            pool: Pool::default(),
            outgoing: Outgoing::default(),
            deliveries: Deliveries::default(),
            boundary: None,
            own_calls: 0,
            finishing: false,
            began: false,
            is_used: false,
            refusals: Refusals::default(),
            fault: 0,
            span: None,
            shared,
        };
        dispatch.number_fault();
        dispatch
    }

    /// Gives the next fault a number that no other of the process has.
    fn number_fault(&mut self) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        self.fault = NEXT.fetch_add(1, Ordering::Relaxed);
        if self.shared.options.number_faults {
            self.answering.number_fault(self.fault);
        }
    }

    /// Notes what the connection does, for those who want to know.
    pub(super) fn count(&self, received: u64, sent: u64) {
        let counters = &self.shared.counters;
        counters.bytes_received.set(received);
        counters.bytes_sent.set(sent);
        self.count_running();
    }

    /// Notes how many responders run.
    #[inline]
    pub(super) fn count_running(&self) {
        // There are never more: that many would not fit into memory.
        let running = self.running.len() as u32;
        self.shared.running.store(running, Ordering::Relaxed);
    }

    /// Whether no responder runs.
    pub(super) fn is_idle(&self) -> bool {
        self.running.len() + self.lines.len() == 0
    }

    /// Whether more should be read.
    ///
    /// At a bound the peer is made to wait, but not while it has to answer calls of this side: its
    /// answers may be what the responders here wait for. Then asks are refused instead.
    pub(super) fn wants_more(&self) -> bool {
        self.answering.is_reading() && (self.own_calls > 0 || !self.is_at_bound())
    }

    /// Whether nothing stands in the way of asks.
    #[inline]
    pub(super) fn takes_asks(&self) -> bool {
        self.answering.is_reading() && !self.finishing && !self.is_at_bound()
    }

    #[inline]
    fn is_at_bound(&self) -> bool {
        self.is_full() || self.outgoing.len() > self.shared.options.max_queued
    }

    fn is_full(&self) -> bool {
        self.running.len() + self.lines.len() >= self.shared.options.max_running
    }

    /// Whether asks are refused, where this side goes on reading for the sake of its own calls.
    ///
    /// Large answers that a peer does not read at once are more usual than one that never reads, so there
    /// is room for more of them than makes a peer wait.
    pub(super) fn refuses(&self) -> bool {
        self.finishing || self.is_overloaded()
    }

    pub(super) fn is_overloaded(&self) -> bool {
        self.is_full() || self.outgoing.len() > self.most_held()
    }

    /// Whether the boxes end here.
    pub(super) fn has_boundary(&self) -> bool {
        self.boundary.is_some()
    }

    /// What has to happen once everything is written.
    pub(super) fn take_boundary(&mut self) -> Option<(Boundary, Asker)> {
        self.boundary.take()
    }

    /// Moves what is encoded to where it is written from, and looks at the state of the callers. Says whether it is the turn of
    /// those who wait for room.
    ///
    /// Fails when more is held back than may be: the peer has to decide on TLS or a switch first, and
    /// until it does, this side must go on reading.
    pub(super) fn commit(&mut self, state: &mut State) -> Result<bool, CloseReason> {
        let is_turn = self.outgoing.commit(&self.shared, state);
        self.own_calls = state.own_calls();
        self.refusals.written(self.outgoing.sent);
        if state.asking.held() > self.most_held() {
            return Err(CloseReason::TooMuchHeld);
        }
        Ok(is_turn)
    }

    fn most_held(&self) -> usize {
        self.shared.options.max_queued.saturating_mul(8)
    }

    /// Reads boxes again, behind the beginning of TLS.
    pub(super) fn tls_began(&mut self) {
        self.answering.tls_began();
    }

    fn box_received(&mut self, frame: &Frame<'_>, place: Place<'_>) {
        self.began = true;
        self.shared.counters.boxes_received.add(1);
        let mut view = frame.view();
        if let Place::Apart(chunk) = place {
            view = view.within(chunk);
        }
        match Message::of(&view) {
            Some(Message::Ask {
                tag,
                command,
                metadata,
            }) => {
                let tag = tag.map(|tag| Tag::new(&tag));
                let bytes = place.bytes(frame.len());
                self.ask_received(tag, command.as_bytes(), &metadata, &view, bytes);
            }
            Some(Message::Answer { tag }) => {
                self.answer_received(CallId::parse(&tag), place, frame, AnswerKind::Answer);
            }
            Some(Message::Error {
                tag,
                code,
                description,
            }) => {
                let is_complete = code.is_some() && description.is_some();
                let kind = AnswerKind::Error { is_complete };
                self.answer_received(CallId::parse(&tag), place, frame, kind);
            }
            None => self.close(CloseReason::NoProtocolKeys),
        }
    }

    pub(super) fn close(&mut self, reason: CloseReason) {
        self.answering.stop();
        self.boundary
            .get_or_insert((Boundary::Close(reason), Asker::ThisSide));
    }

    /// Ends the connection of somebody who does not speak AMP.
    #[cold]
    fn turn_away(&mut self, stranger: Stranger, bytes: &[u8]) {
        let answers = stranger == Stranger::HttpRequest && self.shared.options.answer_http;
        if let Some(answer) = answers.then(|| answer_in_http(bytes)).flatten() {
            self.outgoing.answers.extend_from_slice(answer.as_bytes());
        }
        self.close(turn_away(stranger, self.shared.addresses()));
    }

    /// Goes on with the responders that were woken. Says whether there were any.
    pub(super) fn poll_woken(&mut self) -> bool {
        if self.running.len() == 0 {
            // Who was woken is done. Their places stay on the list until a responder waits again.
            return false;
        }
        let batch = self.running.begin_batch();
        let any = !batch.is_empty();
        for &place in &batch {
            let Some((mut job, waker)) = self.running.take(place) else {
                continue;
            };
            match self.poll_task(&mut job.task, &job.ask, &mut job.active, &waker) {
                Poll::Ready(()) => {
                    self.running.leave(place, waker);
                    self.pool.give(&job.responder, job.task);
                    self.next_in(job.line);
                }
                Poll::Pending => self.running.put(place, job, waker),
            }
        }
        self.running.finish_batch(batch);
        any
    }

    pub(super) fn poll_task(
        &mut self,
        task: &mut Box<dyn Task>,
        ask: &Ask,
        active: &mut Active,
        waker: &Waker,
    ) -> Poll<()> {
        let (mut replier, _) = self.replier(ask);
        let mut poll = || task.poll(&mut Context::from_waker(waker), &mut replier);
        let polled = active.guard(&mut poll);
        let replied = replier.replied;
        self.polled(task, ask, None, polled, replied)
    }

    /// Deals with what came of polling a responder. `command` is its name, where it is known.
    #[inline]
    pub(super) fn polled(
        &mut self,
        task: &mut Box<dyn Task>,
        ask: &Ask,
        command: Option<&[u8]>,
        polled: Result<Poll<()>, String>,
        replied: Option<Replied>,
    ) -> Poll<()> {
        match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => {}
            Err(panic) => {
                task.reset();
                if replied.is_none() {
                    let message = format!("the responder panicked: {panic}");
                    let outcome = Outcome::Unexpected(&message);
                    let command = command.or_else(|| task.command());
                    self.reply_with(ask, command, task.errors(), outcome);
                }
            }
        }
        if let Some(replied) = replied {
            // It is asked for only where it is told.
            let command = (replied.fault.as_ref()).and_then(|_| command.or_else(|| task.command()));
            self.follow(command, replied);
        }
        Poll::Ready(())
    }

    #[inline]
    pub(super) fn replier<'a>(&'a mut self, ask: &'a Ask) -> (Replier<'a>, &'a Arc<Shared>) {
        let replier = Replier {
            answering: &mut self.answering,
            outgoing: &mut self.outgoing,
            shared: &self.shared,
            ask,
            replied: None,
        };
        (replier, &self.shared)
    }

    /// `command` is its name, where it is known.
    pub(super) fn reply_with(
        &mut self,
        ask: &Ask,
        command: Option<&[u8]>,
        errors: &Errors,
        outcome: Outcome<'_>,
    ) {
        let (mut replier, _) = self.replier(ask);
        replier.reply(errors, outcome);
        if let Some(replied) = replier.replied {
            self.follow(command, replied);
        }
    }

    pub(super) fn follow(&mut self, command: Option<&[u8]>, replied: Replied) {
        if let Some(fault) = &replied.fault {
            self.shared.counters.faults.add(1);
            log::fault(self.shared.addresses(), command, fault, self.fault);
            self.number_fault();
        }
        if let Some(boundary) = replied.boundary {
            self.boundary.get_or_insert((boundary, Asker::Peer));
        }
    }

    #[inline]
    pub(super) fn answer_received(
        &mut self,
        call: Option<CallId>,
        place: Place<'_>,
        frame: &Frame<'_>,
        kind: AnswerKind,
    ) {
        self.deliveries.collect(call, place, frame, kind);
        // This may be the answer behind which the boxes end.
        if self.deliveries.is_full() || self.shared.boundary_ahead.load(Ordering::Acquire) {
            let buffer = match place {
                Place::At { buffer, .. } => buffer,
                Place::Apart(_) => &[],
            };
            self.hand_over(buffer);
        }
    }

    /// How many callers were woken since this was last asked.
    pub(super) fn take_woken(&mut self) -> usize {
        std::mem::take(&mut self.woken)
    }

    /// Hands the collected answers to their callers, out of the buffer in which they lie.
    pub(super) fn hand_over(&mut self, buffer: &[u8]) {
        if self.shared.boundary_ahead.load(Ordering::Acquire) && self.deliveries.has_collected() {
            // One of them may open the gate; then what is held goes before what is answered afterwards.
            let mut state = self.shared.lock();
            self.outgoing.commit_all(&self.shared, &mut state);
        }
        let delivered = self.deliveries.deliver(&self.shared, buffer);
        if let Some(boundary) = delivered.boundary {
            match boundary {
                Boundary::StartTls => self.answering.pass(),
                _ => self.answering.stop(),
            }
            self.boundary.get_or_insert((boundary, Asker::ThisSide));
        }
        self.woken += delivered.woken;
        self.own_calls = delivered.waiting.unwrap_or(self.own_calls);
    }

    /// Stops answering and gives back what is to be written. Responders run on and finish, unless
    /// they are to be dropped.
    pub(super) fn stop(&mut self, drop_responders: bool) -> Outgoing {
        self.answering.stop();
        self.running.cancel();
        self.lines.cancel();
        if drop_responders {
            self.lines.clear();
            self.running.clear();
            self.count_running();
        }
        self.pool.clear();
        std::mem::take(&mut self.outgoing)
    }

    /// Prepares to sleep; `false` when a responder was woken.
    pub(super) fn sleep(&mut self, waker: &Waker) -> bool {
        self.running.sleep(waker)
    }

    /// Whether nothing waits here for anything.
    pub(super) fn is_clear(&self) -> bool {
        self.is_idle()
            && self.outgoing.is_clear()
            && self.boundary.is_none()
            && self.answering.is_reading()
    }

    /// Gives memory back that another connection need not have, when it gets the desk.
    pub(super) fn rest(&mut self) {
        self.running.rest();
        self.lines.rest();
        self.outgoing.rest();
        self.deliveries.rest();
    }
}

impl Consumer for Dispatch {
    fn step(&mut self, buffer: &[u8], at: usize, shared: Option<&Bytes>) -> Step {
        let mut usual = 0;
        if self.doorway.has_passed() {
            // A large box fails here at its first large value, and comes again when it is cut off.
            usual = self.usual(buffer, at, shared);
            if usual > 0 && at + usual == buffer.len() {
                return Step::Took(usual);
            }
        }
        match self.step_any(buffer, at + usual, shared) {
            Step::Took(length) => Step::Took(usual + length),
            // The large box is at the front next time.
            _ if usual > 0 => Step::Took(usual),
            step => step,
        }
    }

    fn settle(&mut self, buffer: &[u8]) -> bool {
        if !self.deliveries.is_empty() {
            self.hand_over(buffer);
        }
        self.wants_more()
    }
}

impl Dispatch {
    /// Deals with one box, whatever it is.
    fn step_any(&mut self, buffer: &[u8], at: usize, shared: Option<&Bytes>) -> Step {
        if !self.wants_more() {
            return Step::Wait;
        }
        let bytes = &buffer[at..];
        match self.doorway.look(bytes) {
            Visitor::Peer => {}
            Visitor::Unknown => return Step::Wait,
            Visitor::Stranger(stranger) => {
                self.turn_away(stranger, bytes);
                return Step::Wait;
            }
        }
        match self.decoder.decode(bytes) {
            Ok(Some(frame)) => {
                if shared.is_none() && is_large(frame.len()) {
                    return Step::Large(frame.len());
                }
                let place = match shared {
                    Some(shared) => Place::Apart(shared),
                    None => Place::At { buffer, at },
                };
                self.box_received(&frame, place);
                self.span = None;
                Step::Took(frame.len())
            }
            Ok(None) => Step::Wait,
            Err(error) => {
                self.close(error.into());
                Step::Wait
            }
        }
    }
}
