//! Callers that have to wait.

use std::collections::BTreeMap;
use std::task::Waker;

use tokio::time::Instant;

/// Callers that wait until there is room for them, in the order in which they came.
///
/// On most connections nobody ever does, so what is needed for it is made when somebody first does.
#[derive(Default)]
pub(super) struct Room(Option<Box<Queue>>);

#[derive(Default)]
struct Queue {
    next: u64,
    /// Tickets below this one may go ahead.
    granted: u64,
    /// Tickets below this one have waited for TLS, which was refused.
    refused: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Calls and tells that are not encoded yet, whether they may go ahead or not.
    queued: usize,
}

struct Waiting {
    waker: Waker,
    deadline: Option<Instant>,
}

/// A place among the callers that wait for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Room {
    /// Whether nobody waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        (self.0.as_ref()).is_none_or(|queue| queue.waiting.is_empty())
    }

    /// How many calls and tells are not encoded yet.
    #[inline]
    pub(super) fn queued(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.queued)
    }

    pub(super) fn is_granted(&self, ticket: Ticket) -> bool {
        (self.0.as_ref()).is_some_and(|queue| ticket.0 < queue.granted)
    }

    pub(super) fn is_refused(&self, ticket: Ticket) -> bool {
        (self.0.as_ref()).is_some_and(|queue| ticket.0 < queue.refused)
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        let queue = self.queue();
        queue.next += 1;
        Ticket(queue.next - 1)
    }

    /// Waits, or goes on waiting. Returns the waker that was there, to be dropped after the lock.
    #[must_use]
    pub(super) fn wait(
        &mut self,
        ticket: Ticket,
        waker: &Waker,
        deadline: Option<Instant>,
    ) -> Option<Waker> {
        let waker = waker.clone();
        let waiting = &mut self.queue().waiting;
        let known = waiting.insert(ticket.0, Waiting { waker, deadline });
        known.map(|waiting| waiting.waker)
    }

    /// Sets until when a place is waited for.
    pub(super) fn set_deadline(&mut self, ticket: Ticket, deadline: Option<Instant>) {
        let queue = self.0.as_mut();
        if let Some(waiting) = queue.and_then(|queue| queue.waiting.get_mut(&ticket.0)) {
            waiting.deadline = deadline;
        }
    }

    /// Wakes those whose time is over; they leave by themselves.
    pub(super) fn expire(
        &mut self,
        mut is_over: impl FnMut(Instant) -> bool,
        wake: &mut Vec<Waker>,
    ) {
        let Some(queue) = &mut self.0 else {
            return;
        };
        queue.waiting.retain(|_, waiting| {
            let stays = !waiting.deadline.is_some_and(&mut is_over);
            if !stays {
                wake.push(std::mem::replace(&mut waiting.waker, Waker::noop().clone()));
            }
            stays
        });
    }

    /// Waits no longer. Returns the waker that was there, to be dropped after the lock.
    #[must_use]
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        let waiting = self.0.as_mut()?.waiting.remove(&ticket.0)?;
        Some(waiting.waker)
    }

    /// Notes that a call is queued, or is not any more.
    #[inline]
    pub(super) fn note(&mut self, was_queued: bool, is_queued: bool) {
        if was_queued != is_queued {
            let queued = &mut self.queue().queued;
            *queued = *queued + usize::from(is_queued) - usize::from(was_queued);
        }
    }

    /// Lets everybody go ahead who waits now. What they write together may exceed the bound by what
    /// their commands take in memory anyway; letting only some go ahead could wait for ever on one
    /// whose future nobody polls.
    pub(super) fn grant(&mut self, wake: &mut Vec<Waker>) {
        let Some(queue) = &mut self.0 else {
            return;
        };
        if !queue.waiting.is_empty() {
            queue.granted = queue.next;
            let waiting = std::mem::take(&mut queue.waiting).into_values();
            wake.extend(waiting.map(|it| it.waker));
        }
    }

    /// Ends the wait of everybody who waits now, since TLS was refused: what they have to say was not
    /// meant for plain text.
    pub(super) fn refuse(&mut self, wake: &mut Vec<Waker>) {
        if let Some(queue) = &mut self.0 {
            queue.refused = queue.next;
        }
        self.grant(wake);
    }

    fn queue(&mut self) -> &mut Queue {
        self.0.get_or_insert_default()
    }
}
