use alloc::collections::BTreeMap;

/// File descriptors beside the stream, by their ordinals.
///
/// Each direction counts its descriptors from 0; a box names one by its ordinal in decimal. A
/// descriptor may come before its box, and descriptors may be claimed in any order, each once.
/// Twisted's `_DescriptorExchanger`.
#[derive(Debug)]
pub struct Descriptors<D> {
    sent: u64,
    received: u64,
    unclaimed: BTreeMap<u64, D>,
}

impl<D> Descriptors<D> {
    /// No descriptors yet.
    pub const fn new() -> Self {
        Self {
            sent: 0,
            received: 0,
            unclaimed: BTreeMap::new(),
        }
    }

    /// The ordinal of the next descriptor that is sent.
    pub fn sent(&mut self) -> u64 {
        let ordinal = self.sent;
        self.sent += 1;
        ordinal
    }

    /// Counts the last `count` descriptors as not sent after all, because their box was not.
    pub fn take_back(&mut self, count: u64) {
        self.sent = self.sent.saturating_sub(count);
    }

    /// Keeps a descriptor that was received until a box claims it.
    pub fn received(&mut self, descriptor: D) {
        self.unclaimed.insert(self.received, descriptor);
        self.received += 1;
    }

    /// Takes the descriptor with this ordinal, if it has come and was not claimed yet.
    pub fn claim(&mut self, ordinal: u64) -> Option<D> {
        self.unclaimed.remove(&ordinal)
    }

    /// How many descriptors have come that no box has claimed. Each holds an open file: bound it.
    pub fn unclaimed(&self) -> usize {
        self.unclaimed.len()
    }

    /// Takes those with lower ordinals than this that no box has claimed, when none will any more.
    pub fn abandon_before(&mut self, ordinal: u64) -> impl Iterator<Item = D> + use<D> {
        let kept = self.unclaimed.split_off(&ordinal);
        core::mem::replace(&mut self.unclaimed, kept).into_values()
    }
}

impl<D> Default for Descriptors<D> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Descriptors;

    #[test]
    fn ordinals_count_per_direction_and_are_claimed_once() {
        let mut descriptors = Descriptors::new();
        assert_eq!([descriptors.sent(), descriptors.sent()], [0, 1]);
        descriptors.received('a');
        descriptors.received('b');
        assert_eq!(descriptors.claim(1), Some('b'));
        assert_eq!(descriptors.claim(1), None);
        assert_eq!(descriptors.claim(0), Some('a'));
        assert_eq!(descriptors.claim(2), None);
        assert_eq!(descriptors.unclaimed(), 0);
    }

    #[test]
    fn ordinals_of_a_box_that_was_not_sent_are_used_again() {
        let mut descriptors = Descriptors::<()>::new();
        assert_eq!([0, 1, 2].map(|_| descriptors.sent()), [0, 1, 2]);
        descriptors.take_back(2);
        assert_eq!(descriptors.sent(), 1);
    }

    #[test]
    fn what_nobody_claims_can_be_taken() {
        let mut descriptors = Descriptors::new();
        for descriptor in ['a', 'b', 'c', 'd'] {
            descriptors.received(descriptor);
        }
        assert_eq!(descriptors.claim(1), Some('b'));
        assert!(descriptors.abandon_before(3).eq(['a', 'c']));
        assert_eq!(descriptors.claim(0), None);
        assert_eq!(descriptors.claim(3), Some('d'));
    }
}
