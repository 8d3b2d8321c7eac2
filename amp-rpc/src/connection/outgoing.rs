//! Bytes on their way out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::apart::{Apart, Beside, Piece, SLICES};
use super::buffers;
use super::shared::{Shared, State};
use crate::descriptors::Marks;
use crate::transport::BoxedStream;

/// What the driver writes: its own answers, and the calls that callers have encoded.
///
/// ```text
/// answers ──┐
///           ├──► writing ──► stream
/// callers ──┘
/// ```
#[derive(Default)]
pub(super) struct Outgoing {
    /// Answers of responders, encoded since the last [`commit`](Self::commit).
    pub(super) answers: Vec<u8>,
    /// What there is beside their bytes.
    pub(super) answers_beside: Beside,
    writing: Vec<u8>,
    /// How many of its own bytes are written.
    written: usize,
    /// Where in it boxes with descriptors begin.
    marks: Marks,
    /// The values that belong into it.
    apart: Apart,
    /// Values that were copied after all. To drop them may run foreign code, and they were under the lock.
    copied: Vec<Piece>,
    /// How many bytes were written in all.
    pub(super) sent: u64,
    /// The stream has taken everything and may still hold some of it back.
    flushing: bool,
    /// Callers wait until so many bytes are written in all, where more is queued than may be.
    callers_due: Option<u64>,
}

impl Outgoing {
    /// Begins, or goes on, with what a connection writes.
    pub(super) fn begin(&mut self, shared: &Shared) {
        self.marks.set_exchange(shared.descriptors.clone());
        self.sent = shared.counters.bytes_sent.get();
        self.callers_due = None;
    }

    /// How many bytes wait to be written.
    pub(super) fn len(&self) -> usize {
        let apart = self.answers_beside.apart() + self.apart.len();
        self.answers.len() + self.writing.len() - self.written + apart
    }

    pub(super) fn is_empty(&self) -> bool {
        // Behind a value that lies apart is always the end of its box.
        self.answers.len() + self.writing.len() == self.written
    }

    /// Lets what callers wrote go first, if they wrote anything: so the calls that a responder makes
    /// precede its answer.
    #[inline(always)]
    pub(super) fn before_answer(&mut self, shared: &Shared) {
        if shared.wrote.load(Ordering::Acquire) {
            self.commit_early(shared);
        }
        self.begin_answer();
    }

    /// Sees to it that there is a buffer for an answer.
    #[inline(always)]
    pub(super) fn begin_answer(&mut self) {
        if self.answers.capacity() == 0 {
            self.answers = buffers::take();
        }
    }

    #[cold]
    fn commit_early(&mut self, shared: &Shared) {
        let mut state = shared.lock();
        self.commit_all(shared, &mut state);
        state.is_slow |= self.len() > shared.options.max_queued;
    }

    /// Moves what is encoded to where it is written from, in order. While the peer is slow to read,
    /// calls stay with the callers, who see by them that they should wait. Says whether it is the turn of those who
    /// have waited, though the peer is slow.
    #[inline]
    pub(super) fn commit(&mut self, shared: &Shared, state: &mut State) -> bool {
        let is_slow = self.len() > shared.options.max_queued;
        let is_turn = is_slow && self.is_turn_of_callers(state);
        if is_slow && !is_turn {
            self.release_answers(state);
        } else {
            self.callers_due = None;
            self.commit_all(shared, state);
        }
        is_turn
    }

    /// Whether callers have waited until all is written that was there before them. Answers may come faster than they are
    /// written for as long as the peer likes, and calls should go out all the same.
    #[cold]
    fn is_turn_of_callers(&mut self, state: &State) -> bool {
        if state.out.is_empty() && state.room.is_empty() {
            self.callers_due = None;
            return false;
        }
        let all = self.sent + self.len() as u64;
        self.sent >= *self.callers_due.get_or_insert(all)
    }

    /// The same without regard to how much that is.
    #[inline]
    pub(super) fn commit_all(&mut self, shared: &Shared, state: &mut State) {
        if !self.answers.is_empty() {
            self.release_answers(state);
        }
        if !state.out.is_empty() {
            self.commit_calls(state);
        }
        shared.wrote.store(false, Ordering::Release);
    }

    fn commit_calls(&mut self, state: &mut State) {
        let State { out, beside, .. } = state;
        if let Some(marks) = beside.marks() {
            self.marks.append(self.writing.len(), marks);
        }
        self.apart.append(self.writing.len(), beside);
        if self.writing.is_empty() {
            if self.writing.capacity() == 0 {
                // What callers write to next.
                self.writing = buffers::take();
            }
            std::mem::swap(&mut self.writing, out);
        } else {
            self.writing.append(out);
        }
    }

    #[inline]
    fn release_answers(&mut self, state: &mut State) {
        if self.answers_beside.is_any() {
            self.release_beside(state);
        }
        state
            .asking
            .release_answers(&mut self.answers, &mut self.writing);
    }

    /// Moves what is beside the answers to where they go.
    #[inline(never)]
    fn release_beside(&mut self, state: &State) {
        let base = self.writing.len();
        let beside = &mut self.answers_beside;
        if state.asking.is_open() {
            if let Some(marks) = beside.marks() {
                self.marks.append(base, marks);
            }
            self.apart.append(base, beside);
        } else {
            // They are held back where their places are not known.
            if let Some(marks) = beside.marks() {
                self.marks.release(marks);
            }
            if beside.apart() > 0 {
                self.copied.extend(beside.join(&mut self.answers));
            }
        }
    }

    /// Moves a refusal to where it is written from, past the gate.
    pub(super) fn release_refusal(&mut self) {
        self.writing.append(&mut self.answers);
    }

    /// Whether nothing is left of what may be written now.
    pub(super) fn is_flushed(&self) -> bool {
        self.writing.is_empty() && !self.flushing
    }

    /// Writes until everything is written or the stream takes no more.
    pub(super) fn poll_write(
        &mut self,
        stream: &mut BoxedStream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.copied.is_empty() {
            self.copied = Vec::new();
        }
        if self.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.writing.len() {
            let end = self.marks.reach(self.written);
            let end = end.unwrap_or(self.writing.len());
            if !self.apart.is_empty() {
                ready!(self.poll_write_apart(stream, cx, end))?;
                continue;
            }
            let rest = &self.writing[self.written..end];
            match ready!(Pin::new(&mut *stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => {
                    self.written += written;
                    self.sent += written as u64;
                }
            }
        }
        self.writing.clear();
        self.written = 0;
        self.flushing = true;
        ready!(Pin::new(stream).poll_flush(cx))?;
        self.flushing = false;
        Poll::Ready(Ok(()))
    }

    /// Writes once, up to that place, what has values in it that lie elsewhere.
    #[inline(never)]
    fn poll_write_apart(
        &mut self,
        stream: &mut BoxedStream,
        cx: &mut Context<'_>,
        end: usize,
    ) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = (self.apart).fill(&self.writing, self.written, end, &mut slices);
        let mut stream = Pin::new(stream);
        let written = if stream.is_write_vectored() {
            stream.as_mut().poll_write_vectored(cx, &slices[..count])
        } else {
            stream.as_mut().poll_write(cx, &slices[0])
        };
        let written = ready!(written)?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.written += self.apart.advance(self.written, written);
        self.sent += written as u64;
        Poll::Ready(Ok(()))
    }

    /// Drops what cannot be written any more.
    pub(super) fn discard(&mut self) {
        let sent = self.sent;
        *self = Self::default();
        self.sent = sent;
    }

    /// Whether everything is written.
    pub(super) fn is_clear(&self) -> bool {
        self.is_empty() && self.is_flushed() && self.copied.is_empty()
    }

    /// Lets go what is the connection's, and gives large buffers back, when everything is written.
    pub(super) fn rest(&mut self) {
        self.marks.set_exchange(None);
        self.give_large();
    }

    /// Gives large buffers back, when everything is written.
    #[inline]
    pub(super) fn give_large(&mut self) {
        let largest = self.writing.capacity().max(self.answers.capacity());
        if largest > buffers::SMALL {
            self.give_those_large();
        }
    }

    #[cold]
    fn give_those_large(&mut self) {
        for buffer in [&mut self.writing, &mut self.answers] {
            if buffer.capacity() > buffers::SMALL {
                buffers::give(std::mem::take(buffer));
            }
        }
    }
}
