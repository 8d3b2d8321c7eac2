use core::fmt;
use core::ops::Deref;

use bytes::Bytes;

use super::{Key, SHARED_FROM};
use crate::AmpBox;

/// A received box, borrowed from the buffer it was read into.
///
/// Nothing is copied and no map is built: looking a key up walks over the pairs. Where a key
/// occurs more than once, the last occurrence counts, as in Twisted.
#[derive(Clone, Copy)]
pub struct BoxView<'a> {
    /// Well-formed pairs without the terminator: only the decoder makes a view.
    pairs: &'a [u8],
    count: usize,
    /// How many of the keys begin as the protocol's own do.
    reserved: usize,
    chunk: Option<&'a Bytes>,
}

/// What the decoder has found out of a box, so that a copy of its bytes need not be decoded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline {
    pairs: usize,
    reserved: usize,
}

impl Outline {
    /// The same in two bytes; `None` for a box of more than 255 pairs.
    #[inline]
    pub fn pack(self) -> Option<[u8; 2]> {
        let pack = |count: usize| u8::try_from(count).ok();
        Some([pack(self.pairs)?, pack(self.reserved)?])
    }

    /// What [`pack`](Self::pack) made of it.
    #[inline]
    pub fn unpack([pairs, reserved]: [u8; 2]) -> Self {
        Self {
            pairs: pairs.into(),
            reserved: reserved.into(),
        }
    }

    /// The view of the same box in a copy of its bytes, terminator included.
    ///
    /// # Panics
    ///
    /// This or looking at the view may panic when the bytes are others.
    #[inline]
    pub fn view(self, frame: &[u8]) -> BoxView<'_> {
        let pairs = &frame[..frame.len() - 2];
        BoxView::new(pairs, self.pairs, self.reserved)
    }
}

impl<'a> BoxView<'a> {
    /// `pairs` must be whole pairs; `count` how many they are, and `reserved` how many of their keys begin with an
    /// underscore.
    #[inline]
    pub(crate) fn new(pairs: &'a [u8], count: usize, reserved: usize) -> Self {
        Self {
            pairs,
            count,
            reserved,
            chunk: None,
        }
    }

    /// The same view, whose large values become slices of `chunk` instead of copies when they are
    /// taken as [`Bytes`]. The view must lie within the chunk; where it does not, values are copied.
    #[must_use]
    pub fn within(mut self, chunk: &'a Bytes) -> Self {
        let whole = chunk.as_ptr_range();
        let own = self.pairs.as_ptr_range();
        if whole.start <= own.start && own.end <= whole.end {
            self.chunk = Some(chunk);
        }
        self
    }

    /// The same view in that chunk, within which it lies.
    #[inline]
    pub(super) fn in_chunk(self, chunk: Option<&'a Bytes>) -> Self {
        Self { chunk, ..self }
    }

    #[inline]
    pub(super) fn chunk(&self) -> Option<&'a Bytes> {
        self.chunk
    }

    /// What was found out of this box.
    #[inline]
    pub fn outline(&self) -> Outline {
        Outline {
            pairs: self.count,
            reserved: self.reserved,
        }
    }

    /// The number of pairs, repeated keys included.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the box has no pairs.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values of the first keys, if these are they, and no other key begins as the protocol's own do.
    #[inline]
    pub(crate) fn begins_with<const N: usize>(
        &self,
        keys: [&[u8]; N],
    ) -> Option<[RawValue<'a>; N]> {
        if self.reserved != N {
            return None;
        }
        let mut rest = self.pairs;
        let mut values = [RawValue::new(&[]); N];
        for (key, place) in keys.into_iter().zip(&mut values) {
            let (value, behind) = split_value(rest.strip_prefix(key)?);
            *place = RawValue {
                bytes: value,
                chunk: self.chunk,
            };
            rest = behind;
        }
        Some(values)
    }

    /// The pairs in the order in which they came.
    #[inline]
    pub fn iter(&self) -> Pairs<'a> {
        Pairs {
            rest: self.pairs,
            chunk: self.chunk,
        }
    }

    /// The value of a key; the last one where the key is repeated.
    pub fn get(&self, key: &[u8]) -> Option<RawValue<'a>> {
        let mut found = None;
        for (name, value) in self.iter() {
            if name == key {
                found = Some(value);
            }
        }
        found
    }

    /// The values of several keys, which must be in ascending order.
    ///
    /// Costs one walk over the box where its keys are in order too, as Twisted and this crate send
    /// them, and a binary search a pair otherwise.
    // Inlined, so that the keys are constants to compare with.
    #[inline(always)]
    pub fn lookup<const N: usize>(&self, keys: &[Key<'static>; N]) -> [Option<RawValue<'a>>; N] {
        match self.lookup_in_order(keys) {
            Some(found) => found,
            None => self.lookup_anywhere(keys),
        }
    }

    /// The same where the box has the protocol's keys first, then these in their order, and no others.
    #[inline(always)]
    fn lookup_in_order<const N: usize>(
        &self,
        keys: &[Key<'static>; N],
    ) -> Option<[Option<RawValue<'a>>; N]> {
        if keys.iter().any(|key| key.prefixed()[2] == b'_') {
            return None;
        }
        let mut rest = self.pairs;
        for _ in 0..self.reserved {
            if rest[2] != b'_' {
                return None;
            }
            rest = split_pair(rest).2;
        }
        let found = keys.map(|key| {
            let (bytes, behind) = split_value(rest.strip_prefix(key.prefixed())?);
            rest = behind;
            Some(RawValue {
                bytes,
                chunk: self.chunk,
            })
        });
        rest.is_empty().then_some(found)
    }

    fn lookup_anywhere<const N: usize>(
        &self,
        keys: &[Key<'static>; N],
    ) -> [Option<RawValue<'a>>; N] {
        let mut found = [None; N];
        let mut next = 0;
        let mut rest = self.pairs;
        while !rest.is_empty() {
            let (prefixed, value, behind) = split_pair(rest);
            rest = behind;
            let index = if next < N && prefixed == keys[next].prefixed() {
                next
            } else if next == 0 && N > 0 && prefixed[2] < keys[0].prefixed()[2] {
                // Before the first of them, as the keys of the protocol mostly are.
                continue;
            } else {
                match keys.binary_search_by(|key| key.name().cmp(&prefixed[2..])) {
                    Ok(index) => index,
                    Err(_) => continue,
                }
            };
            found[index] = Some(RawValue {
                bytes: value,
                chunk: self.chunk,
            });
            next = index + 1;
        }
        found
    }

    /// A box of its own that needs the buffer no longer.
    pub fn to_owned(&self) -> AmpBox {
        self.iter()
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .collect()
    }

    /// The pairs as they stand on the wire, without the terminator.
    pub fn as_wire(&self) -> &'a [u8] {
        self.pairs
    }
}

/// Shows keys and the lengths of values: what a peer sends may be secret.
impl fmt::Debug for BoxView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::amp_box::fmt_pairs(self.iter().map(|(key, value)| (key, value.len())), f)
    }
}

/// Iterator over the pairs of a [`BoxView`].
#[derive(Clone)]
pub struct Pairs<'a> {
    rest: &'a [u8],
    chunk: Option<&'a Bytes>,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], RawValue<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (prefixed, bytes, rest) = split_pair(self.rest);
        self.rest = rest;
        let value = RawValue {
            bytes,
            chunk: self.chunk,
        };
        Some((&prefixed[2..], value))
    }
}

impl fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairs").finish_non_exhaustive()
    }
}

/// The first pair of well-formed pairs: the key with its length, the value without, and the rest.
#[inline]
fn split_pair(pairs: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (prefixed, rest) = pairs.split_at(2 + usize::from(pairs[1]));
    let (value, rest) = split_value(rest);
    (prefixed, value, rest)
}

/// A value without its length, and the rest.
#[inline]
fn split_value(rest: &[u8]) -> (&[u8], &[u8]) {
    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    rest[2..].split_at(length)
}

/// The bytes of one value of a received box.
#[derive(Clone, Copy)]
pub struct RawValue<'a> {
    bytes: &'a [u8],
    chunk: Option<&'a Bytes>,
}

impl<'a> RawValue<'a> {
    /// A value that lies in no received buffer.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, chunk: None }
    }

    #[inline]
    pub(super) fn within(bytes: &'a [u8], chunk: Option<&'a Bytes>) -> Self {
        Self { bytes, chunk }
    }

    #[inline]
    pub(super) fn chunk(self) -> Option<&'a Bytes> {
        self.chunk
    }

    /// A part of the same buffer, such as one element of a list.
    pub(crate) fn part(self, bytes: &'a [u8]) -> Self {
        Self { bytes, ..self }
    }

    /// A box within this value, whose values can be slices of the same buffer.
    pub(crate) fn view(self, view: BoxView<'a>) -> BoxView<'a> {
        BoxView {
            chunk: self.chunk,
            ..view
        }
    }

    /// The bytes, for as long as the buffer lives.
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes to keep: from [`SHARED_FROM`] on a slice of the buffer that was read, otherwise a copy.
    pub fn to_bytes(self) -> Bytes {
        match self.chunk {
            Some(chunk) if self.bytes.len() >= SHARED_FROM => chunk.slice_ref(self.bytes),
            _ => Bytes::copy_from_slice(self.bytes),
        }
    }
}

impl Deref for RawValue<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl fmt::Debug for RawValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.bytes.len())
    }
}
