use alloc::vec::Vec;
use core::fmt;

use super::{AtOnce, BoxWriter, Limits, MAX_VALUE, ProtocolPairs};
use crate::error::EncodeError;

/// The limits of a box in a value, which has tighter ones.
const NESTED: Limits = Limits::DEFAULT.box_bytes(usize::MAX);

/// Where an argument writes the bytes of its value. It can only append.
pub struct ValueWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> ValueWriter<'a> {
    /// A writer that appends to `out`.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Appends bytes.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Appends what `write` puts at the front of the place that it gets; it says how many bytes these are.
    #[inline(always)]
    pub(crate) fn extend_in_place<const N: usize>(
        &mut self,
        write: impl FnOnce(&mut [u8; N]) -> usize,
    ) {
        let at = self.out.len();
        self.out.extend_from_slice(&[0; N]);
        let place = self.out[at..].first_chunk_mut();
        let length = write(place.expect("it was just made"));
        self.out.truncate(at + length);
    }

    /// Appends bytes one after the other.
    pub(crate) fn extend(&mut self, bytes: impl Iterator<Item = u8>) {
        self.out.extend(bytes);
    }

    /// Appends one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Appends what `write` produces, preceded by its length as a 16-bit number: an element of a list.
    ///
    /// # Errors
    ///
    /// What `write` returns, and when the element is longer than 65,535 bytes.
    pub fn element<E: Into<EncodeError>>(
        &mut self,
        write: impl FnOnce(&mut ValueWriter<'_>) -> Result<(), E>,
    ) -> Result<(), EncodeError> {
        self.push(0);
        self.push(0);
        let at = self.out.len();
        write(&mut ValueWriter { out: self.out }).map_err(Into::into)?;
        let size = self.out.len() - at;
        let length = u16::try_from(size)
            .map_err(|_| EncodeError::value_too_long(size, MAX_VALUE))?
            .to_be_bytes();
        self.out[at - 2..at].copy_from_slice(&length);
        Ok(())
    }

    /// A whole box that is to be appended: an element of an AmpList.
    pub(crate) fn nested(&mut self) -> AtOnce<'_> {
        AtOnce::new(self.out, NESTED, ProtocolPairs::List(&[]))
    }

    /// Appends a whole box: an element of an AmpList.
    ///
    /// # Errors
    ///
    /// What `write` returns.
    pub fn nested_box(
        &mut self,
        write: impl FnOnce(&mut BoxWriter<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut writer = BoxWriter::new(self.out, NESTED, &[]);
        write(&mut writer)?;
        writer.finish()
    }
}

impl fmt::Write for ValueWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl fmt::Debug for ValueWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueWriter").finish_non_exhaustive()
    }
}
