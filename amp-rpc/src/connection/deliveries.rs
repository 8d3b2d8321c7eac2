//! Answers on their way to the callers.

use std::sync::atomic::Ordering;
use std::task::Waker;

use amp_rpc_core::conversation::{Boundary, CallId, CloseReason, Effect, Received};
use amp_rpc_core::schema::CommandKind;
use amp_rpc_core::wire::{Frame, Outline};
use bytes::Bytes;

use super::shared::{Payload, PayloadBytes, Received as Delivery, Shared, State};

/// The answers of one read: collected while it is dealt with, then handed over under one lock.
#[derive(Default)]
pub(super) struct Deliveries {
    collected: Vec<Collected>,
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
struct Collected {
    /// `None` for a tag that this side cannot have issued.
    call: Option<CallId>,
    kind: AnswerKind,
    outline: Outline,
    /// Where in what was read it lies.
    at: usize,
    length: usize,
    /// Where it lies if not there.
    apart: Option<Bytes>,
}

/// What handing answers over led to.
#[derive(Default)]
pub(super) struct Delivered {
    /// How many callers were woken.
    pub(super) woken: usize,
    pub(super) boundary: Option<Boundary>,
}

/// How many answers are collected at most. A peer may send any number in one read, wanted or not.
const MOST: usize = 1_024;
/// For how many answers room is kept while the connection has nothing to do.
const KEPT: usize = 16;

impl Deliveries {
    /// Whether it is time to hand over what is collected.
    pub(super) fn is_full(&self) -> bool {
        self.collected.len() >= MOST
    }

    /// Gives memory back, when the connection has nothing to do.
    pub(super) fn rest(&mut self) {
        if self.collected.capacity() > KEPT {
            self.collected = Vec::new();
        }
        if self.wakers.capacity() > KEPT {
            self.wakers = Vec::new();
        }
    }

    #[inline]
    pub(super) fn collect(
        &mut self,
        call: Option<CallId>,
        place: Place<'_>,
        frame: &Frame<'_>,
        kind: AnswerKind,
    ) {
        if self.collected.capacity() == 0 {
            // Most connections need one at a time.
            self.collected.reserve_exact(1);
            self.wakers.reserve_exact(1);
        }
        let (at, apart) = match place {
            Place::At { at, .. } => (at, None),
            Place::Apart(bytes) => (0, Some(bytes.clone())),
        };
        self.collected.push(Collected {
            call,
            kind,
            outline: frame.view().outline(),
            at,
            length: frame.len(),
            apart,
        });
    }

    /// Hands everything to the callers and wakes them, after the lock is released.
    ///
    /// `buffer` is what was read.
    pub(super) fn deliver(&mut self, shared: &Shared, buffer: &[u8]) -> Delivered {
        let mut delivered = Delivered::default();
        if self.collected.is_empty() {
            return delivered;
        }
        let mut state = shared.lock();
        for answer in self.collected.drain(..) {
            let boundary = hand_over(answer, buffer, shared, &mut state, &mut self.wakers);
            delivered.boundary = delivered.boundary.or(boundary);
        }
        drop(state);
        delivered.woken = self.wakers.len();
        self.wakers.drain(..).for_each(Waker::wake);
        delivered
    }
}

/// Puts one answer into its call's slot; returns what it brings about for the connection.
fn hand_over(
    answer: Collected,
    buffer: &[u8],
    shared: &Shared,
    state: &mut State,
    wakers: &mut Vec<Waker>,
) -> Option<Boundary> {
    let compat = &shared.options.compat;
    let is_error = answer.kind != AnswerKind::Answer;
    let State { asking, out, .. } = state;
    let received = answer.call.map_or(Received::Unknown, |id| {
        asking.received_id(id, is_error, out)
    });
    let (id, effect) = match received {
        Received::Call { id, effect } => (id, effect),
        Received::Late => {
            shared.counters.late_answers.add(1);
            return None;
        }
        Received::Unknown => {
            shared.counters.unknown_answers.add(1);
            return compat
                .close_on_unknown_tag
                .then_some(Boundary::Close(CloseReason::UnknownTag));
        }
    };
    let bytes = match answer.apart {
        Some(bytes) => PayloadBytes::Shared(bytes),
        None => PayloadBytes::copy_from(&buffer[answer.at..answer.at + answer.length]),
    };
    let payload = Payload::new(bytes, answer.outline);
    let delivery = if is_error {
        Delivery::Error(payload)
    } else {
        Delivery::Answer(payload.claiming(shared.descriptors.as_ref()))
    };
    if effect == Effect::Agreed(Boundary::StartTls) {
        state.agree(id, delivery);
        return Some(Boundary::StartTls);
    }
    if let Some(slot) = asking.calls.answered(id) {
        if slot.is_probe {
            state.probe_answered(id, &delivery);
            shared.wrote.store(true, Ordering::Release);
            return None;
        }
        slot.answer = Some(delivery);
        wakers.extend(slot.waker.take());
        if let Some(sent) = slot.sent.take() {
            let took = sent.elapsed();
            #[cfg(feature = "metrics")]
            crate::stats::Publisher::took(took.as_secs_f64());
            state.latency.get_or_insert_default().record(took);
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
        }
        Effect::None => {}
    }
    let is_incomplete = answer.kind == AnswerKind::Error { is_complete: false };
    (is_incomplete && compat.close_on_incomplete_error)
        .then_some(Boundary::Close(CloseReason::IncompleteError))
}
