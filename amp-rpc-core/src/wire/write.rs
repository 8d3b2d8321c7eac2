use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::{
    BoxView, Decoder, Key, Limits, MAX_VALUE, ProtocolPairs, Short, ValueWriter, protocol,
};
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
    pub fn new(out: &'a mut Vec<u8>, limits: Limits, protocol: &'a [(Key<'a>, &'a [u8])]) -> Self {
        let pairs = match *protocol {
            [(protocol::ASK, tag), (protocol::COMMAND, command)] => {
                Short::new(tag).map(|tag| ProtocolPairs::Ask { tag, command })
            }
            _ => None,
        };
        let pairs = pairs.unwrap_or(ProtocolPairs::List(protocol));
        let mut writer = Self::with_protocol(out, limits, pairs);
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

    /// Appends a pair whose value is short.
    #[inline(always)]
    pub(crate) fn put_short(&mut self, key: Key<'_>, value: Short) -> Result<(), EncodeError> {
        if !self.goes_on_with(key)? {
            return Ok(());
        }
        if value.len() > self.limits.value_bytes.min(MAX_VALUE) {
            return Err(self.value_too_long(value.len(), key));
        }
        self.begin_pair(key);
        let mut bytes = [0; 2 + Short::ROOM];
        bytes[1] = value.len() as u8;
        bytes[2..].copy_from_slice(&value.room());
        ValueWriter::new(self.out).extend_from_first(bytes, 2 + value.len());
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
        if value.len() > self.limits.value_bytes.min(MAX_VALUE) {
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
    #[inline]
    pub fn finish(mut self) -> Result<(), EncodeError> {
        self.end(None)
    }

    /// Ends the box, as [`finish`](Self::finish) does, with the context that its fields got.
    #[inline(always)]
    pub(crate) fn end(&mut self, cx: Option<&mut dyn Context>) -> Result<(), EncodeError> {
        if self.is_pending {
            self.put_pending()?;
        }
        self.out.extend_from_slice(&[0, 0]);
        let size = self.out.len() - self.start + self.apart;
        if size > self.limits.box_bytes {
            return Err(EncodeError::box_too_large(size, self.limits.box_bytes));
        }
        if !self.in_order {
            self.sort(cx);
        }
        self.finished = true;
        Ok(())
    }

    /// Writes the protocol's pairs that are not merged in yet. Out of line, since it stands in front of each pair.
    #[inline(never)]
    fn put_pending(&mut self) -> Result<(), EncodeError> {
        self.put_protocol()
    }

    /// The same in place.
    #[inline(always)]
    pub(crate) fn put_protocol(&mut self) -> Result<(), EncodeError> {
        match self.protocol {
            ProtocolPairs::Ask { tag, command } if self.merged == 0 => {
                self.put_ask(tag, command)?;
            }
            ProtocolPairs::Answer { tag } if self.merged == 0 => self.put_answer(tag)?,
            _ => self.put_others()?,
        }
        self.is_pending = false;
        Ok(())
    }

    /// Writes both pairs of an ask. What has a size that is known is copied at once, without a call.
    #[inline(always)]
    fn put_ask(&mut self, tag: Short, command: &[u8]) -> Result<(), EncodeError> {
        self.check_protocol(protocol::ASK, tag.len())?;
        self.check_protocol(protocol::COMMAND, command.len())?;
        let mut head = [0; 8 + Short::ROOM + 12];
        head[..8].copy_from_slice(&with_length::<8>(protocol::ASK, tag.len()));
        head[8..8 + Short::ROOM].copy_from_slice(&tag.room());
        let at = 8 + tag.len();
        head[at..at + 12].copy_from_slice(&with_length::<12>(protocol::COMMAND, command.len()));
        self.last += at;
        ValueWriter::new(self.out).extend_from_first(head, at + 12);
        self.out.extend_from_slice(command);
        Ok(())
    }

    #[inline(always)]
    fn put_answer(&mut self, tag: &[u8]) -> Result<(), EncodeError> {
        self.check_protocol(protocol::ANSWER, tag.len())?;
        let head = with_length::<11>(protocol::ANSWER, tag.len());
        self.out.extend_from_slice(&head);
        self.out.extend_from_slice(tag);
        Ok(())
    }

    fn put_others(&mut self) -> Result<(), EncodeError> {
        let protocol = self.protocol;
        while let Some((key, value)) = protocol.get(self.merged) {
            self.check_protocol(key, value.len())?;
            self.out.extend_from_slice(key.prefixed());
            let length = (value.len() as u16).to_be_bytes();
            self.out.extend_from_slice(&length);
            self.out.extend_from_slice(value);
        }
        Ok(())
    }

    /// Begins a pair of the protocol's, whose value has so many bytes. Keys that were written before are lower ones.
    #[inline(always)]
    fn check_protocol(&mut self, key: Key<'_>, length: usize) -> Result<(), EncodeError> {
        if length > self.limits.value_bytes.min(MAX_VALUE) {
            return Err(self.value_too_long(length, key));
        }
        self.merged += 1;
        self.last = self.out.len();
        self.last_start = key.start();
        Ok(())
    }

    /// Writes the protocol's pairs that come before `key`, which begins with an underscore; says whether it is none of
    /// them.
    #[cold]
    fn merge(&mut self, key: Key<'_>) -> Result<bool, EncodeError> {
        let protocol = self.protocol;
        while let Some((pending, value)) = protocol.get(self.merged) {
            if pending > key {
                break;
            }
            self.merged += 1;
            self.pair_here(pending, |out| {
                out.extend_from_slice(value);
                Ok::<(), EncodeError>(())
            })?;
        }
        let mut known = (0..protocol.len()).filter_map(|index| protocol.get(index));
        Ok(!known.any(|(known, _)| known == key))
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
        if size > self.limits.value_bytes.min(MAX_VALUE) {
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

/// A key behind its length, and the length of its value, `N` bytes in all.
#[inline(always)]
fn with_length<const N: usize>(key: Key<'static>, length: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..N - 2].copy_from_slice(key.prefixed());
    bytes[N - 2..].copy_from_slice(&(length as u16).to_be_bytes());
    bytes
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
