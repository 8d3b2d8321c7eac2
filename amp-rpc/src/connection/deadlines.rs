//! Calls whose time is over.

use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::exchange::Stage;
use super::payload::Received;
use super::shared::{Shared, State, wake};

/// To look at a thousand calls takes some microseconds, in which nobody gets at the connection. So with a thousand of them it is not
/// looked again before an eighth of a millisecond is over, and so on.
fn pause(calls: usize) -> Duration {
    Duration::from_micros(calls as u64 / 8)
}

impl Shared {
    /// Sets the deadline of a call that has begun already.
    pub(crate) fn set_deadline(&self, stage: Stage, deadline: Option<Instant>) {
        let mut state = self.lock();
        match stage {
            Stage::Asked(id) => {
                if let Some(slot) = state.asking.calls.get_mut(id) {
                    slot.deadline = deadline;
                }
            }
            Stage::Queued(ticket) => state.room.set_deadline(ticket, deadline),
            Stage::New | Stage::Told(_) | Stage::Done => return,
        }
        let driver = state.note_deadline(deadline);
        drop(state);
        wake(driver);
    }
}

impl State {
    /// Notes that a call has a deadline. Returns the driver if it sleeps longer than that.
    #[must_use]
    pub(super) fn note_deadline(&mut self, deadline: Option<Instant>) -> Option<Waker> {
        let deadline = deadline?;
        if self.earliest.is_some_and(|earliest| earliest <= deadline) {
            return None;
        }
        self.earliest = Some(deadline);
        self.sleeping.take()
    }

    /// Ends the calls whose time is over, and tells the peer where it `extends` what AMP has; returns whom to
    /// wake when the lock is released.
    pub(super) fn expire(&mut self, now: Instant, extends: bool) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let mut earliest = None;
        let looked_at = self.asking.calls.len() + self.room.queued();
        let mut is_over = |deadline: Instant| {
            if deadline > now {
                earliest = Some(earliest.map_or(deadline, |known: Instant| known.min(deadline)));
            }
            deadline <= now
        };
        let mut expired = Vec::new();
        self.asking.calls.expire(|id, slot| {
            if !slot.deadline.is_some_and(&mut is_over) {
                return false;
            }
            expired.push(id);
            slot.answer = Some(Received::TimedOut);
            wakers.extend(slot.waker.take());
            true
        });
        self.room.expire(&mut is_over, &mut wakers);
        self.earliest = earliest.map(|at| at.max(now + pause(looked_at)));
        for id in expired {
            if extends {
                self.tell_canceled(id);
            }
        }
        // It may be what the driver was still waiting for.
        wakers.extend(self.driver_to_finish());
        wakers
    }

    /// Ends the calls under way that have a deadline, where nobody will look at the clock any more.
    pub(super) fn end_timed(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.asking.calls.expire(|_, slot| {
            if slot.deadline.is_none() {
                return false;
            }
            slot.answer = Some(Received::Ended);
            wakers.extend(slot.waker.take());
            true
        });
        wakers
    }
}
