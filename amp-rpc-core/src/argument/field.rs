//! Members of a box, under one key or several, or left out.

use super::Single;
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{BoxView, BoxWriter, Found, Front, Key, Prefix, RawValue, Room};

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

    /// What `Argument` says of this.
    #[doc(hidden)]
    const IS_SHORT: bool = false;

    /// Reads the value that was found at the front of a box, if any. `None` says nothing: [`from_box`](Self::from_box) does.
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

    /// Finds the value and reads it, by one call.
    #[doc(hidden)]
    #[inline(never)]
    fn take<const N: usize>(front: &mut Front<'_>, prefix: &Prefix<N>) -> Option<Self> {
        let found = front.find(prefix, 0, Self::IS_SHORT, Self::OPTIONAL)?;
        Self::read_found(found)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Single> Field for T {
    const TYPE: &'static Type = <T as Single>::TYPE;
    const IS_PLAIN: bool = <T as Single>::IS_PLAIN;
    const IS_SHORT: bool = <T as Single>::IS_SHORT;
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
    fn read_found(found: Found<'_>) -> Option<Self> {
        <T as Single>::read_found(found)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Single> Field for Option<T> {
    const TYPE: &'static Type = <T as Single>::TYPE;
    const OPTIONAL: bool = true;
    const IS_PLAIN: bool = <T as Single>::IS_PLAIN;
    const IS_SHORT: bool = <T as Single>::IS_SHORT;
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

/// The error for a required field of type `ty` that is not in the box.
#[cold]
pub(crate) fn missing(ty: &Type) -> DecodeError {
    DecodeError::missing(alloc::format!("a value of type {ty}"))
}
