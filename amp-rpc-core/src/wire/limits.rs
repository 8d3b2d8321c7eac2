use super::MAX_VALUE;

/// How much of a peer's data one box may hold. Twisted has no such limits.
///
/// A box is kept in memory until it is complete, so without a limit a peer that never ends its
/// box fills the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one box on the wire, lengths and terminator included. Default: 16 MiB.
    pub box_bytes: usize,
    /// Pairs in one box. Default: 65,536. Small pairs cost many times their size on the wire once
    /// they are in a map, so the bytes alone do not bound the memory.
    pub box_pairs: usize,
    /// Bytes of one value that is sent. Default, and the most that the framing can express: 65,535.
    pub value_bytes: usize,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        box_bytes: 16 * 1024 * 1024,
        box_pairs: 65_536,
        value_bytes: MAX_VALUE,
    };

    /// The same with another limit on the bytes of a box.
    #[must_use]
    pub const fn box_bytes(mut self, bytes: usize) -> Self {
        self.box_bytes = bytes;
        self
    }

    /// The same with another limit on the pairs of a box.
    #[must_use]
    pub const fn box_pairs(mut self, pairs: usize) -> Self {
        self.box_pairs = pairs;
        self
    }

    /// The same with another limit on the values that are sent; more than 65,535 counts as 65,535.
    #[must_use]
    pub const fn value_bytes(mut self, bytes: usize) -> Self {
        self.value_bytes = if bytes < MAX_VALUE { bytes } else { MAX_VALUE };
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
