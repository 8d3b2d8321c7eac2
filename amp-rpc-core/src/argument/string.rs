//! Strings of bytes.

use bytes::Bytes;

use super::Argument;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// Received values from 1 KiB on are slices of the buffer they were read into, without a copy;
/// smaller ones are copied, so that keeping one does not keep a buffer.
impl Argument for Bytes {
    const TYPE: &'static Type = &Type::String;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Ok(value.to_bytes())
    }
}

/// Exactly `N` bytes.
impl<const N: usize> Argument for [u8; N] {
    const TYPE: &'static Type = &Type::String;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Self::try_from(value.as_bytes())
            .map_err(|_| DecodeError::expected(alloc::format!("exactly {N} bytes"), &value))
    }
}
