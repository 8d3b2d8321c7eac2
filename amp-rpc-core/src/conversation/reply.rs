//! Answers and errors as they are sent.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use super::tag::Tag;
use crate::command::RemoteError;
use crate::context::Context;
use crate::error::{EncodeError, EncodeProblem};
use crate::excerpt::Excerpt;
use crate::fields::WriteFields;
use crate::schema::ErrorSchema;
use crate::wire::{AtOnce, BoxWriter, Limits, ProtocolPairs, protocol};

/// The code of every failure that is not declared.
pub const UNKNOWN: &[u8] = b"UNKNOWN";
/// The code for a command that nobody carries out.
pub const UNHANDLED: &[u8] = b"UNHANDLED";
/// The code for a `StartTLS` that cannot be granted.
pub const TLS_ERROR: &[u8] = b"TLS_ERROR";

/// The code for an ask that is refused because something else is under way.
pub const BUSY: &[u8] = b"BUSY";

/// What `UNKNOWN` says where it must not tell any details.
pub(super) const UNKNOWN_ERROR: &str = "Unknown Error";

/// An error as it is sent.
pub(super) struct Reply<'a> {
    pub(super) code: &'a [u8],
    description: Cow<'a, str>,
    pub(super) fatal: bool,
    /// It is `UNKNOWN`, behind which Twisted closes.
    pub(super) undeclared: bool,
}

impl<'a> Reply<'a> {
    pub(super) fn declared(schema: &'a ErrorSchema, description: impl Into<Cow<'a, str>>) -> Self {
        Self {
            code: &schema.code,
            description: description.into(),
            fatal: schema.fatal,
            undeclared: false,
        }
    }

    pub(super) fn remote(error: &'a RemoteError) -> Self {
        Self {
            code: &error.code,
            description: Cow::Borrowed(&error.description),
            fatal: error.fatal,
            undeclared: false,
        }
    }

    pub(super) fn unknown(description: impl Into<Cow<'a, str>>) -> Self {
        Self {
            code: UNKNOWN,
            description: description.into(),
            fatal: false,
            undeclared: true,
        }
    }

    pub(super) fn unhandled(name: &[u8]) -> Self {
        Self {
            code: UNHANDLED,
            description: Cow::Owned(format!("Unhandled Command: {}", Excerpt(name))),
            fatal: false,
            undeclared: false,
        }
    }
}

#[inline]
pub(super) fn write_answer(
    tag: &[u8],
    fields: &dyn WriteFields,
    limits: Limits,
    out: &mut Vec<u8>,
    cx: &mut dyn Context,
) -> Result<(), EncodeError> {
    write_box(ProtocolPairs::Answer { tag }, fields, limits, out, cx)
}

/// Writes a box of the protocol's pairs and others. Where it cannot be encoded, `out` is as before.
#[inline(always)]
pub(super) fn write_box<F: WriteFields + ?Sized>(
    protocol: ProtocolPairs<'_>,
    fields: &F,
    limits: Limits,
    out: &mut Vec<u8>,
    cx: &mut dyn Context,
) -> Result<(), EncodeError> {
    let mut at_once = AtOnce::new(out, limits, protocol);
    if fields.write_at_once(&mut at_once) {
        return Ok(());
    }
    write_any_box(at_once.into_writer(), fields, cx)
}

/// The same for boxes that are not written at once.
#[inline(never)]
fn write_any_box<F: WriteFields + ?Sized>(
    mut writer: BoxWriter<'_>,
    fields: &F,
    cx: &mut dyn Context,
) -> Result<(), EncodeError> {
    let written = (fields.write_fields(&mut writer, cx)).and_then(|()| writer.end(Some(cx)));
    if written.is_err() {
        cx.give_up_box();
    }
    written
}

pub(super) fn write_error(
    tag: &Tag,
    reply: &Reply<'_>,
    limits: Limits,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let description = cut(&reply.description, limits.value_bytes).as_bytes();
    let mut writer = BoxWriter::new(out, limits, &[]);
    writer.put(protocol::ERROR, tag.as_bytes())?;
    writer.put(protocol::ERROR_CODE, reply.code)?;
    writer.put(protocol::ERROR_DESCRIPTION, description)?;
    writer.finish()
}

/// The beginning of a text that fits a value, cut between characters.
fn cut(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Whether the framing refuses a value as such. Elements of a list that are too long fail earlier
/// in Twisted, and are answered there as well.
pub(super) fn is_too_long(error: &EncodeError) -> bool {
    matches!(error.problem(), EncodeProblem::ValueTooLong { .. }) && error.depth() == 1
}
