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
}
