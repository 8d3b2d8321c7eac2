//! Large values on their way out, which are written from where they lie.
//!
//! ```text
//! buffer   ask, command, key, length │ end, ask, command, key, length │ end
//!                                    ▲                                ▲
//! pieces                           value                            value
//! ```

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use crate::descriptors::Mark;

/// How many slices are handed to a stream at once.
pub(super) const SLICES: usize = 64;

/// A value, and the place in a buffer where it belongs.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) at: usize,
    pub(super) bytes: Bytes,
}

/// What there is beside the bytes of a buffer with boxes. Most buffers never have anything.
#[derive(Debug, Default)]
pub(super) struct Beside(Option<Box<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    /// Where boxes with descriptors begin.
    marks: Vec<Mark>,
    /// Values that are not in the buffer.
    pieces: Vec<Piece>,
    /// How many bytes these are.
    apart: usize,
}

impl Beside {
    /// How many bytes belong into the buffer and are not in it.
    #[inline]
    pub(super) fn apart(&self) -> usize {
        self.0.as_ref().map_or(0, |lists| lists.apart)
    }

    /// Whether there may be anything.
    #[inline]
    pub(super) fn is_any(&self) -> bool {
        self.0.is_some()
    }

    /// Where boxes with descriptors begin, if there are any.
    #[inline]
    pub(super) fn marks(&mut self) -> Option<&mut Vec<Mark>> {
        self.0.as_mut().map(|lists| &mut lists.marks)
    }

    /// Adds a mark behind those that are there.
    pub(super) fn push_mark(&mut self, mark: Mark) {
        self.0.get_or_insert_default().marks.push(mark);
    }

    /// Adds a value behind those that are there.
    pub(super) fn push(&mut self, piece: Piece) {
        let lists = self.0.get_or_insert_default();
        lists.apart += piece.bytes.len();
        lists.pieces.push(piece);
    }

    /// Copies the values into their buffer, for whoever knows of no pieces. Gives them back, to be dropped without the lock.
    pub(super) fn join(&mut self, buffer: &mut Vec<u8>) -> Vec<Piece> {
        let Some(lists) = &mut self.0 else {
            return Vec::new();
        };
        let pieces = std::mem::take(&mut lists.pieces);
        let mut joined = Vec::with_capacity(buffer.len() + lists.apart);
        let mut from = 0;
        for piece in &pieces {
            joined.extend_from_slice(&buffer[from..piece.at]);
            joined.extend_from_slice(&piece.bytes);
            from = piece.at;
        }
        joined.extend_from_slice(&buffer[from..]);
        *buffer = joined;
        lists.apart = 0;
        pieces
    }
}

/// The values that belong into what is being written.
#[derive(Debug, Default)]
pub(super) struct Apart {
    pieces: VecDeque<Piece>,
    length: usize,
}

impl Apart {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many bytes are left of them.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Takes over the values of a buffer that is appended at `base`.
    #[inline]
    pub(super) fn append(&mut self, base: usize, beside: &mut Beside) {
        if let Some(lists) = &mut beside.0 {
            self.append_some(base, lists);
        }
    }

    #[inline(never)]
    fn append_some(&mut self, base: usize, lists: &mut Lists) {
        self.length += std::mem::take(&mut lists.apart);
        let moved = |piece: Piece| Piece {
            at: base + piece.at,
            ..piece
        };
        self.pieces.extend(lists.pieces.drain(..).map(moved));
    }

    /// Fills `slices` with what is to be written next of a buffer, whose bytes before `written` have been, up to `end`, and
    /// says how many it has filled: at least one, of which the first is not empty.
    pub(super) fn fill<'a>(
        &'a self,
        buffer: &'a [u8],
        written: usize,
        end: usize,
        slices: &mut [IoSlice<'a>; SLICES],
    ) -> usize {
        let mut count = 0;
        let mut from = written;
        let mut until = end;
        for piece in &self.pieces {
            if piece.at >= end {
                break;
            }
            // The bytes before it, itself and those behind it have to find room.
            if count + 3 > SLICES {
                until = piece.at;
                break;
            }
            if piece.at > from {
                slices[count] = IoSlice::new(&buffer[from..piece.at]);
                count += 1;
                from = piece.at;
            }
            slices[count] = IoSlice::new(&piece.bytes);
            count += 1;
        }
        if until > from {
            slices[count] = IoSlice::new(&buffer[from..until]);
            count += 1;
        }
        count
    }

    /// Notes that so many bytes were written from `written` on, and says how many of them are the buffer's own.
    pub(super) fn advance(&mut self, written: usize, count: usize) -> usize {
        let mut own = 0;
        let mut left = count;
        while let Some(piece) = self.pieces.front_mut() {
            let before = piece.at - (written + own);
            if left < before {
                break;
            }
            own += before;
            left -= before;
            let taken = left.min(piece.bytes.len());
            piece.bytes.advance(taken);
            self.length -= taken;
            left -= taken;
            if !piece.bytes.is_empty() {
                break;
            }
            self.pieces.pop_front();
        }
        own + left
    }
}
