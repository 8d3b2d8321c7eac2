//! The fields of one box together: a command's arguments, its response, or a row of an AmpList.

use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::FieldSchema;
use crate::wire::{AtOnce, BoxLength, BoxView, BoxWriter, Front, Need};

/// A struct whose fields travel as the pairs of one box.
///
/// Derive it (`#[derive(Fields)]`) for responses and for the rows of an AmpList;
/// `#[derive(Command)]` implements it for a command's arguments. `()` has no fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of fields",
    note = "put `#[derive(amp_rpc::Fields)]` on the struct"
)]
pub trait Fields: Sized {
    /// The fields in ascending order of their keys, as they are sent.
    const FIELDS: &'static [FieldSchema];

    /// Writes the pairs. Runs while its connection is locked: it must not block, nor use that connection
    /// itself.
    ///
    /// # Errors
    ///
    /// When a value cannot be encoded; the error names its key.
    fn to_box(&self, out: &mut BoxWriter<'_>, cx: &mut dyn Context) -> Result<(), EncodeError>;

    /// Writes the whole box at once, where that can be done, and says whether it has. Where not, nothing was done:
    /// [`to_box`](Self::to_box) does it.
    #[doc(hidden)]
    fn to_box_at_once(&self, out: &mut AtOnce<'_>) -> bool {
        let _ = out;
        false
    }

    /// Reads the pairs; keys that are not fields are ignored.
    ///
    /// # Errors
    ///
    /// When a required key is missing or a value is not of its type; the error names the key.
    fn from_box(view: &BoxView<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError>;

    /// Reads the pairs off the front of a buffer, and the end of the box behind them, where they are these in
    /// ascending order of their keys and no others; in that case does what [`from_box`](Self::from_box) does with the
    /// box, in less time. The derives implement this; without it, every box is any other.
    ///
    /// # Errors
    ///
    /// `Some` when a value is not of its type; the error names the key. `None` says that the box may be any other, and that
    /// nothing was done: it is looked at with a [`Decoder`](crate::wire::Decoder) then, and read by `from_box`.
    fn from_front(front: Front<'_>, cx: &mut dyn Context) -> FromFront<Self> {
        let _ = (front, cx);
        Err(None)
    }
}

/// What [`Fields::from_front`] has read: the fields, and how long their box is, from its beginning, which may be in front of the
/// fields. Without an error, `Err` says that the box may be any other.
pub type FromFront<T> = Result<(T, BoxLength), Option<DecodeError>>;

impl Fields for () {
    const FIELDS: &'static [FieldSchema] = &[];

    fn to_box(&self, _out: &mut BoxWriter<'_>, _cx: &mut dyn Context) -> Result<(), EncodeError> {
        Ok(())
    }

    fn to_box_at_once(&self, out: &mut AtOnce<'_>) -> bool {
        out.put(Need::NONE, |_| {})
    }

    fn from_box(_view: &BoxView<'_>, _cx: &mut dyn Context) -> Result<Self, DecodeError> {
        Ok(())
    }

    fn from_front(front: Front<'_>, _cx: &mut dyn Context) -> FromFront<Self> {
        Ok(((), BoxLength::of(&front.end().ok_or(None)?)))
    }
}

/// Anything that can write itself as the pairs of a box: every [`Fields`], an
/// [`AmpBox`](crate::AmpBox), dynamic values.
///
/// The conversation only needs this much of what it sends.
pub trait WriteFields {
    /// Writes the pairs.
    ///
    /// # Errors
    ///
    /// When a value cannot be encoded; the error names its key.
    fn write_fields(
        &self,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError>;

    /// What [`Fields::to_box_at_once`] says.
    #[doc(hidden)]
    fn write_at_once(&self, out: &mut AtOnce<'_>) -> bool {
        let _ = out;
        false
    }
}

impl<T: Fields> WriteFields for T {
    fn write_fields(
        &self,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        self.to_box(out, cx)
    }

    fn write_at_once(&self, out: &mut AtOnce<'_>) -> bool {
        self.to_box_at_once(out)
    }
}
