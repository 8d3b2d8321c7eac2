//! Values under one key.

use bytes::Bytes;

use super::Argument;
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{Found, RawValue, ValueWriter};

/// A value under exactly one key that may need the connection: every [`Argument`] and every list.
///
/// Most types implement [`Argument`] instead; a type implements this one when its value cannot be
/// read without the connection, as a descriptor's cannot.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an argument type of AMP",
    note = "implement `Argument` for a single value, or put `#[derive(amp_rpc::Fields)]` on a struct that stands in a `Vec`"
)]
pub trait Single: Sized {
    /// The type in a schema.
    const TYPE: &'static Type;

    /// Appends the value's bytes.
    ///
    /// # Errors
    ///
    /// When the value has no form on the wire.
    fn encode_with(
        &self,
        out: &mut ValueWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError>;

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// When the bytes are not a value of this type.
    fn decode_with(value: RawValue<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError>;

    /// What `Argument` says of these.
    #[doc(hidden)]
    const MOST: usize = usize::MAX;
    #[doc(hidden)]
    const HAS_ROOM: bool = false;
    #[doc(hidden)]
    const IS_PLAIN: bool = false;
    #[doc(hidden)]
    const IS_SHORT: bool = false;

    #[doc(hidden)]
    #[inline]
    fn room(&self) -> usize {
        Self::MOST
    }

    #[doc(hidden)]
    #[inline]
    fn encode_in(&self, place: &mut [u8]) -> usize {
        let _ = place;
        0
    }

    #[doc(hidden)]
    #[inline]
    fn read_found(found: Found<'_>) -> Option<Self> {
        let _ = found;
        None
    }

    /// What [`Argument::as_shared`] says.
    #[inline]
    fn as_shared(&self) -> Option<&Bytes> {
        None
    }
}

#[diagnostic::do_not_recommend]
impl<T: Argument> Single for T {
    const TYPE: &'static Type = <T as Argument>::TYPE;
    const MOST: usize = <T as Argument>::MOST;
    const IS_PLAIN: bool = <T as Argument>::IS_PLAIN;
    const IS_SHORT: bool = <T as Argument>::IS_SHORT;
    const HAS_ROOM: bool = <T as Argument>::HAS_ROOM;

    #[inline]
    fn encode_with(
        &self,
        out: &mut ValueWriter<'_>,
        _cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        self.encode(out)
    }

    #[inline]
    fn decode_with(value: RawValue<'_>, _cx: &mut dyn Context) -> Result<Self, DecodeError> {
        Self::decode(value)
    }

    #[inline]
    fn room(&self) -> usize {
        Argument::room(self)
    }

    #[inline]
    fn encode_in(&self, place: &mut [u8]) -> usize {
        Argument::encode_in(self, place)
    }

    #[inline(always)]
    fn read_found(found: Found<'_>) -> Option<Self> {
        <T as Argument>::read_found(found)
    }

    #[inline]
    fn as_shared(&self) -> Option<&Bytes> {
        Argument::as_shared(self)
    }
}
