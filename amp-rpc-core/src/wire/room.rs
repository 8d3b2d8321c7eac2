use super::Prefix;

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

    /// The same, if room can be made for that at once where no value may be longer than the limit.
    #[inline(always)]
    pub(super) fn within(self, value_bytes: usize) -> Option<usize> {
        (self.total <= Self::MOST && self.widest <= value_bytes).then_some(self.total)
    }
}

/// Room for pairs at the end of a buffer, made for all of them at once, so that nothing has to be asked for each. They are
/// written where they will lie.
#[derive(Debug)]
pub struct Room<'a> {
    bytes: &'a mut [u8],
    filled: Filled,
}

/// How far a [`Room`] is filled.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    /// Where the last pair begins in it.
    pub(super) last: usize,
    pub(super) end: usize,
}

impl<'a> Room<'a> {
    #[inline(always)]
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        let filled = Filled { last: 0, end: 0 };
        Self { bytes, filled }
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
        let at = self.filled.end;
        let place = &mut self.bytes[at..][..N + most];
        let length = write(&mut place[N..]);
        prefix.put(place, length);
        self.filled = Filled {
            last: at,
            end: at + N + length,
        };
    }

    /// How far it is filled.
    #[inline(always)]
    pub fn filled(self) -> Filled {
        self.filled
    }
}
