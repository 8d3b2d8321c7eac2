use super::{Prefix, ProtocolPairs};

/// How much room some pairs take at most.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    total: usize,
    widest: usize,
}

impl Need {
    /// For more than that no room is made at once: it is filled with zeros first.
    const MOST: usize = 16 * 1024;

    /// For no pairs.
    pub const NONE: Self = Self {
        total: 0,
        widest: 0,
    };

    /// The same with another pair, whose key takes so many bytes with both lengths, and whose value that many at most.
    #[inline(always)]
    #[must_use]
    pub fn and(self, prefix: usize, value: usize) -> Self {
        Self {
            total: self.total.saturating_add(prefix).saturating_add(value),
            widest: self.widest.max(value),
        }
    }

    /// How many bytes it is.
    #[inline(always)]
    pub(super) fn total(self) -> usize {
        self.total
    }

    /// Whether room may be made for that at once, and no value can be longer than the limit.
    #[inline(always)]
    pub(super) fn fits(self, value_bytes: usize) -> bool {
        self.total <= Self::MOST && self.widest <= value_bytes
    }
}

/// Room for a box at the end of a buffer. Its pairs are written where they will lie.
#[derive(Debug)]
pub struct Room<'a> {
    bytes: &'a mut [u8],
    /// How far it is filled.
    end: usize,
}

impl<'a> Room<'a> {
    #[inline(always)]
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, end: 0 }
    }

    /// Puts the protocol's pairs at its front, for which there is room, whatever they are.
    #[inline(always)]
    pub(super) fn begin(&mut self, protocol: &ProtocolPairs<'_>) {
        let place = self.bytes.first_chunk_mut();
        self.end = protocol.put(place.expect("there is room for them"));
    }

    /// Appends a pair whose value `write` puts at the front of the place that it gets, which has `most` bytes, and says how
    /// many it has.
    #[inline(always)]
    pub(crate) fn put<const N: usize>(
        &mut self,
        prefix: &Prefix<N>,
        most: usize,
        write: impl FnOnce(&mut [u8]) -> usize,
    ) {
        let place = &mut self.bytes[self.end..][..N + most];
        let length = write(&mut place[N..]);
        prefix.put(place, length);
        self.end += N + length;
    }

    /// Ends the box, and says where.
    #[inline(always)]
    pub(super) fn end(self) -> usize {
        self.bytes[self.end..][..2].fill(0);
        self.end + 2
    }
}
