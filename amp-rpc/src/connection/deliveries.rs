//! Answers on their way to the callers.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::task::Waker;

use amp_rpc_core::conversation::{Boundary, CallId, CloseReason, Effect, Received as Whose};
use amp_rpc_core::schema::CommandKind;
use amp_rpc_core::wire::{Frame, Outline};
use bytes::Bytes;
use tokio::time::Instant;

use super::payload::{Payload, Received};
use super::shared::{Shared, State};
use crate::stats::Latency;

/// The answers of one read: collected while it is dealt with, then handed over under one lock.
#[derive(Default)]
pub(super) struct Deliveries {
    collected: Vec<Collected>,
    /// Those of them that lie in buffers of their own.
    apart: Vec<Bytes>,
    wakers: Vec<Waker>,
}

/// Where a box lies.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// In what was read, among others.
    At { buffer: &'a [u8], at: usize },
    /// In a buffer of its own.
    Apart(&'a Bytes),
}

impl<'a> Place<'a> {
    /// The box, of so many bytes.
    pub(super) fn bytes(self, length: usize) -> &'a [u8] {
        match self {
            Self::At { buffer, at } => &buffer[at..at + length],
            Self::Apart(bytes) => bytes,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerKind {
    Answer,
    Error {
        /// It has a code and a description.
        is_complete: bool,
    },
}

/// An answer that waits to be handed over.
#[derive(Clone, Copy)]
struct Collected {
    /// `None` for a tag that this side cannot have issued.
    call: Option<CallId>,
    kind: AnswerKind,
    outline: Outline,
    length: usize,
    /// Where it begins in what was read, or which one it is of those that lie apart.
    at: usize,
    is_apart: bool,
}

/// What handing answers over led to.
#[derive(Default)]
pub(super) struct Delivered {
    /// How many callers were woken.
    pub(super) woken: usize,
    /// How many calls still wait; `None` where nothing was handed over.
    pub(super) waiting: Option<usize>,
    pub(super) boundary: Option<Boundary>,
}

/// How many answers are collected at most. A peer may send any number in one read, wanted or not.
const MOST: usize = 1_024;
/// For how many answers room is kept on a desk that is given back.
const KEPT: usize = 256;

impl Deliveries {
    /// Whether there is nothing to hand over, and nobody to wake.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.collected.is_empty() && self.wakers.is_empty()
    }

    /// Whether answers are collected that are not in their calls' slots yet.
    #[inline]
    pub(super) fn has_collected(&self) -> bool {
        !self.collected.is_empty()
    }

    /// Whether it is time to hand over what is collected.
    pub(super) fn is_full(&self) -> bool {
        self.collected.len() >= MOST
    }

    /// Gives much memory back, when the desk is.
    pub(super) fn rest(&mut self) {
        if self.collected.capacity() > KEPT {
            self.collected = Vec::new();
        }
        if self.wakers.capacity() > KEPT {
            self.wakers = Vec::new();
        }
    }

    /// Begins to put answers into their calls' slots at once, as they are read, with the lock held.
    #[inline]
    pub(super) fn run<'a>(&'a mut self, shared: &'a Shared) -> Run<'a> {
        if self.wakers.capacity() == 0 {
            // Most connections need one at a time.
            self.wakers.reserve_exact(1);
        }
        Run {
            state: shared.lock(),
            wakers: &mut self.wakers,
        }
    }

    pub(super) fn collect(
        &mut self,
        call: Option<CallId>,
        place: Place<'_>,
        frame: &Frame<'_>,
        kind: AnswerKind,
    ) {
        if self.collected.capacity() == 0 {
            self.collected.reserve_exact(1);
        }
        let (at, is_apart) = match place {
            Place::At { at, .. } => (at, false),
            Place::Apart(bytes) => {
                self.apart.push(bytes.clone());
                (self.apart.len() - 1, true)
            }
        };
        self.collected.push(Collected {
            call,
            kind,
            outline: frame.view().outline(),
            length: frame.len(),
            at,
            is_apart,
        });
    }

    /// Hands everything to the callers and wakes them, after the lock is released.
    ///
    /// `buffer` is what was read.
    pub(super) fn deliver(&mut self, shared: &Shared, buffer: &[u8]) -> Delivered {
        let mut delivered = Delivered::default();
        if !self.collected.is_empty() {
            self.hand_over(shared, buffer, &mut delivered);
        }
        delivered.woken = self.wakers.len();
        self.wakers.drain(..).for_each(Waker::wake);
        delivered
    }

    /// Puts what is collected into the slots of its calls.
    fn hand_over(&mut self, shared: &Shared, buffer: &[u8], delivered: &mut Delivered) {
        let mut state = shared.lock();
        let Self {
            collected,
            apart,
            wakers,
        } = self;
        for answer in &*collected {
            let payload = if answer.is_apart {
                Payload::shared(std::mem::take(&mut apart[answer.at]), answer.outline)
            } else {
                Payload::copied(answer.bytes(buffer), answer.outline)
            };
            if let Some(boundary) = hand_over(answer, payload, shared, &mut state, wakers) {
                delivered.boundary.get_or_insert(boundary);
            }
        }
        collected.clear();
        apart.clear();
        delivered.waiting = Some(state.own_calls());
    }
}

impl Collected {
    #[inline]
    fn bytes<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        &buffer[self.at..self.at + self.length]
    }
}

/// Answers that are put into their calls' slots one after the other. Their callers are woken by the next
/// [`deliver`](Deliveries::deliver).
pub(super) struct Run<'a> {
    state: MutexGuard<'a, State>,
    wakers: &'a mut Vec<Waker>,
}

impl Run<'_> {
    /// Puts an answer into its call's slot, if nothing else comes of it, as is usual; says whether it did. It is copied, but
    /// where it is all of `chunk`.
    #[inline]
    pub(super) fn put(
        &mut self,
        id: CallId,
        bytes: &[u8],
        outline: Outline,
        chunk: Option<&Bytes>,
    ) -> bool {
        let State {
            asking,
            known,
            latency,
            ..
        } = &mut *self.state;
        if known.is_probe(id) {
            return false;
        }
        let Some(slot) = asking.answer_plainly(id) else {
            return false;
        };
        match chunk {
            None => Received::put_answer(&mut slot.answer, bytes, outline),
            Some(chunk) => {
                let payload = Payload::shared(chunk.clone(), outline);
                slot.answer = Some(Received::Answer(payload));
            }
        }
        if let Some(waker) = slot.waker.take() {
            self.wakers.push(waker);
        }
        if let Some(sent) = slot.sent.take() {
            record(latency, sent);
        }
        true
    }

    /// How many calls still wait.
    pub(super) fn waiting(&self) -> usize {
        self.state.own_calls()
    }
}

/// Notes how long a call took.
fn record(latency: &mut Option<Box<Latency>>, sent: Instant) {
    let took = sent.elapsed();
    #[cfg(feature = "metrics")]
    crate::stats::Publisher::took(took.as_secs_f64());
    latency.get_or_insert_default().record(took);
}

/// Puts any answer into its call's slot; returns what it brings about for the connection.
fn hand_over(
    answer: &Collected,
    payload: Payload,
    shared: &Shared,
    state: &mut State,
    wakers: &mut Vec<Waker>,
) -> Option<Boundary> {
    let compat = &shared.options.compat;
    let is_error = answer.kind != AnswerKind::Answer;
    let State { asking, out, .. } = state;
    let whose = answer
        .call
        .map_or(Whose::Unknown, |id| asking.received_id(id, is_error, out));
    let (id, effect) = match whose {
        Whose::Call { id, effect } => (id, effect),
        Whose::Late => {
            shared.counters.late_answers.add(1);
            return None;
        }
        Whose::Unknown => {
            shared.counters.unknown_answers.add(1);
            return compat
                .close_on_unknown_tag
                .then_some(Boundary::Close(CloseReason::UnknownTag));
        }
    };
    let delivery = if is_error {
        Received::Error(payload)
    } else {
        Received::Answer(payload.claiming(shared.descriptors.as_ref()))
    };
    if effect == Effect::Agreed(Boundary::StartTls) {
        state.agree(id, delivery);
        return Some(Boundary::StartTls);
    }
    if let Some(slot) = asking.calls.answered(id) {
        if state.known.is_probe(id) {
            state.probe_answered(id, &delivery);
            shared.wrote.store(true, Ordering::Release);
            return None;
        }
        slot.answer = Some(delivery);
        wakers.extend(slot.waker.take());
        if let Some(sent) = slot.sent.take() {
            record(&mut state.latency, sent);
        }
    }
    match effect {
        Effect::Agreed(boundary) => return Some(boundary),
        Effect::Refused(kind) => {
            shared.boundary_ahead.store(false, Ordering::Release);
            shared.wrote.store(true, Ordering::Release);
            if kind == CommandKind::StartTls {
                state.room.refuse(wakers);
            } else {
                state.forget_taker();
                state.room.grant(wakers);
            }
            state.say_what_is_wanted();
        }
        Effect::None => {}
    }
    let is_incomplete = answer.kind == AnswerKind::Error { is_complete: false };
    (is_incomplete && compat.close_on_incomplete_error)
        .then_some(Boundary::Close(CloseReason::IncompleteError))
}
