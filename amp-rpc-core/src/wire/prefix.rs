use super::{Key, MAX_KEY};

/// What stands in front of a value whose key is known: the key with its length, and two bytes for the length of the value,
/// which are zero here. `N` bytes in all, so that they are copied and compared as constants.
#[derive(Debug, Clone, Copy)]
pub struct Prefix<const N: usize>([u8; N]);

impl<const N: usize> Prefix<N> {
    /// Takes a key behind its 16-bit length, and two zeros behind it.
    ///
    /// # Panics
    ///
    /// When the length does not fit the bytes, or is 0 or over 255, or they do not end with zeros. In a constant, where this
    /// belongs, that is a compile error.
    pub const fn new(bytes: &[u8; N]) -> Self {
        assert!(
            N > 4
                && N <= MAX_KEY + 4
                && bytes[0] == 0
                && bytes[1] as usize == N - 4
                && bytes[N - 2] == 0
                && bytes[N - 1] == 0,
            "not a key with its 16-bit length in front and two zeros behind"
        );
        Self(*bytes)
    }

    /// Puts it at the front of a place that has room for it, for a value of that length.
    ///
    /// Where it will lie, and not in a copy: what is written in parts and then read as a whole makes processors wait.
    #[inline(always)]
    pub(super) fn put(&self, place: &mut [u8], length: usize) {
        place[..N].copy_from_slice(&self.0);
        place[N - 2..N].copy_from_slice(&(length as u16).to_be_bytes());
    }

    /// The key.
    #[inline(always)]
    pub(crate) fn key(&self) -> Key<'_> {
        Key::of_legal(&self.0[..N - 2])
    }

    #[inline(always)]
    pub(super) fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

/// Those of the protocol's keys that stand in nearly every box.
impl Prefix<8> {
    pub(crate) const ASK: &'static Self = &Self::new(b"\0\x04_ask\0\0");
}

impl Prefix<12> {
    pub(crate) const COMMAND: &'static Self = &Self::new(b"\0\x08_command\0\0");
}

impl Prefix<11> {
    pub(crate) const ANSWER: &'static Self = &Self::new(b"\0\x07_answer\0\0");
}
