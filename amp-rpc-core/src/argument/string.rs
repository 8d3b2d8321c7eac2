//! Bytes and text.

use alloc::string::String;
use bytes::Bytes;

use super::Argument;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

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

impl Argument for String {
    const TYPE: &'static Type = &Type::Unicode;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.extend_from_slice(self.as_bytes());
        Ok(())
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        core::str::from_utf8(&value)
            .map(Self::from)
            .map_err(|_| DecodeError::expected("text in UTF-8", &value))
    }
}
