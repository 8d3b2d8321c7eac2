//! Text.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use super::{Argument, put_first, room_for};
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

fn read(value: RawValue<'_>) -> Result<&str, DecodeError> {
    core::str::from_utf8(value.as_bytes())
        .map_err(|_| DecodeError::expected("text in UTF-8", &value))
}

macro_rules! texts {
    ($($(#[$more:meta])* $text:ty: $from:expr;)*) => {$(
        /// Text in UTF-8.
        $(#[$more])*
        impl Argument for $text {
            const TYPE: &'static Type = &Type::Unicode;

            fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
                out.extend_from_slice(self.as_bytes());
                Ok(())
            }

            fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
                read(value).map($from)
            }

            const HAS_ROOM: bool = true;
            const IS_PLAIN: bool = true;

            #[inline]
            fn room(&self) -> usize {
                room_for(self.as_bytes())
            }

            #[inline]
            fn encode_in(&self, place: &mut [u8]) -> usize {
                put_first(place, self.as_bytes())
            }
        }
    )*};
}

texts! {
    String: Into::into;
    Box<str>: Into::into;
    Arc<str>: Into::into;
    /// Received text is always owned.
    Cow<'static, str>: |text| Cow::Owned(text.into());
}

/// Text of exactly one character.
impl Argument for char {
    const TYPE: &'static Type = &Type::Unicode;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        out.extend_from_slice(self.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        let mut characters = read(value)?.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(DecodeError::expected("exactly one character", &value)),
        }
    }

    const MOST: usize = 4;
    const IS_PLAIN: bool = true;

    #[inline]
    fn encode_in(&self, place: &mut [u8]) -> usize {
        put_first(place, self.encode_utf8(&mut [0; 4]).as_bytes())
    }
}
