use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use amp_rpc_core::conversation::{CloseReason, Descriptors};

use super::OwnedFd;
use super::sending::Sending;

/// How many descriptors may have come that no box has claimed yet, by default. Twisted sends those of
/// all boxes that are queued with the first bytes, so that a burst of calls brings many at once, and a
/// single message can bring 253. A fourth of the files that a process may usually have open.
pub(crate) const MAX_UNCLAIMED: usize = 256;

/// The descriptors of one connection: shared by the stream that moves them and by the boxes that
/// send and claim them.
#[derive(Debug)]
pub(crate) struct Exchange {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) ordinals: Descriptors<OwnedFd>,
    /// To be sent, in the order of their ordinals.
    pub(super) queue: VecDeque<OwnedFd>,
    /// The ordinal of the first in the queue.
    first: u64,
    /// Those with lower ordinals may be sent: the next byte may be their box's first.
    due: u64,
    max_unclaimed: usize,
    /// Answers that wait for their callers and may claim descriptors.
    readers: usize,
    /// One behind the highest ordinal that was claimed.
    claimed: u64,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Open,
    /// No box will claim what comes.
    Ended,
    /// The stream is gone.
    Closed,
}

impl Exchange {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                ordinals: Descriptors::new(),
                queue: VecDeque::new(),
                first: 0,
                due: 0,
                max_unclaimed: MAX_UNCLAIMED,
                readers: 0,
                claimed: 0,
                stage: Stage::Open,
            }),
        }
    }

    /// Sets how many descriptors may have come that no box has claimed yet.
    pub(crate) fn set_max_unclaimed(&self, descriptors: usize) {
        self.lock().max_unclaimed = descriptors;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a box with descriptors. No other box can send any until this one is written or given
    /// up, so that ordinals can be taken back.
    pub(crate) fn send(&self) -> Sending<'_> {
        Sending::new(self.lock())
    }

    /// Lets the descriptors before this ordinal go: the next byte may be their box's first.
    pub(crate) fn release(&self, before: u64) {
        let mut inner = self.lock();
        inner.due = inner.due.max(before);
    }

    /// Sends the next descriptor that is due through `send`, if there is one. It is closed when it is
    /// sent, and stays where it is when that fails.
    pub(super) fn send_next<E>(
        &self,
        send: impl FnOnce(&OwnedFd) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        let mut inner = self.lock();
        if inner.first >= inner.due {
            return None;
        }
        let sent = send(inner.queue.front()?);
        if sent.is_ok() {
            // Closing it takes no time: the message has the same file open.
            inner.queue.pop_front();
            inner.first += 1;
        }
        Some(sent)
    }

    /// Whether a descriptor is due.
    pub(super) fn is_due(&self) -> bool {
        let inner = self.lock();
        inner.first < inner.due && !inner.queue.is_empty()
    }

    /// Keeps descriptors that came until they are claimed.
    ///
    /// # Errors
    ///
    /// When there are too many. What is left of them is closed.
    pub(super) fn received(
        &self,
        descriptors: impl Iterator<Item = OwnedFd>,
    ) -> Result<(), CloseReason> {
        let mut inner = self.lock();
        for descriptor in descriptors {
            if inner.stage != Stage::Open {
                continue;
            }
            // What callers have not looked at yet is in the hands of this side.
            let limit = inner.max_unclaimed.saturating_mul(inner.readers + 1);
            if inner.ordinals.unclaimed() >= limit {
                return Err(CloseReason::TooManyDescriptors { limit });
            }
            inner.ordinals.received(descriptor);
        }
        Ok(())
    }

    /// The end of the connection was noted, so what comes is closed.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().stage != Stage::Open
    }

    /// Takes the descriptor with this ordinal.
    pub(crate) fn claim(&self, ordinal: u64) -> Option<OwnedFd> {
        let mut inner = self.lock();
        let claimed = inner.ordinals.claim(ordinal)?;
        inner.claimed = inner.claimed.max(ordinal.saturating_add(1));
        let stale = inner.tidy();
        drop(inner);
        drop(stale);
        Some(claimed)
    }

    /// Notes that an answer waits for its caller, if it may claim descriptors. They stay until it is
    /// read, even when the connection ends before.
    pub(crate) fn reading(this: &Arc<Self>) -> Option<Reading> {
        let mut inner = this.lock();
        if inner.ordinals.unclaimed() == 0 {
            return None;
        }
        inner.readers += 1;
        drop(inner);
        Some(Reading(Arc::clone(this)))
    }

    /// No more boxes are read: closes what none will claim.
    pub(crate) fn end(&self) {
        self.advance(Stage::Ended);
    }

    /// The stream is gone: closes also what was to be sent.
    pub(super) fn close(&self) {
        self.advance(Stage::Closed);
    }

    fn advance(&self, stage: Stage) {
        let mut inner = self.lock();
        inner.stage = inner.stage.max(stage);
        let unclaimed = inner.tidy();
        let unsent = match stage {
            Stage::Closed => std::mem::take(&mut inner.queue),
            _ => VecDeque::new(),
        };
        drop(inner);
        drop((unclaimed, unsent));
    }
}

impl Inner {
    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// The ordinal that the next descriptor gets.
    pub(super) fn next_ordinal(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    /// Takes what no box will claim. It should be closed without the lock: closing can take time.
    ///
    /// While the connection is open those are left over whose command is not known here, or whose
    /// answer came when nobody waited any more. Boxes claim descriptors nearly in the order in which
    /// they came, so what is far behind is such a one.
    fn tidy(&mut self) -> Vec<OwnedFd> {
        if self.readers > 0 {
            return Vec::new();
        }
        let before = match self.stage {
            Stage::Open => self.claimed.saturating_sub(self.max_unclaimed as u64),
            _ => u64::MAX,
        };
        self.ordinals.abandon_before(before).collect()
    }
}

/// An answer that waits for its caller and may claim descriptors.
#[derive(Debug)]
pub(crate) struct Reading(Arc<Exchange>);

impl Drop for Reading {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.readers -= 1;
        let unclaimed = inner.tidy();
        drop(inner);
        drop(unclaimed);
    }
}
