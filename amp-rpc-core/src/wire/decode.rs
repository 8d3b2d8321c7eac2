use core::fmt;

use thiserror::Error;

use super::{BoxView, Front, Limits, Stranger};
use crate::excerpt::Excerpt;

/// Finds boxes in a growing buffer.
///
/// The buffer belongs to the caller, who appends what was read, asks for the next box, and removes
/// a box's bytes once it is done with it. The decoder looks at each byte once, however the bytes
/// are cut, and never beyond the end of the box that it returns: what follows may belong to
/// another protocol.
///
/// ```
/// use amp_rpc_core::wire::{Decoder, Limits};
///
/// let mut decoder = Decoder::new(Limits::default());
/// assert!(decoder.decode(b"\0\x01a\0\x02")?.is_none()); // not complete yet
/// let frame = decoder.decode(b"\0\x01a\0\x0213\0\0rest")?.expect("complete");
/// assert_eq!(frame.view().get(b"a").as_deref(), Some(&b"13"[..]));
/// assert_eq!(frame.len(), 9);
/// # Ok::<(), amp_rpc_core::wire::FrameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Decoder {
    limits: Limits,
    /// Bytes of whole pairs at the front of the buffer that were seen in earlier calls.
    scanned: usize,
    /// How many pairs these are.
    pairs: usize,
    /// How many of them may be the protocol's own, by the first byte of their keys.
    reserved: usize,
}

/// A complete box at the front of a buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    view: BoxView<'a>,
    len: usize,
}

/// How many bytes a box takes in its buffer, terminator included. It is that of a [`Frame`], so such a box was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxLength(usize);

impl BoxLength {
    /// [`Frame::len`], without the frame.
    #[inline]
    pub fn of(frame: &Frame<'_>) -> Self {
        Self(frame.len)
    }

    /// The number of bytes.
    #[inline]
    pub fn get(self) -> usize {
        self.0
    }
}

impl<'a> Frame<'a> {
    #[inline]
    pub(super) fn new(view: BoxView<'a>, len: usize) -> Self {
        Self { view, len }
    }

    /// The box.
    #[inline]
    pub fn view(&self) -> BoxView<'a> {
        self.view
    }

    /// How many bytes of the buffer it takes, terminator included.
    #[allow(clippy::len_without_is_empty, reason = "a frame is never empty")]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }
}

impl Decoder {
    /// A decoder at the beginning of a box.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            scanned: 0,
            pairs: 0,
            reserved: 0,
        }
    }

    /// The front of the buffer, to be read as the box that is expected there; `None` where a part of that
    /// box was looked at before. The box counts as dealt with once it was read to its end.
    #[inline]
    pub fn front<'a>(&self, input: &'a [u8]) -> Option<Front<'a>> {
        if self.scanned > 0 {
            return None;
        }
        let most = input.len().min(self.limits.box_bytes);
        Some(Front::new(&input[..most], self.limits.box_pairs))
    }

    /// The next box, if the buffer holds all of it.
    ///
    /// As long as this returns `None`, the next call must get the same bytes with more behind them.
    /// After a box, it must get the bytes behind that box.
    ///
    /// # Errors
    ///
    /// When the bytes cannot become a box within the [`Limits`]. The stream cannot be followed any
    /// further: the connection has to be closed. Later calls return the same error.
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        let mut at = self.scanned;
        let mut pairs = self.pairs;
        let mut reserved = self.reserved;
        let mut rest = input.get(at..).unwrap_or_default();
        while let [high, low, behind @ ..] = rest {
            if *high != 0 {
                let length = usize::from(*high) << 8 | usize::from(*low);
                return Err(FrameError::key_too_long(length, rest));
            }
            if *low == 0 {
                let view = BoxView::new(&input[..at], pairs, reserved);
                self.scanned = 0;
                self.pairs = 0;
                self.reserved = 0;
                return Ok(Some(Frame { view, len: at + 2 }));
            }
            // The limits are checked as soon as a length is there, so that nobody has to buffer what
            // it announces.
            if pairs == self.limits.box_pairs {
                return Err(FrameError::TooManyPairs {
                    limit: self.limits.box_pairs,
                });
            }
            let key = usize::from(*low);
            let Some([high, low]) = behind.get(key..key + 2) else {
                self.check_size(at + 4 + key)?;
                break;
            };
            let length = 4 + key + usize::from(u16::from_be_bytes([*high, *low]));
            self.check_size(at + length)?;
            let Some(next) = rest.get(length..) else {
                break;
            };
            reserved += usize::from(behind[0] == b'_');
            rest = next;
            at += length;
            pairs += 1;
        }
        self.scanned = at;
        self.pairs = pairs;
        self.reserved = reserved;
        Ok(None)
    }

    /// That a box whose last pair ends at `end` is within the limit, with the two bytes of its terminator.
    #[inline]
    fn check_size(&self, end: usize) -> Result<(), FrameError> {
        if end + 2 <= self.limits.box_bytes {
            return Ok(());
        }
        Err(FrameError::BoxTooLarge {
            limit: self.limits.box_bytes,
        })
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Limits::DEFAULT)
    }
}

/// Why bytes cannot be a box. The connection they came on is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A key length above 255; Twisted's `TooLong`.
    #[error("key length {length} is over 255{}", Hint(start))]
    KeyTooLong {
        /// The length that was sent.
        length: usize,
        /// The bytes from that length on, padded with zeros, to tell which protocol they belong to.
        start: [u8; 8],
    },
    /// The box is larger than [`Limits::box_bytes`].
    #[error("a box is larger than the limit of {limit} bytes")]
    BoxTooLarge {
        /// The limit.
        limit: usize,
    },
    /// The box has more pairs than [`Limits::box_pairs`].
    #[error("a box has more pairs than the limit of {limit}")]
    TooManyPairs {
        /// The limit.
        limit: usize,
    },
    /// The input ended in the middle of a box. Only [`parse`] reports this.
    #[error("the input ends in the middle of a box, which begins at byte {offset}")]
    Incomplete {
        /// Where the unfinished box begins.
        offset: usize,
    },
}

impl FrameError {
    /// The other protocol that these bytes look like, where they look like one.
    pub fn stranger(&self) -> Option<Stranger> {
        match self {
            Self::KeyTooLong { start, .. } => Stranger::recognize(start),
            _ => None,
        }
    }

    #[cold]
    fn key_too_long(length: usize, input: &[u8]) -> Self {
        let mut start = [0; 8];
        let shown = input.len().min(start.len());
        start[..shown].copy_from_slice(&input[..shown]);
        Self::KeyTooLong { length, start }
    }
}

/// Says which protocol the first bytes look like.
struct Hint<'a>(&'a [u8; 8]);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(protocol) = Stranger::recognize(self.0).map(Stranger::name) else {
            return Ok(());
        };
        write!(f, ": these bytes look like {protocol}, {}", Excerpt(self.0))
    }
}

/// All boxes in `bytes`, for offline use: a capture, a file, a test.
///
/// ```
/// let boxes: Result<Vec<_>, _> = amp_rpc_core::wire::parse(b"\0\x01a\0\x0213\0\0").collect();
/// assert_eq!(boxes?[0].get(b"a").as_deref(), Some(&b"13"[..]));
/// # Ok::<(), amp_rpc_core::wire::FrameError>(())
/// ```
pub fn parse(bytes: &[u8]) -> Frames<'_> {
    Frames {
        decoder: Decoder::default(),
        input: bytes,
        offset: 0,
    }
}

/// Iterator over the boxes in a piece of memory; made by [`parse`]. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    decoder: Decoder,
    input: &'a [u8],
    offset: usize,
}

impl Frames<'_> {
    /// Where in the input the next box begins.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<BoxView<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.input[self.offset..];
        if rest.is_empty() {
            return None;
        }
        let error = match self.decoder.decode(rest) {
            Ok(Some(frame)) => {
                self.offset += frame.len();
                return Some(Ok(frame.view()));
            }
            Ok(None) => FrameError::Incomplete {
                offset: self.offset,
            },
            Err(error) => error,
        };
        self.input = &self.input[..self.offset];
        Some(Err(error))
    }
}
