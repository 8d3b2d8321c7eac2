//! The words in `#[amp(...)]`.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Lit, LitStr, Path, Result, Token, Type};

use crate::bytes::WireBytes;
use crate::case::Case;
use crate::problems::Problems;

/// One word of an attribute, before what it is set to has been read.
pub(crate) struct Word<'a> {
    ident: Ident,
    input: ParseStream<'a>,
}

/// Calls `each` for every word in the `#[amp(...)]` among `attributes`; only words of `allowed` get
/// there, and each once. Everything else is reported, and reading goes on behind it.
pub(crate) fn read_attributes(
    attributes: &[Attribute],
    allowed: &[&str],
    problems: &mut Problems,
    mut each: impl FnMut(&str, &Word<'_>) -> Result<()>,
) {
    let mut seen = HashSet::new();
    for attribute in attributes {
        if attribute.path().is_ident("amp") {
            let read = attribute.parse_args_with(|input: ParseStream<'_>| {
                read_words(input, allowed, &mut seen, problems, &mut each);
                Ok(())
            });
            if let Err(error) = read {
                problems.push(error);
            }
        }
    }
}

/// The same for the words that stand directly in the parentheses of an attribute macro.
pub(crate) fn read_words(
    input: ParseStream<'_>,
    allowed: &[&str],
    seen: &mut HashSet<String>,
    problems: &mut Problems,
    mut each: impl FnMut(&str, &Word<'_>) -> Result<()>,
) {
    while !input.is_empty() {
        if let Err(error) = read_word(input, allowed, seen, &mut each) {
            problems.push(error);
            skip_to_comma(input);
        }
        if let Err(error) = comma(input) {
            problems.push(error);
            skip_to_comma(input);
            // Either the comma or the end: `comma` takes both.
            let _ = comma(input);
        }
    }
}

fn read_word(
    input: ParseStream<'_>,
    allowed: &[&str],
    seen: &mut HashSet<String>,
    each: &mut impl FnMut(&str, &Word<'_>) -> Result<()>,
) -> Result<()> {
    let hint = || match allowed {
        [] => "none are allowed here".to_owned(),
        _ => format!("allowed here: {}", listed(allowed.iter().copied())),
    };
    let Ok(ident) = input.call(Ident::parse_any) else {
        let message = format!("expected the name of an attribute; {}", hint());
        return Err(input.error(message));
    };
    let name = ident.unraw().to_string();
    if !allowed.contains(&name.as_str()) {
        let message = format!("unknown attribute `{name}`; {}", hint());
        return Err(Error::new(ident.span(), message));
    }
    if !seen.insert(name.clone()) {
        let message = format!("`{name}` is given twice");
        return Err(Error::new(ident.span(), message));
    }
    each(&name, &Word { ident, input })
}

/// Takes the comma between two words, or finds the end.
fn comma(input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
        return Ok(());
    }
    Err(input.error("expected `,` before the next attribute"))
}

/// Skips what is left of a word that could not be read; commas in `<…>` belong to it.
fn skip_to_comma(input: ParseStream<'_>) {
    let mut depth = 0_usize;
    while !input.is_empty() && (depth > 0 || !input.peek(Token![,])) {
        if input.peek(Token![->]) {
            let _ = input.parse::<Token![->]>();
            continue;
        }
        if let Ok(TokenTree::Punct(punct)) = input.parse::<TokenTree>() {
            match punct.as_char() {
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

impl Word<'_> {
    /// For a word that is not set to anything.
    pub(crate) fn flag(&self) -> Result<Ident> {
        if self.input.is_empty() || self.input.peek(Token![,]) {
            return Ok(self.ident.clone());
        }
        let message = format!("`{}` stands alone, it takes no value", self.ident);
        Err(Error::new(self.ident.span(), message))
    }

    /// For a word that is set to a type.
    pub(crate) fn ty(&self) -> Result<Type> {
        self.value("a type", "Total", Type::parse)
    }

    /// For a word that is set to a path.
    pub(crate) fn path(&self) -> Result<Path> {
        self.value("a path", "my_amp", Path::parse_mod_style)
    }

    /// For a word that is set to an identifier.
    pub(crate) fn name(&self) -> Result<Ident> {
        self.value("an identifier", "calculator", Ident::parse)
    }

    /// For a word that is set to bytes as they travel, of which there may be `limit`.
    pub(crate) fn bytes(&self, example: &str, limit: usize) -> Result<WireBytes> {
        let lit: Lit = self.value("a string or a byte string", example, Lit::parse)?;
        let value = match &lit {
            Lit::Str(text) => text.value().into_bytes(),
            Lit::ByteStr(bytes) => bytes.value(),
            other => return Err(self.expected(other, "a string or a byte string", example)),
        };
        if value.len() > limit {
            let message = format!("{} bytes are too long, the limit is {limit}", value.len());
            return Err(Error::new_spanned(lit, message));
        }
        Ok(WireBytes::new(value, lit.span()))
    }

    /// For `rename_all`.
    pub(crate) fn case(&self) -> Result<Case> {
        let lit: LitStr = self.value("a string", "\"kebab-case\"", <LitStr as Parse>::parse)?;
        Case::parse(&lit.value()).ok_or_else(|| {
            let allowed = listed(Case::names());
            let message = format!("unknown case `{}`; allowed here: {allowed}", lit.value());
            Error::new_spanned(lit, message)
        })
    }

    /// Reads `= value`; `kind` and `example` say what it must be.
    fn value<T>(
        &self,
        kind: &str,
        example: &str,
        parse: impl FnOnce(ParseStream<'_>) -> Result<T>,
    ) -> Result<T> {
        if self.input.parse::<Option<Token![=]>>()?.is_none() {
            return Err(self.expected(&self.ident, kind, example));
        }
        let ahead = self.input.fork();
        parse(self.input).map_err(|_| match ahead.parse::<TokenTree>() {
            Ok(token) => self.expected(token, kind, example),
            Err(_) => self.expected(&self.ident, kind, example),
        })
    }

    fn expected(&self, token: impl ToTokens, kind: &str, example: &str) -> Error {
        let word = &self.ident;
        let message = format!("`{word}` needs {kind}, as in `{word} = {example}`");
        Error::new_spanned(token, message)
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    words.join(", ")
}
