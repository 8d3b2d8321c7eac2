use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::{BoxView, Decoder, Key, Limits, MAX_VALUE, ProtocolPairs, Short, ValueWriter};
use crate::context::Context;
use crate::error::EncodeError;

/// Values in shared memory from this size on are sent from where they lie. To write smaller ones apart takes longer than
/// to copy them.
const APART_FROM: usize = 8 * 1024;

/// Appends one box to a buffer of the caller's, keys in ascending order.
///
/// Pairs of the protocol's own keys are given at the start and merged in. A writer that is dropped
/// before [`finish`](Self::finish) takes back everything it wrote, so a failed box leaves no trace.
///
/// ```
/// use amp_rpc_core::wire::{BoxWriter, Key, Limits, protocol};
///
/// let mut out = Vec::new();
/// let mut writer = BoxWriter::new(&mut out, Limits::DEFAULT, &[(protocol::ASK, b"1")]);
/// writer.put(Key::from_prefixed(b"\0\x01a"), b"13")?;
/// writer.finish()?;
/// assert_eq!(out, b"\0\x04_ask\0\x011\0\x01a\0\x0213\0\0");
/// # Ok::<(), amp_rpc_core::EncodeError>(())
/// ```
pub struct BoxWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    /// How many bytes of values are not in the buffer, since they are sent from where they lie.
    apart: usize,
    /// Whether values may be.
    shares: bool,
    limits: Limits,
    /// The pairs of the protocol.
    protocol: ProtocolPairs<'a>,
    /// How many of them are written.
    merged: usize,
    /// Not all of them are.
    is_pending: bool,
    /// Where the last pair begins, and how its key begins, to notice keys that are out of order.
    last: usize,
    last_start: u64,
    in_order: bool,
    finished: bool,
}

impl<'a> BoxWriter<'a> {
    /// Begins a box at the end of `out`; `protocol` are pairs to merge in, in ascending order.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>, limits: Limits, protocol: &'a [(Key<'a>, &'a [u8])]) -> Self {
        let mut writer = Self::with_protocol(out, limits, ProtocolPairs::List(protocol));
        // What it writes is for whoever has the buffer, and for nobody who knows what lies apart from it.
        writer.shares = false;
        writer
    }

    /// A writer of a box that is sent over the connection whose [`Context`] its fields get.
    #[inline]
    pub(crate) fn with_protocol(
        out: &'a mut Vec<u8>,
        limits: Limits,
        protocol: ProtocolPairs<'a>,
    ) -> Self {
        let start = out.len();
        Self {
            out,
            start,
            apart: 0,
            shares: true,
            limits,
            protocol,
            merged: 0,
            is_pending: true,
            last: start,
            last_start: 0,
            in_order: true,
            finished: false,
        }
    }

    /// Appends a pair whose value `write` produces in place.
    ///
    /// Keys are best written in ascending order. Where they are not, the box is sorted at the end,
    /// and the last pair of a repeated key stays. A key of the protocol's pairs that were given at
    /// the start is left out: theirs counts.
    ///
    /// # Errors
    ///
    /// What `write` returns, and when the value is longer than the limit; both name the key.
    // Inlined, so that the key is a constant to copy.
    #[inline(always)]
    pub fn pair<E: Into<EncodeError>>(
        &mut self,
        key: Key<'_>,
        write: impl FnOnce(&mut ValueWriter<'_>) -> Result<(), E>,
    ) -> Result<(), EncodeError> {
        if self.goes_on_with(key)? {
            self.pair_here(key, write)
        } else {
            Ok(())
        }
    }

    /// Writes the protocol's pairs that come before `key`; says whether it is none of theirs.
    #[inline(always)]
    fn goes_on_with(&mut self, key: Key<'_>) -> Result<bool, EncodeError> {
        // Every key of the protocol begins with an underscore: most keys need no comparison.
        match key.prefixed()[2] {
            ..b'_' => {}
            b'_' => return self.merge(key),
            _ if !self.is_pending => {}
            _ => self.put_pending()?,
        }
        Ok(true)
    }

    /// Appends a pair whose value `write` puts at the front of the place that it gets, which has `most` bytes; it says how many
    /// these are.
    #[inline(always)]
    pub(crate) fn pair_in_place(
        &mut self,
        key: Key<'_>,
        most: usize,
        write: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<(), EncodeError> {
        if !self.goes_on_with(key)? {
            return Ok(());
        }
        self.begin_pair(key);
        let at = self.out.len();
        self.out.resize(at + 2 + most, 0);
        let place = &mut self.out[at..];
        let size = write(&mut place[2..]);
        place[..2].copy_from_slice(&(size as u16).to_be_bytes());
        self.out.truncate(at + 2 + size);
        if size > self.most() {
            return Err(self.value_too_long(size, key));
        }
        Ok(())
    }

    /// Appends a pair.
    ///
    /// # Errors
    ///
    /// When the value is longer than the limit.
    #[inline]
    pub fn put(&mut self, key: Key<'_>, value: &[u8]) -> Result<(), EncodeError> {
        self.pair(key, |out| {
            out.extend_from_slice(value);
            Ok::<(), EncodeError>(())
        })
    }

    /// Appends a pair whose value lies in shared memory already. If it is large, and the box goes to a connection, it is
    /// written to the stream from there; otherwise it is copied, as [`put`](Self::put) does.
    ///
    /// # Errors
    ///
    /// When the value is longer than the limit.
    #[inline]
    pub fn put_shared(
        &mut self,
        key: Key<'_>,
        value: &Bytes,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        if value.len() < APART_FROM || !self.shares {
            return self.put(key, value);
        }
        self.put_apart(key, value, cx)
    }

    #[inline(never)]
    fn put_apart(
        &mut self,
        key: Key<'_>,
        value: &Bytes,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        if key.prefixed()[2] == b'_' {
            // It may be left out.
            return self.put(key, value);
        }
        if value.len() > self.most() {
            return Err(self.value_too_long(value.len(), key));
        }
        self.put(key, &[])?;
        let at = self.out.len();
        let length = (value.len() as u16).to_be_bytes();
        self.out[at - 2..].copy_from_slice(&length);
        if cx.send_apart(at, value) {
            self.apart += value.len();
        } else {
            self.out.extend_from_slice(value);
        }
        Ok(())
    }

    /// Ends the box.
    ///
    /// # Errors
    ///
    /// When the box is larger than [`Limits::box_bytes`], and for the protocol's pairs what
    /// [`put`](Self::put) says.
    // Inlined, so that the writer is not moved.
    #[inline(always)]
    pub fn finish(mut self) -> Result<(), EncodeError> {
        if self.is_pending || !self.in_order {
            return self.finish_any();
        }
        self.out.extend_from_slice(&[0, 0]);
        self.check_size()?;
        self.finished = true;
        Ok(())
    }

    #[inline(never)]
    fn finish_any(mut self) -> Result<(), EncodeError> {
        self.end(None)
    }

    #[inline(always)]
    fn check_size(&self) -> Result<(), EncodeError> {
        let size = self.out.len() - self.start + self.apart;
        if size > self.limits.box_bytes {
            return Err(EncodeError::box_too_large(size, self.limits.box_bytes));
        }
        Ok(())
    }

    /// Ends the box, as [`finish`](Self::finish) does, with the context that its fields got.
    #[inline(always)]
    pub(crate) fn end(&mut self, cx: Option<&mut dyn Context>) -> Result<(), EncodeError> {
        if self.is_pending {
            self.put_pending()?;
        }
        self.out.extend_from_slice(&[0, 0]);
        self.check_size()?;
        if !self.in_order {
            self.sort(cx);
        }
        self.finished = true;
        Ok(())
    }

    /// Writes the protocol's pairs that are not merged in yet. Out of line, since it stands in front of each pair.
    #[inline(never)]
    fn put_pending(&mut self) -> Result<(), EncodeError> {
        self.merge_up_to(None)?;
        self.is_pending = false;
        Ok(())
    }

    /// The most bytes of a value.
    #[inline(always)]
    fn most(&self) -> usize {
        self.limits.value_bytes.min(MAX_VALUE)
    }

    /// Writes the protocol's pairs that come before `key`, which begins with an underscore; says whether it is none of
    /// them.
    #[cold]
    fn merge(&mut self, key: Key<'_>) -> Result<bool, EncodeError> {
        self.merge_up_to(Some(key))?;
        Ok(!self.protocol.has(key))
    }

    fn merge_up_to(&mut self, key: Option<Key<'_>>) -> Result<(), EncodeError> {
        let protocol = self.protocol;
        let mut room = [0; Short::ROOM];
        while let Some((pending, value)) = protocol.get(self.merged, &mut room) {
            if key.is_some_and(|key| pending > key) {
                break;
            }
            self.merged += 1;
            self.pair_here(pending, |out| {
                out.extend_from_slice(value);
                Ok::<(), EncodeError>(())
            })?;
        }
        Ok(())
    }

    #[cold]
    fn value_too_long(&self, size: usize, key: Key<'_>) -> EncodeError {
        EncodeError::value_too_long(size, self.limits.value_bytes).at(key)
    }

    #[inline(always)]
    fn pair_here<E: Into<EncodeError>>(
        &mut self,
        key: Key<'_>,
        write: impl FnOnce(&mut ValueWriter<'_>) -> Result<(), E>,
    ) -> Result<(), EncodeError> {
        self.begin_pair(key);
        self.out.extend_from_slice(&[0, 0]);
        let value_at = self.out.len();
        if let Err(error) = write(&mut ValueWriter::new(self.out)) {
            return Err(error.into().at(key));
        }
        let size = self.out.len() - value_at;
        if size > self.most() {
            return Err(self.value_too_long(size, key));
        }
        let length = (size as u16).to_be_bytes();
        self.out[value_at - 2..value_at].copy_from_slice(&length);
        Ok(())
    }

    /// Writes a key.
    #[inline(always)]
    fn begin_pair(&mut self, key: Key<'_>) {
        let start = key.start();
        if start <= self.last_start {
            self.check_order(key);
        }
        self.last_start = start;
        self.last = self.out.len();
        self.out.extend_from_slice(key.prefixed());
    }

    /// Notices a key that is not behind the last one, where how they begin does not tell.
    fn check_order(&mut self, key: Key<'_>) {
        if self.out.len() == self.start {
            return;
        }
        let previous = &self.out[self.last + 2..];
        let previous = &previous[..usize::from(self.out[self.last + 1])];
        self.in_order &= previous < key.name();
    }

    #[cold]
    fn sort(&mut self, cx: Option<&mut dyn Context>) {
        if let Some(cx) = cx.filter(|_| self.apart > 0) {
            // Their places will be others. From the last to the first, so that the places before stay as they are.
            while let Some((at, bytes)) = cx.take_back_apart() {
                self.out.splice(at..at, bytes);
            }
            self.apart = 0;
        }
        let written = self.out.split_off(self.start);
        let mut unlimited =
            Decoder::new(Limits::DEFAULT.box_bytes(usize::MAX).box_pairs(usize::MAX));
        let frame = unlimited
            .decode(&written)
            .ok()
            .flatten()
            .expect("the writer wrote a whole box");
        write_sorted(&frame.view(), self.out);
    }
}

/// Writes the pairs of a view in order of their keys, the last of each key.
fn write_sorted(view: &BoxView<'_>, out: &mut Vec<u8>) {
    let mut pairs: Vec<_> = view.iter().collect();
    pairs.sort_by_key(|(key, _)| *key);
    for (index, (key, value)) in pairs.iter().enumerate() {
        if pairs.get(index + 1).is_some_and(|(next, _)| next == key) {
            continue;
        }
        out.extend_from_slice(&(key.len() as u16).to_be_bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value);
    }
    out.extend_from_slice(&[0, 0]);
}

impl Drop for BoxWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}

impl fmt::Debug for BoxWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxWriter")
            .field("bytes", &(self.out.len() - self.start + self.apart))
            .finish_non_exhaustive()
    }
}
