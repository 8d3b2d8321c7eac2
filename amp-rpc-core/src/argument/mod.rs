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
mod float;
mod integer;
pub mod list;
mod number;
#[cfg(feature = "std")]
mod path;
mod string;
mod unicode;

use alloc::vec::Vec;

use bytes::Bytes;

use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{BoxView, BoxWriter, Found, Front, Key, Prefix, RawValue, Room, ValueWriter};

pub use self::date_time::{DateTime, DateTimeError};
pub use self::decimal::{Decimal, DecimalError, DecimalParts};

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

/// What the elements of a list may be: an [`Argument`], another list, or a struct with
/// `#[derive(Fields)]`, which makes the list an AmpList.
#[diagnostic::on_unimplemented(
    message = "a list of `{Self}` is not an argument type of AMP",
    note = "implement `Argument` for a single value, or put `#[derive(amp_rpc::Fields)]` on a struct"
)]
pub trait Item: Sized {
    /// The type of the list in a schema.
    const LIST_TYPE: &'static Type;

    /// Appends the list.
    ///
    /// # Errors
    ///
    /// When an element cannot be encoded or is too long; the error names its index.
    fn encode_list<'a>(
        items: impl Iterator<Item = &'a Self>,
        out: &mut ValueWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError>
    where
        Self: 'a;

    /// Reads the list.
    ///
    /// # Errors
    ///
    /// When an element cannot be decoded, or the list ends within one; the error names its index.
    fn decode_list(value: RawValue<'_>, cx: &mut dyn Context) -> Result<Vec<Self>, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<T: Argument> Item for T {
    const LIST_TYPE: &'static Type = <T as Argument>::LIST_TYPE;

    fn encode_list<'a>(
        items: impl Iterator<Item = &'a Self>,
        out: &mut ValueWriter<'_>,
        _cx: &mut dyn Context,
    ) -> Result<(), EncodeError>
    where
        Self: 'a,
    {
        <T as Argument>::encode_list(items, out)
    }

    fn decode_list(value: RawValue<'_>, cx: &mut dyn Context) -> Result<Vec<Self>, DecodeError> {
        <T as Argument>::decode_list(value, cx)
    }
}

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

/// The box that a [`Field`] reads itself from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    key: Key<'a>,
    value: Option<RawValue<'a>>,
    whole: &'a BoxView<'a>,
}

impl<'a> Source<'a> {
    /// The field `key` of the box `whole`, where `value` stands.
    pub fn new(key: Key<'a>, value: Option<RawValue<'a>>, whole: &'a BoxView<'a>) -> Self {
        Self { key, value, whole }
    }

    /// The key that the command declares for the field.
    pub fn key(&self) -> Key<'a> {
        self.key
    }

    /// The value under that key, if there is one.
    pub fn value(&self) -> Option<RawValue<'a>> {
        self.value
    }

    /// The whole box, for a field that uses further keys.
    pub fn whole_box(&self) -> &'a BoxView<'a> {
        self.whole
    }
}

/// A member of a command's arguments or response; Twisted's `toBox` and `fromBox`.
///
/// A type may use several keys: `key` is the one that the command declares, and by custom the
/// others begin with it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an argument type of AMP",
    note = "implement `Argument` for a single value, or put `#[derive(amp_rpc::Fields)]` on a struct that stands in a `Vec`"
)]
pub trait Field: Sized {
    /// The type in a schema.
    const TYPE: &'static Type;

    /// Whether the field may be left out.
    const OPTIONAL: bool = false;

    /// Writes the field's pairs, or none where an optional value is absent.
    ///
    /// # Errors
    ///
    /// When the value cannot be encoded.
    fn to_box(
        &self,
        key: Key<'_>,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError>;

    /// Reads the field.
    ///
    /// # Errors
    ///
    /// When it is missing or cannot be decoded; the error names the key.
    fn from_box(source: Source<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError>;

    /// Whether [`room`](Self::room) may say how much that is.
    #[doc(hidden)]
    const HAS_ROOM: bool = false;

    /// The most bytes that the field's value takes, where they are few, so that [`put_in`](Self::put_in) can write its pair.
    #[doc(hidden)]
    #[inline]
    fn room(&self) -> usize {
        usize::MAX
    }

    /// Does what [`to_box`](Self::to_box) does in room for that.
    #[doc(hidden)]
    #[inline]
    fn put_in<const N: usize>(&self, prefix: &Prefix<N>, room: &mut Room<'_>) {
        let _ = (prefix, room);
    }

    /// Whether reading a value does nothing else, so that [`read_found`](Self::read_found) can be used.
    #[doc(hidden)]
    const IS_PLAIN: bool = false;

    /// Finds the field's value at the front of a box, with at least so many bytes behind it. `None` says nothing:
    /// [`from_box`](Self::from_box) does.
    #[doc(hidden)]
    #[inline]
    fn find_value<'a, const N: usize>(
        front: &mut Front<'a>,
        prefix: &Prefix<N>,
        behind: usize,
    ) -> Option<Found<'a>> {
        let _ = (front, prefix, behind);
        None
    }

    /// Reads what was found.
    #[doc(hidden)]
    #[inline]
    fn read_found(found: Found<'_>) -> Option<Self> {
        let _ = found;
        None
    }

    /// [`to_box`](Self::to_box) as a call.
    #[doc(hidden)]
    #[inline(never)]
    fn to_box_apart(
        &self,
        key: Key<'_>,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        self.to_box(key, out, cx)
    }

    /// [`put_in`](Self::put_in) as a call: one function for all keys of a length.
    #[doc(hidden)]
    #[inline(never)]
    fn put_apart<const N: usize>(&self, prefix: &Prefix<N>, room: &mut Room<'_>) {
        self.put_in(prefix, room);
    }

    /// [`find_value`](Self::find_value) and [`read_found`](Self::read_found) as one call.
    #[doc(hidden)]
    #[inline(never)]
    fn take<const N: usize>(front: &mut Front<'_>, prefix: &Prefix<N>) -> Option<Self> {
        Self::read_found(Self::find_value(front, prefix, 0)?)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Single> Field for T {
    const TYPE: &'static Type = <T as Single>::TYPE;
    const IS_PLAIN: bool = <T as Single>::IS_PLAIN;
    const HAS_ROOM: bool = <T as Single>::HAS_ROOM;

    #[inline]
    fn to_box(
        &self,
        key: Key<'_>,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        put_single(self, key, out, cx)
    }

    #[inline]
    fn from_box(source: Source<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError> {
        match source.value {
            Some(value) => T::decode_with(value, cx).map_err(|error| error.at(source.key)),
            None => Err(missing(<T as Single>::TYPE).at(source.key)),
        }
    }

    #[inline]
    fn room(&self) -> usize {
        Single::room(self)
    }

    #[inline]
    fn put_in<const N: usize>(&self, prefix: &Prefix<N>, room: &mut Room<'_>) {
        room.put(prefix, Single::room(self), |place| self.encode_in(place));
    }

    #[inline(always)]
    fn find_value<'a, const N: usize>(
        front: &mut Front<'a>,
        prefix: &Prefix<N>,
        behind: usize,
    ) -> Option<Found<'a>> {
        if T::IS_SHORT {
            front.find_short(prefix, behind)
        } else {
            front.find(prefix)
        }
    }

    #[inline(always)]
    fn read_found(found: Found<'_>) -> Option<Self> {
        <T as Single>::read_found(found)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Single> Field for Option<T> {
    const TYPE: &'static Type = <T as Single>::TYPE;
    const OPTIONAL: bool = true;
    const IS_PLAIN: bool = <T as Single>::IS_PLAIN;
    const HAS_ROOM: bool = <T as Single>::HAS_ROOM;

    #[inline]
    fn to_box(
        &self,
        key: Key<'_>,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        match self {
            Some(value) => put_single(value, key, out, cx),
            None => Ok(()),
        }
    }

    #[inline]
    fn from_box(source: Source<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError> {
        source
            .value
            .map(|value| T::decode_with(value, cx).map_err(|error| error.at(source.key)))
            .transpose()
    }

    #[inline]
    fn room(&self) -> usize {
        self.as_ref().map_or(0, Single::room)
    }

    #[inline]
    fn put_in<const N: usize>(&self, prefix: &Prefix<N>, room: &mut Room<'_>) {
        if let Some(value) = self {
            room.put(prefix, value.room(), |place| value.encode_in(place));
        }
    }

    #[inline(always)]
    fn find_value<'a, const N: usize>(
        front: &mut Front<'a>,
        prefix: &Prefix<N>,
        behind: usize,
    ) -> Option<Found<'a>> {
        if front.is_next(prefix) {
            <T as Field>::find_value(front, prefix, behind)
        } else {
            Some(Found::NONE)
        }
    }

    #[inline(always)]
    fn read_found(found: Found<'_>) -> Option<Self> {
        if found.is_some() {
            <T as Single>::read_found(found).map(Some)
        } else {
            Some(None)
        }
    }
}

/// Appends the pair of a value.
#[inline(always)]
fn put_single<T: Single>(
    value: &T,
    key: Key<'_>,
    out: &mut BoxWriter<'_>,
    cx: &mut dyn Context,
) -> Result<(), EncodeError> {
    if T::MOST < usize::MAX {
        return out.pair_in_place(key, T::MOST, |place| value.encode_in(place));
    }
    match value.as_shared() {
        Some(bytes) => out.put_shared(key, bytes, cx),
        None => out.pair(key, |out| value.encode_with(out, cx)),
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

/// The error for a required field of type `ty` that is not in the box.
#[cold]
pub(crate) fn missing(ty: &Type) -> DecodeError {
    DecodeError::missing(alloc::format!("a value of type {ty}"))
}
