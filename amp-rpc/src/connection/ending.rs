//! How a call ends.

use std::sync::MutexGuard;
use std::task::{Poll, Waker};

use amp_rpc_core::RemoteError;
use amp_rpc_core::conversation::{CallId, Message};

use super::exchange::{Refusal, Stage};
use super::payload::{Payload, Received};
use super::shared::{Shared, State};
use crate::end::EndReason;

/// How a call ended, before its type is known.
pub(crate) enum Ending {
    /// A box to decode.
    Answer(Payload),
    Error(RemoteError),
    /// An error without code or description.
    IncompleteError,
    Refused(Refusal),
    Ended(EndReason),
    /// The caller's time is over.
    TimedOut {
        was_sent: bool,
    },
}

impl Shared {
    /// Moves the answer of a call that was sent from its slot to `received`, if it is there.
    #[inline]
    pub(crate) fn poll_answer(
        &self,
        stage: &mut Stage,
        id: CallId,
        waker: &Waker,
        received: &mut Option<Received>,
    ) -> Poll<()> {
        let mut state = self.lock();
        let mut known = None;
        let taken = state.asking.calls.take_with(id, |slot| {
            *received = slot.answer.take();
            received.as_ref()?;
            known = slot.waker.take();
            Some(())
        });
        let Some(()) = taken.unwrap_or_else(|| {
            // Only this call takes its slot out, and it did not yet: the table is gone.
            *received = Some(Received::Ended);
            Some(())
        }) else {
            wait_on(state, id, waker);
            return Poll::Pending;
        };
        if state.sleeping.is_some() {
            // The driver has nothing to do, and so may the connection.
            state.rest(&self.reserved);
        }
        let mut wakers = Vec::new();
        if !state.room.is_empty() {
            // There was no slot free, it may be.
            state.grant_room(self.options.max_queued, &mut wakers);
        }
        *stage = Stage::Done;
        let counters = &self.counters;
        let counter = match received {
            Some(Received::Answer(_)) => &counters.calls_answered,
            Some(Received::Error(_)) => &counters.calls_failed,
            Some(Received::TimedOut) => &counters.calls_timed_out,
            Some(Received::Ended) | None => &counters.calls_ended,
        };
        counter.add(1);
        drop(state);
        // Its waker may be there still; dropping it may run foreign code.
        drop(known);
        wakers.into_iter().for_each(Waker::wake);
        Poll::Ready(())
    }

    /// What an answer, or what came in its place, means for its call.
    pub(crate) fn ending(&self, received: Received) -> Ending {
        match received {
            Received::Answer(payload) => Ending::Answer(payload),
            Received::Error(payload) => read_error(&payload),
            Received::TimedOut => Ending::TimedOut { was_sent: true },
            Received::Ended => Ending::Ended(self.end().unwrap_or(EndReason::ClosedHere)),
        }
    }
}

/// Goes on waiting for an answer.
#[cold]
fn wait_on(mut state: MutexGuard<'_, State>, id: CallId, waker: &Waker) {
    let Some(slot) = state.asking.calls.get_mut(id) else {
        return;
    };
    let is_known = (slot.waker.as_ref()).is_some_and(|known| known.will_wake(waker));
    let known = (!is_known).then(|| slot.waker.replace(waker.clone()));
    drop(state);
    // Dropping a waker may run foreign code: not under the lock.
    drop(known);
}

/// Reads an error box that the driver has recognized as one.
fn read_error(payload: &Payload) -> Ending {
    match Message::of(&payload.view()) {
        Some(Message::Error {
            code: Some(code),
            description: Some(description),
            ..
        }) => {
            let description = String::from_utf8_lossy(&description);
            Ending::Error(RemoteError::new(&code[..], description))
        }
        _ => Ending::IncompleteError,
    }
}
