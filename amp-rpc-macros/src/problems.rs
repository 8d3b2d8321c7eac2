//! The mistakes of one macro call, gathered so that all are reported at once.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// What is wrong with the input so far.
#[derive(Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    /// Adds a mistake, shown on `word`.
    pub(crate) fn report(&mut self, word: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(word, message));
    }

    /// Adds a mistake.
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds all mistakes of `others`.
    pub(crate) fn append(&mut self, others: Self) {
        if let Some(error) = others.0 {
            self.push(error);
        }
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Prints as one `compile_error!` per mistake.
impl ToTokens for Problems {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if let Some(all) = &self.0 {
            tokens.extend(all.to_compile_error());
        }
    }
}
