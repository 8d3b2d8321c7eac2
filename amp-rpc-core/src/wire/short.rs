/// A value of at most twelve bytes. To copy all its room, and then cut what is too much, takes no call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short {
    bytes: [u8; Self::ROOM],
    length: u8,
}

impl Short {
    pub(crate) const ROOM: usize = 12;

    /// The first bytes of some, so many of them.
    #[inline]
    pub(crate) fn of_first(bytes: [u8; Self::ROOM], length: usize) -> Self {
        Self {
            bytes,
            length: length.min(Self::ROOM) as u8,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.length)
    }

    /// All the room, of which the first bytes count.
    #[inline]
    pub(crate) fn room(&self) -> [u8; Self::ROOM] {
        self.bytes
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len().min(Self::ROOM)]
    }
}
