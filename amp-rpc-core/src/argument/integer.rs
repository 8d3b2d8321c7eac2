//! Whole numbers: decimal digits, as Python's `int` reads and writes them.

use super::Argument;
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};
use alloc::vec::Vec;

// Placeholder to be replaced by the full implementation.
macro_rules! integers {
    ($($int:ty),*) => {$(
        impl Argument for $int {
            const TYPE: &'static Type = &Type::Integer;

            fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
                out.extend_from_slice(alloc::format!("{self}").as_bytes());
                Ok(())
            }

            fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
                core::str::from_utf8(&value)
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| DecodeError::expected("an integer", &value))
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, i128, u16, u32, u64, u128);

impl Argument for u8 {
    const TYPE: &'static Type = &Type::Integer;
    const LIST_TYPE: &'static Type = &Type::String;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        u16::from(*self).encode(out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        let number = u16::decode(value)?;
        number
            .try_into()
            .map_err(|_| DecodeError::expected("an integer from 0 to 255", &value))
    }

    fn encode_list<'a>(
        items: impl Iterator<Item = &'a Self>,
        out: &mut ValueWriter<'_>,
    ) -> Result<(), EncodeError> {
        items.for_each(|byte| out.push(*byte));
        Ok(())
    }

    fn decode_list(value: RawValue<'_>, _cx: &mut dyn Context) -> Result<Vec<Self>, DecodeError> {
        Ok(value.to_vec())
    }
}
