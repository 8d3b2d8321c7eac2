use core::fmt;

use bytes::Bytes;

use super::decode::Frame;
use super::{BoxView, CommandPair, Key, Prefix, RawValue, SHARED_FROM, protocol};

/// The front of a buffer, read as the box that is expected there.
///
/// Nearly every box has just the keys that its receiver expects, in ascending order. To compare what is there with them finds
/// the values, the end of the box, and whether it is well-formed, in one walk. Whatever is otherwise makes a step return `None`: a
/// key that is missing, repeated or not expected, a box that is not complete or over the limits, a value of [`SHARED_FROM`] bytes
/// or more that lies in no chunk of which it could be a slice. Then the [`Decoder`](super::Decoder) has to look at the same bytes,
/// from their beginning, which says what they are.
///
/// Made by [`Decoder::front`](super::Decoder::front).
///
/// ```
/// use amp_rpc_core::wire::{Decoder, Key};
///
/// let decoder = Decoder::default();
/// let mut front = decoder.front(b"\0\x01a\0\x0213\0\0rest").expect("at the beginning of a box");
/// let value = front.value(Key::from_prefixed(b"\0\x01a")).expect("as expected");
/// assert_eq!(value.as_bytes(), b"13");
/// let frame = front.end().expect("no other key");
/// assert_eq!(frame.len(), 9);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Front<'a> {
    input: &'a [u8],
    rest: &'a [u8],
    pairs: usize,
    /// How many of the keys begin as the protocol's own do.
    reserved: usize,
    most_pairs: usize,
    chunk: Option<&'a Bytes>,
}

impl<'a> Front<'a> {
    /// `input` must begin at the beginning of a box, and end where a box at the limit does.
    #[inline]
    pub(super) fn new(input: &'a [u8], most_pairs: usize) -> Self {
        Self {
            input,
            rest: input,
            pairs: 0,
            reserved: 0,
            most_pairs,
            chunk: None,
        }
    }

    /// The same for a box that a decoder has found already, so that it is within the limits.
    #[inline]
    pub(crate) fn found(bytes: &'a [u8]) -> Self {
        Self::new(bytes, usize::MAX)
    }

    /// The same front, whose large values become slices of `chunk`, as [`BoxView::within`] has it.
    #[must_use]
    pub fn within(self, chunk: &'a Bytes) -> Self {
        let view = BoxView::new(self.input, 0, 0).within(chunk);
        Self {
            chunk: view.chunk(),
            ..self
        }
    }

    /// The same, whose values become slices of what `value` lies in.
    #[inline]
    pub(crate) fn beside(self, value: RawValue<'a>) -> Self {
        Self {
            chunk: value.chunk(),
            ..self
        }
    }

    /// The value of the next pair, if it has this key.
    // Inlined, so that the key is a constant to compare with.
    #[inline(always)]
    pub fn value(&mut self, key: Key<'_>) -> Option<RawValue<'a>> {
        let (head, behind) = self.rest.split_at_checked(key.prefixed().len() + 2)?;
        let (name, length) = head.split_last_chunk()?;
        if name != key.prefixed() {
            return None;
        }
        let (value, rest) = behind.split_at_checked(self.length(*length)?)?;
        self.passed(key, rest);
        Some(RawValue::within(value, self.chunk))
    }

    /// The next pair, if it has this key, its value less than 256 bytes, and at least so many others are behind it: to ask for
    /// all of them at once takes less. Says how many bytes the value has.
    #[inline(always)]
    fn short<const N: usize>(
        &mut self,
        prefix: &Prefix<N>,
        behind: usize,
    ) -> Option<(&'a [u8], usize)> {
        let head = self.rest.first_chunk::<N>()?;
        if head[..N - 1] != prefix.as_bytes()[..N - 1] {
            return None;
        }
        let length = usize::from(head[N - 1]);
        if self.rest.len() < N + length + behind {
            return None;
        }
        let (pair, rest) = self.rest.split_at(N + length);
        self.passed(prefix.key(), rest);
        Some((pair, length))
    }

    /// The value of the next pair, if it has this key and less than 256 bytes.
    #[inline(always)]
    pub(crate) fn short_value<const N: usize>(&mut self, prefix: &Prefix<N>) -> Option<&'a [u8]> {
        self.short(prefix, 0)?.0.get(N..)
    }

    /// The value of the next pair, if it has this key, to be read later. A short one has less than 256 bytes, and at least
    /// `behind` bytes have to follow it; an optional one may be left out.
    #[doc(hidden)]
    #[inline(always)]
    pub fn find<const N: usize>(
        &mut self,
        prefix: &Prefix<N>,
        behind: usize,
        is_short: bool,
        is_optional: bool,
    ) -> Option<Found<'a>> {
        if is_optional && !self.rest.starts_with(prefix.key().prefixed()) {
            return Some(Found::NONE);
        }
        let (bytes, length, chunk) = if is_short {
            let (bytes, length) = self.short(prefix, behind)?;
            (bytes, length, None)
        } else {
            let value = self.value(prefix.key())?;
            (value.as_bytes(), value.len(), self.chunk)
        };
        Some(Found {
            bytes,
            length,
            chunk,
        })
    }

    /// Goes beyond the next pair, if it is the one that names this command.
    #[inline(always)]
    pub(crate) fn skip(&mut self, command: &CommandPair) -> Option<()> {
        let rest = command.behind(self.rest)?;
        self.passed(protocol::COMMAND, rest);
        Some(())
    }

    #[inline(always)]
    fn passed(&mut self, key: Key<'_>, rest: &'a [u8]) {
        self.rest = rest;
        self.pairs += 1;
        self.reserved += usize::from(key.prefixed()[2] == b'_');
    }

    /// The length of a value, unless that is to be shared with a buffer of its own that its box does not lie in yet.
    #[inline(always)]
    fn length(&self, length: [u8; 2]) -> Option<usize> {
        let length = usize::from(u16::from_be_bytes(length));
        (length < SHARED_FROM || self.chunk.is_some()).then_some(length)
    }

    /// The values of the next pairs, which must have these keys; those that are optional may be left out.
    ///
    /// Costs a call for each key, which is little beside reading many of them.
    pub fn values<const N: usize>(
        &mut self,
        keys: &[Key<'static>; N],
        optional: &[bool; N],
    ) -> Option<[Option<RawValue<'a>>; N]> {
        let mut values = [None; N];
        for ((key, optional), value) in keys.iter().zip(optional).zip(&mut values) {
            *value = self.value(*key);
            if value.is_none() && !optional {
                return None;
            }
        }
        Some(values)
    }

    /// The whole box, whichever other pairs it has, if none of their keys begins as the protocol's own do.
    #[inline]
    pub fn others(mut self) -> Option<Frame<'a>> {
        while let [0, key @ 1..=u8::MAX, behind @ ..] = self.rest {
            if behind.first() == Some(&b'_') {
                return None;
            }
            let key = usize::from(*key);
            let (length, behind) = behind.get(key..)?.split_first_chunk()?;
            self.rest = behind.get(self.length(*length)?..)?;
            self.pairs += 1;
        }
        self.end()
    }

    /// The whole box, if it ends here.
    #[inline(always)]
    pub fn end(self) -> Option<Frame<'a>> {
        if self.pairs > self.most_pairs {
            return None;
        }
        // By itself: together, the two take more instructions.
        if !self.rest.starts_with(&[0, 0]) {
            return None;
        }
        let end = self.input.len() - self.rest.len();
        let view = BoxView::new(&self.input[..end], self.pairs, self.reserved);
        Some(Frame::new(view.in_chunk(self.chunk), end + 2))
    }
}

/// A value that was found at the front of a buffer, to be read later.
///
/// To find all values of a box before the first is read keeps in registers what either needs.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// What ends with the value. Of short ones, it begins with the key.
    bytes: &'a [u8],
    length: usize,
    chunk: Option<&'a Bytes>,
}

impl<'a> Found<'a> {
    /// What stands for the value of a field that was left out.
    pub(crate) const NONE: Self = Self {
        bytes: &[],
        length: usize::MAX,
        chunk: None,
    };

    #[inline(always)]
    pub(crate) fn is_some(self) -> bool {
        self.length != usize::MAX
    }

    /// Bytes that end with the value, and how many of them it has.
    #[inline(always)]
    pub(crate) fn last(self) -> (&'a [u8], usize) {
        (self.bytes, self.length)
    }

    /// The value.
    #[inline(always)]
    pub(crate) fn value(self) -> Option<RawValue<'a>> {
        let start = self.bytes.len().checked_sub(self.length)?;
        Some(RawValue::within(self.bytes.get(start..)?, self.chunk))
    }
}

impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").finish_non_exhaustive()
    }
}
