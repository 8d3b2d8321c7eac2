use alloc::boxed::Box;
use core::fmt;

use crate::wire::Short;

/// The tag of the peer's ask, kept until the answer is sent. Any bytes.
#[derive(Clone)]
pub struct Tag(Storage);

/// Tags of known implementations are short; those are kept in place, without an allocation.
const INLINE: usize = 22;

#[derive(Clone)]
enum Storage {
    Inline { len: u8, bytes: [u8; INLINE] },
    Heap(Box<[u8]>),
}

impl Tag {
    /// Copies a tag.
    pub fn new(tag: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..tag.len()) {
            Some(place) => {
                place.copy_from_slice(tag);
                let len = tag.len() as u8;
                Self(Storage::Inline { len, bytes })
            }
            None => Self(Storage::Heap(tag.into())),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Storage::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Storage::Heap(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::Excerpt(self.as_bytes()).fmt(f)
    }
}

/// A call of this side: a slot in the table of calls, and how often the slot was used before.
///
/// Its tag on the wire is the generation and the slot in one hexadecimal number, so no tag is used
/// twice on a connection, and an answer that comes late is never taken for another call's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    pub(super) slot: u16,
    pub(super) generation: u32,
}

/// The longest tag in bytes.
const TAG_BYTES: usize = Short::ROOM;

/// A tag of this side's as text.
#[derive(Debug, Clone, Copy)]
pub struct OwnTag {
    digits: [u8; Short::ROOM],
    count: usize,
}

/// The eight hexadecimal digits of a number as text, the first one in the highest byte, all of them at once.
#[inline]
fn eight_digits(number: u32) -> u64 {
    // One digit in each byte.
    let mut digits = u64::from(number);
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff;
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff;
    digits = (digits | digits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // 1 where it is a letter.
    let letters = (digits + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    digits + ZEROS + letters * u64::from(b'a' - b'0' - 10)
}

impl OwnTag {
    /// The digits.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.count]
    }
}

impl CallId {
    /// The tag as it stands on the wire: lower-case hexadecimal without leading zeros. Slots count
    /// from 1 there, as Twisted's tags do.
    pub fn tag(self) -> OwnTag {
        let short = self.short_tag();
        OwnTag {
            digits: short.room(),
            count: short.len(),
        }
    }

    #[inline]
    pub(super) fn short_tag(self) -> Short {
        let number = u64::from(self.generation) << 16 | u64::from(self.slot);
        // Slots count from 1, so there is at least one digit.
        let count = (u64::BITS - number.leading_zeros()).div_ceil(4);
        let low = eight_digits(number as u32);
        let text = if count <= 8 {
            u128::from(low << (64 - 8 * count)) << 64
        } else {
            let high = eight_digits((number >> 32) as u32);
            (u128::from(high) << 64 | u128::from(low)) << (128 - 8 * count)
        };
        Short::of_first(text, count as usize)
    }

    /// Reads a tag that a peer gave back; `None` where it is none that [`tag`](Self::tag) writes.
    #[inline]
    pub fn parse(tag: &[u8]) -> Option<Self> {
        if tag.len() > TAG_BYTES || *tag.first()? == b'0' {
            return None;
        }
        let (mut number, mut all) = (0_u64, 0);
        for digit in tag {
            let value = DIGITS[usize::from(*digit)];
            all |= value;
            number = number << 4 | u64::from(value);
        }
        (all < 16).then_some(Self {
            slot: number as u16,
            generation: (number >> 16) as u32,
        })
    }
}

/// What each byte is as a hexadecimal digit in lower case; 255 where it is none.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// Eight times the digit zero.
const ZEROS: u64 = 0x3030_3030_3030_3030;

#[cfg(test)]
mod tests {
    use super::{CallId, Tag};

    fn id(generation: u32, slot: u16) -> CallId {
        CallId { slot, generation }
    }

    #[test]
    fn first_tags_are_those_of_twisted() {
        assert_eq!(id(0, 1).tag().as_bytes(), b"1");
        assert_eq!(id(0, 17).tag().as_bytes(), b"11");
    }

    #[test]
    fn tags_read_back() {
        for id in [id(0, 1), id(1, 0xffff), id(u32::MAX, 0xffff), id(7, 2)] {
            assert_eq!(CallId::parse(id.tag().as_bytes()), Some(id));
        }
    }

    #[test]
    fn other_spellings_are_no_tags() {
        for tag in ["", "0", "01", "A", "+1", "1 ", "1000000000000"] {
            assert_eq!(CallId::parse(tag.as_bytes()), None, "{tag:?}");
        }
    }

    #[test]
    fn a_tag_of_the_peer_is_kept_as_it_is() {
        for length in [0, 1, 22, 23, 65_535] {
            let tag: alloc::vec::Vec<u8> = (0..length).map(|i| i as u8).collect();
            assert_eq!(Tag::new(&tag).as_bytes(), tag);
        }
    }
}
