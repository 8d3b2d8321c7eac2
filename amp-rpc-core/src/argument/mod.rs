//! Argument types: Rust values as the values of a box.
//!
//! Three traits, from the simple to the general:
//!
//! * [`Argument`]: one value as the bytes of one pair. All basic types have it, and an application's
//!   own types need only its two functions.
//! * [`Item`]: what a list may hold: every `Argument` (Twisted's `ListOf`) and every struct with
//!   `#[derive(Fields)]` (Twisted's `AmpList`).
//! * [`Field`]: a member of a command, which sees the whole box and the connection. Every `Argument`
//!   is one, as are `Option<T>` and `Vec<T>`; types that use several keys implement it themselves.

mod boolean;
mod date_time;
mod decimal;
#[cfg(all(feature = "std", unix))]
mod descriptor;
mod digits;
mod field;
mod float;
mod integer;
mod item;
pub mod list;
mod number;
#[cfg(feature = "std")]
mod path;
mod single;
mod string;
mod unicode;

use alloc::vec::Vec;

use bytes::Bytes;

use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{Found, RawValue, ValueWriter};

pub use self::date_time::{DateTime, DateTimeError};
pub use self::decimal::{Decimal, DecimalError, DecimalParts};
pub(crate) use self::field::missing;
pub use self::field::{Field, Source};
pub use self::item::Item;
pub use self::single::Single;

/// A value that travels as the bytes of one pair; Twisted's `Argument` with `toString` and
/// `fromString`.
///
/// ```
/// use amp_rpc_core::wire::{RawValue, ValueWriter};
/// use amp_rpc_core::{Argument, DecodeError, EncodeError};
///
/// /// A color as six hexadecimal digits.
/// struct Color(u32);
///
/// impl Argument for Color {
///     fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
///         out.extend_from_slice(format!("{:06x}", self.0).as_bytes());
///         Ok(())
///     }
///
///     fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
///         let digits = core::str::from_utf8(&value).ok().filter(|text| text.len() == 6);
///         digits
///             .and_then(|digits| u32::from_str_radix(digits, 16).ok())
///             .map(Color)
///             .ok_or_else(|| DecodeError::expected("a color such as `ff8000`", &value))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an argument type of AMP",
    note = "implement `Argument` for a single value, or put `#[derive(amp_rpc::Fields)]` on a struct that stands in a `Vec`"
)]
pub trait Argument: Sized {
    /// The type in a schema. Types of an application's own may leave it or give their name.
    const TYPE: &'static Type = &Type::Custom(crate::Shared::Static("custom"));

    /// Appends the value's bytes. Runs while its connection is locked: it must not block, nor use that
    /// connection itself.
    ///
    /// # Errors
    ///
    /// When the value has no form on the wire. Its length is checked by the caller.
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError>;

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// When the bytes are not a value of this type: [`DecodeError::expected`].
    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError>;

    /// The most bytes that a value of this type takes, where they are few, so that [`encode_in`](Self::encode_in) can write it.
    #[doc(hidden)]
    const MOST: usize = usize::MAX;

    /// The same of values that differ: whether [`room`](Self::room) may say how many.
    #[doc(hidden)]
    const HAS_ROOM: bool = Self::MOST < usize::MAX;

    /// The same for this value.
    #[doc(hidden)]
    #[inline]
    fn room(&self) -> usize {
        Self::MOST
    }

    /// Does what [`encode`](Self::encode) does, at the front of a place of so many bytes, and says how many it has written.
    #[doc(hidden)]
    #[inline]
    fn encode_in(&self, place: &mut [u8]) -> usize {
        let _ = place;
        0
    }

    /// Whether reading a value does nothing else, so that it may be read before it is known whether the box is sound.
    #[doc(hidden)]
    const IS_PLAIN: bool = false;

    /// Whether values of 256 bytes or more are left to [`decode`](Self::decode).
    #[doc(hidden)]
    const IS_SHORT: bool = false;

    /// Reads a value that was found at the front of a box. `None` says nothing: `decode` does.
    #[doc(hidden)]
    #[inline]
    fn read_found(found: Found<'_>) -> Option<Self> {
        Self::decode(found.value()?).ok()
    }

    /// The bytes that [`encode`](Self::encode) appends, exactly these, where the value has them in shared memory. A
    /// connection then writes large ones from there, without a copy. A type may leave this out.
    #[inline]
    fn as_shared(&self) -> Option<&Bytes> {
        None
    }

    /// The type of a list of such values. Only `u8` changes this: a `Vec<u8>` is a string of bytes.
    #[doc(hidden)]
    const LIST_TYPE: &'static Type = &Type::ListOf(crate::Shared::Static(Self::TYPE));

    #[doc(hidden)]
    fn encode_list<'a>(
        items: impl Iterator<Item = &'a Self>,
        out: &mut ValueWriter<'_>,
    ) -> Result<(), EncodeError>
    where
        Self: 'a,
    {
        list::encode(items, out, |item, out| item.encode(out))
    }

    #[doc(hidden)]
    fn decode_list(value: RawValue<'_>, cx: &mut dyn Context) -> Result<Vec<Self>, DecodeError> {
        list::decode(value, cx, |value, _| Self::decode(value))
    }
}

/// How much room bytes get where all of a box is written at once; more are copied as a whole later.
#[inline]
fn room_for(bytes: &[u8]) -> usize {
    match bytes.len() {
        few @ ..256 => few,
        _ => usize::MAX,
    }
}

/// Puts bytes at the front of a place, if that has room for them, and says how many these are.
#[inline]
fn put_first(place: &mut [u8], bytes: &[u8]) -> usize {
    match place.get_mut(..bytes.len()) {
        Some(place) => {
            place.copy_from_slice(bytes);
            bytes.len()
        }
        None => 0,
    }
}
