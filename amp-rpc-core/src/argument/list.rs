//! Lists: Twisted's `ListOf` and `AmpList`.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
#[cfg(feature = "std")]
use core::hash::{BuildHasher, Hash};
#[cfg(feature = "std")]
use std::collections::HashSet;

use super::{Item, Single};
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::fields::Fields;
use crate::schema::Type;
use crate::wire::{Decoder, Limits, RawValue, ValueWriter};

/// Writes a `ListOf`: each element behind its 16-bit length.
pub(crate) fn encode<T>(
    items: impl Iterator<Item = T>,
    out: &mut ValueWriter<'_>,
    mut encode: impl FnMut(T, &mut ValueWriter<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    for (index, item) in items.enumerate() {
        out.element(|out| encode(item, out))
            .map_err(|error| error.at_index(index))?;
    }
    Ok(())
}

/// Reads a `ListOf`.
pub(crate) fn decode<T>(
    value: RawValue<'_>,
    cx: &mut dyn Context,
    mut decode: impl FnMut(RawValue<'_>, &mut dyn Context) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    decode_in_place(value, Vec::new(), cx, |element, _, cx| decode(element, cx))
}

/// The same, behind `items`. `decode` also gets all of the list up to the end of the element.
#[inline(always)]
pub(super) fn decode_in_place<T>(
    value: RawValue<'_>,
    mut items: Vec<T>,
    cx: &mut dyn Context,
    mut decode: impl FnMut(RawValue<'_>, &[u8], &mut dyn Context) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let bytes = value.as_bytes();
    let mut at = 0;
    while let Some((length, behind)) = bytes[at..].split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some(element) = behind.get(..length) else {
            break;
        };
        at += 2 + length;
        let item = decode(value.part(element), &bytes[..at], cx);
        items.push(item.map_err(|error| error.at_index(items.len()))?);
    }
    if at < bytes.len() && !cx.cuts_lists() {
        let problem = "but the list ends in the middle of it";
        return Err(DecodeError::refused("a whole element", problem).at_index(items.len()));
    }
    Ok(items)
}

/// Writes an `AmpList`: each element as a whole box. Used by `#[derive(Fields)]`.
///
/// # Errors
///
/// When a field cannot be encoded; the error names the row and the key.
pub fn encode_rows<'a, T: Fields + 'a>(
    rows: impl Iterator<Item = &'a T>,
    out: &mut ValueWriter<'_>,
    cx: &mut dyn Context,
) -> Result<(), EncodeError> {
    for (index, row) in rows.enumerate() {
        if row.to_box_at_once(&mut out.nested()) {
            continue;
        }
        out.nested_box(|out| row.to_box(out, cx))
            .map_err(|error| error.at_index(index))?;
    }
    Ok(())
}

/// Reads an `AmpList`. Used by `#[derive(Fields)]`.
///
/// # Errors
///
/// When a row cannot be decoded or is cut off; the error names the row and the key.
pub fn decode_rows<T: Fields>(
    value: RawValue<'_>,
    cx: &mut dyn Context,
) -> Result<Vec<T>, DecodeError> {
    let mut rows = Vec::new();
    let mut rest = value.as_bytes();
    let decoder = Decoder::new(Limits::DEFAULT);
    // As long as the rows are as they are expected to be.
    while let Some(front) = decoder.front(rest).map(|front| front.beside(value)) {
        match T::from_front(front, cx) {
            Ok((row, length)) => {
                rest = &rest[length.get()..];
                rows.push(row);
            }
            Err(None) => break,
            Err(Some(error)) => return Err(error.at_index(rows.len())),
        }
    }
    decode_boxes(value.part(rest), rows, cx, |view, cx| T::from_box(view, cx))
}

/// Reads an `AmpList` whose rows `decode` understands, behind the rows that are read already.
pub(crate) fn decode_boxes<T>(
    value: RawValue<'_>,
    mut rows: Vec<T>,
    cx: &mut dyn Context,
    mut decode: impl FnMut(&crate::wire::BoxView<'_>, &mut dyn Context) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut rest = value.as_bytes();
    // The value is in memory already: no further limit is needed.
    let mut decoder = Decoder::new(Limits::DEFAULT);
    while !rest.is_empty() {
        let frame = match decoder.decode(rest) {
            Ok(Some(frame)) => frame,
            Ok(None) if cx.cuts_lists() => break,
            Ok(None) => {
                let problem = "but the list ends in the middle of it";
                return Err(DecodeError::refused("a whole box", problem).at_index(rows.len()));
            }
            Err(error) => {
                let problem = alloc::format!("but {error}");
                return Err(DecodeError::refused("a whole box", problem).at_index(rows.len()));
            }
        };
        rest = &rest[frame.len()..];
        let view = value.view(frame.view());
        rows.push(decode(&view, cx).map_err(|error| error.at_index(rows.len()))?);
    }
    Ok(rows)
}

/// Containers that are lists on the wire: as arguments, and as elements of other lists.
macro_rules! lists {
    ($($(#[$about:meta])* [$($generics:tt)*] $list:ty;)*) => {$(
        $(#[$about])*
        impl<$($generics)*> Single for $list {
            const TYPE: &'static Type = T::LIST_TYPE;

            fn encode_with(
                &self,
                out: &mut ValueWriter<'_>,
                cx: &mut dyn Context,
            ) -> Result<(), EncodeError> {
                T::encode_list(self.iter(), out, cx)
            }

            fn decode_with(value: RawValue<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError> {
                T::decode_list(value, cx).map(|items| items.into_iter().collect())
            }
        }

        $(#[$about])*
        impl<$($generics)*> Item for $list {
            const LIST_TYPE: &'static Type = &Type::ListOf(crate::Shared::Static(T::LIST_TYPE));

            fn encode_list<'a>(
                items: impl Iterator<Item = &'a Self>,
                out: &mut ValueWriter<'_>,
                cx: &mut dyn Context,
            ) -> Result<(), EncodeError>
            where
                Self: 'a,
            {
                encode(items, out, |item, out| item.encode_with(out, cx))
            }

            fn decode_list(
                value: RawValue<'_>,
                cx: &mut dyn Context,
            ) -> Result<Vec<Self>, DecodeError> {
                decode(value, cx, Self::decode_with)
            }
        }
    )*};
}

lists! {
    [T: Item] Vec<T>;
    [T: Item] VecDeque<T>;
    [T: Item] Box<[T]>;
    [T: Item] Arc<[T]>;
    /// A list in ascending order. Repeated elements of a received list become one.
    [T: Item + Ord] BTreeSet<T>;
}

#[cfg(feature = "std")]
lists! {
    /// A list in no particular order. Repeated elements of a received list become one.
    [T: Item + Eq + Hash, S: BuildHasher + Default] HashSet<T, S>;
}
