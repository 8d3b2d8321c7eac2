//! Names and codes as they travel: bytes of any value.

use std::fmt;

use proc_macro2::{Literal, Span, TokenStream};
use quote::ToTokens;

/// Bytes of the program, and the place where they are written.
#[derive(Clone)]
pub(crate) struct WireBytes {
    value: Vec<u8>,
    span: Span,
}

impl WireBytes {
    pub(crate) fn new(value: impl Into<Vec<u8>>, span: Span) -> Self {
        Self {
            value: value.into(),
            span,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.value
    }

    /// Where to show a mistake.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// A byte string literal that begins with the 16-bit length, as keys stand on the wire.
    ///
    /// The length must be at most 255.
    pub(crate) fn prefixed(&self) -> Literal {
        let length = u8::try_from(self.value.len()).expect("a key that was checked");
        let prefixed = [&[0, length], &*self.value].concat();
        Literal::byte_string(&prefixed)
    }

    /// The same with room for the 16-bit length of a value behind it.
    pub(crate) fn prefix(&self) -> Literal {
        let length = u8::try_from(self.value.len()).expect("a key that was checked");
        let prefix = [&[0, length], &*self.value, &[0, 0]].concat();
        Literal::byte_string(&prefix)
    }

    /// How long that is.
    pub(crate) fn prefix_length(&self) -> usize {
        self.value.len() + 4
    }
}

/// A byte string literal.
impl ToTokens for WireBytes {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        Literal::byte_string(&self.value).to_tokens(tokens);
    }
}

/// What the bytes mean to a reader; what is not printable ASCII is escaped.
impl fmt::Display for WireBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.value) {
            Ok(text) if !text.contains(char::is_control) => f.write_str(text),
            _ => self.value.escape_ascii().fmt(f),
        }
    }
}
