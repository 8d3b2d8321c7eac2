/// A value of at most twelve bytes, as one number: it is moved in registers. Bytes that are written by ones and read by
/// eights, as copies of an array are, have to wait for each other.
///
/// To copy all its room, and then cut what is too much, takes no call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short(u128);

impl Short {
    pub(crate) const ROOM: usize = 12;

    /// The first bytes of a number, from its highest one on, so many of them. What is behind has to be zeros.
    #[inline]
    pub(crate) fn of_first(text: u128, length: usize) -> Self {
        Self(text | length as u128)
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        usize::from(self.0 as u8)
    }

    /// All the room, of which the first bytes count.
    #[inline]
    pub(crate) fn room(self) -> [u8; Self::ROOM] {
        let mut room = [0; Self::ROOM];
        room.copy_from_slice(&self.0.to_be_bytes()[..Self::ROOM]);
        room
    }
}
