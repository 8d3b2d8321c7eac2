//! Strings of bytes.

use bytes::Bytes;

use super::{Argument, put_first, room_for};
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// Received values from 4 KiB on are slices of the buffer they were read into, without a copy;
/// smaller ones are copied, so that keeping one does not keep a buffer.
///
/// Values from 8 KiB on are sent from where they lie, without a copy, unless they are in a list. Until such a value is
/// written to the stream, the connection holds a clone of it: the bytes it is a slice of stay in memory as well, which may be
/// many more, and what `Bytes::from_owner` was given is dropped by the connection if it holds the last clone.
impl Argument for Bytes {
    const TYPE: &'static Type = &Type::String;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Ok(value.to_bytes())
    }

    const HAS_ROOM: bool = true;
    const IS_PLAIN: bool = true;

    #[inline]
    fn room(&self) -> usize {
        room_for(self)
    }

    #[inline]
    fn encode_in(&self, place: &mut [u8]) -> usize {
        put_first(place, self)
    }

    #[inline]
    fn as_shared(&self) -> Option<&Bytes> {
        Some(self)
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
