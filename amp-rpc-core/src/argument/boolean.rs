//! `True` and `False`.

use super::{Argument, put_first};
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// Exactly `True` or `False`, as Twisted writes and reads them.
impl Argument for bool {
    const TYPE: &'static Type = &Type::Boolean;
    const MOST: usize = "False".len();
    const IS_PLAIN: Self = true;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.extend_from_slice(if *self { b"True" } else { b"False" });
        Ok(())
    }

    #[inline]
    fn encode_in(&self, place: &mut [u8]) -> usize {
        put_first(place, if *self { b"True" } else { b"False" })
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        match value.as_bytes() {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => Err(DecodeError::expected("`True` or `False`", &value)),
        }
    }
}
