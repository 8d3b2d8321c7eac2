//! File system paths.

use std::path::PathBuf;

use super::Argument;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// A path as UTF-8 text.
///
/// Twisted makes a received path absolute against its own working directory and removes `.`, `..`
/// and doubled slashes. Here it stays as it was sent: what a program opens should be its own
/// decision.
impl Argument for PathBuf {
    const TYPE: &'static Type = &Type::Path;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        let text = self
            .to_str()
            .ok_or_else(|| EncodeError::unencodable("the path is not UTF-8"))?;
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        core::str::from_utf8(&value)
            .map(Self::from)
            .map_err(|_| DecodeError::expected("a path in UTF-8", &value))
    }
}
