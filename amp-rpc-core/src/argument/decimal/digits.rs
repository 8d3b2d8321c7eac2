//! Decimal digits of any number, small ones without an allocation.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// As many digits as fit beside a discriminant in the size of a `Box<str>` rounded up to words;
/// every 64-bit integer has room.
const INLINE: usize = 22;

/// Digits `0` to `9` as text, without leading zeros. Nothing at all stands for "no digits".
///
/// Up to [`INLINE`] digits are always stored in place and unused bytes are zero, so that derived
/// equality compares the digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Digits {
    Inline { len: u8, bytes: [u8; INLINE] },
    Heap(Box<str>),
}

impl Digits {
    pub(super) const EMPTY: Self = Self::Inline {
        len: 0,
        bytes: [0; INLINE],
    };

    /// Leaves out leading zeros. `digits` are ASCII digits; the iterator is run twice.
    pub(super) fn collect(digits: impl Iterator<Item = u8> + Clone) -> Self {
        let digits = digits.skip_while(|digit| *digit == b'0');
        let len = digits.clone().count();
        if len > INLINE {
            let mut text = String::with_capacity(len);
            text.extend(digits.map(char::from));
            return Self::Heap(text.into_boxed_str());
        }
        let mut bytes = [0; INLINE];
        for (byte, digit) in bytes.iter_mut().zip(digits) {
            *byte = digit;
        }
        Self::Inline {
            len: len as u8,
            bytes,
        }
    }

    /// As [`collect`](Self::collect), but zero keeps one digit.
    pub(super) fn collect_number(digits: impl Iterator<Item = u8> + Clone) -> Self {
        let digits = Self::collect(digits);
        if digits != Self::EMPTY {
            return digits;
        }
        let mut bytes = [0; INLINE];
        bytes[0] = b'0';
        Self::Inline { len: 1, bytes }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            // Only `collect` fills the bytes, with digits.
            Self::Inline { len, bytes } => core::str::from_utf8(&bytes[..usize::from(*len)])
                .expect("digits are ASCII, and there are as many as were counted"),
            Self::Heap(digits) => digits,
        }
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
