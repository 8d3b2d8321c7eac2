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
