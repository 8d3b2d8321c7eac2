use std::sync::MutexGuard;

use super::OwnedFd;
use super::exchange::Inner;

/// The descriptors of a box that is being encoded. Dropping it takes them back.
#[derive(Debug)]
pub(crate) struct Sending<'a> {
    inner: MutexGuard<'a, Inner>,
    count: usize,
}

impl<'a> Sending<'a> {
    pub(super) fn new(inner: MutexGuard<'a, Inner>) -> Self {
        Self { inner, count: 0 }
    }

    /// Adds one and returns its ordinal, or gives it back when the stream is gone.
    pub(crate) fn push(&mut self, descriptor: OwnedFd) -> Result<u64, OwnedFd> {
        if self.inner.is_closed() {
            return Err(descriptor);
        }
        self.inner.queue.push_back(descriptor);
        self.count += 1;
        Ok(self.inner.ordinals.sent())
    }

    /// The descriptors of the same connection, while nobody else can have them.
    pub(crate) fn claim(&mut self, ordinal: u64) -> Option<OwnedFd> {
        self.inner.ordinals.claim(ordinal)
    }

    /// The box is written. Returns the ordinal behind its last descriptor.
    pub(crate) fn finish(mut self) -> u64 {
        self.count = 0;
        self.inner.next_ordinal()
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if self.count > 0 {
            let kept = self.inner.queue.len().saturating_sub(self.count);
            self.inner.ordinals.take_back(self.count as u64);
            // Closing these duplicates takes no time: the fields have the same files open.
            self.inner.queue.truncate(kept);
        }
    }
}
