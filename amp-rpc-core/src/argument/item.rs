//! What the elements of a list may be.

use alloc::vec::Vec;

use super::Argument;
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

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
