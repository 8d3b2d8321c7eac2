//! File descriptors.

use std::boxed::Box;
use std::format;
use std::os::fd::OwnedFd;
use std::vec::Vec;

use super::{Argument, Item, Single, list};
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// An open file that travels beside the stream, over connections whose transport can carry it: Unix
/// sockets. The box has its ordinal among the descriptors of its direction, in decimal.
///
/// What is sent is a duplicate, made when the box is encoded and closed when it is sent. The field's own
/// descriptor is closed with the command or answer that it is part of. The receiving side gets a
/// descriptor of its own for the same open file.
///
/// Twisted's `Descriptor` in lists: its `AmpList` can hold them, its `ListOf` cannot.
impl Single for OwnedFd {
    const TYPE: &'static Type = &Type::Descriptor;

    fn encode_with(
        &self,
        out: &mut ValueWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        if !cx.carries_descriptors() {
            return Err(not_carried());
        }
        let duplicate = self.try_clone().map_err(|error| {
            EncodeError::unencodable(format!("the file descriptor cannot be duplicated: {error}"))
        })?;
        let sent = cx.send_descriptor(Box::new(duplicate));
        sent.map_err(|_| not_carried())?.encode(out)
    }

    fn decode_with(value: RawValue<'_>, cx: &mut dyn Context) -> Result<Self, DecodeError> {
        let refused = |reason| DecodeError::refused("a file descriptor", reason);
        let ordinal = u64::decode(value)
            .map_err(|_| DecodeError::expected("the ordinal of a file descriptor", &value))?;
        if !cx.carries_descriptors() {
            return Err(refused(format!(
                "but the connection cannot carry any (the box has the ordinal {ordinal})"
            )));
        }
        let claimed = cx.claim_descriptor(ordinal).ok_or_else(|| {
            refused(format!(
                "but none with the ordinal {ordinal} has come, or it was taken before"
            ))
        })?;
        let descriptor = claimed.downcast().map_err(|_| {
            refused(format!(
                "but what came with the ordinal {ordinal} is something else"
            ))
        })?;
        Ok(*descriptor)
    }
}

/// A `ListOf`, which Twisted cannot read.
impl Item for OwnedFd {
    const LIST_TYPE: &'static Type = &Type::ListOf(crate::Shared::Static(&Type::Descriptor));

    fn encode_list<'a>(
        items: impl Iterator<Item = &'a Self>,
        out: &mut ValueWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError>
    where
        Self: 'a,
    {
        list::encode(items, out, |item, out| item.encode_with(out, cx))
    }

    fn decode_list(value: RawValue<'_>, cx: &mut dyn Context) -> Result<Vec<Self>, DecodeError> {
        list::decode(value, cx, Self::decode_with)
    }
}

#[cold]
fn not_carried() -> EncodeError {
    EncodeError::unencodable(
        "the connection cannot carry file descriptors; one over a Unix socket can",
    )
}
