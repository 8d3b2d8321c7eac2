//! `derive(Command)`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{DeriveInput, Path, Type, WherePredicate, parse_quote};

use crate::bytes::WireBytes;
use crate::case::Case;
use crate::fields::FieldSet;
use crate::options::read_attributes;
use crate::problems::Problems;
use crate::target::{Target, plain};

const WORDS: [&str; 10] = [
    "name",
    "response",
    "error",
    "no_answer",
    "idempotent",
    "closes",
    "switches",
    "starttls",
    "rename_all",
    "crate",
];

/// The name travels as a value.
const MAX_NAME: usize = 65_535;

/// What stands in the `#[amp(...)]` on the struct.
#[derive(Default)]
struct Options {
    name: Option<WireBytes>,
    response: Option<Type>,
    error: Option<Type>,
    no_answer: Option<Ident>,
    idempotent: Option<Ident>,
    /// The words for what the answer does to the connection; one is allowed.
    kinds: Vec<Ident>,
    rename_all: Option<Case>,
    krate: Option<Path>,
}

/// `derive(Command)`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut problems = Problems::default();
    let mut options = Options::read(input, &mut problems);
    let fields = FieldSet::read(input, options.rename_all, &mut problems);
    let target = Target::new(input, options.krate.take());
    let fields_impl = fields.emit(&target);
    // A struct with a lifetime cannot be a command, not even for the sake of fewer messages.
    let borrows = input.generics.lifetimes().next().is_some();
    let command_impl = (!borrows).then(|| options.emit(&target, &fields));
    quote!(#problems #fields_impl #command_impl)
}

impl Options {
    fn read(input: &DeriveInput, problems: &mut Problems) -> Self {
        let mut options = Self::default();
        read_attributes(&input.attrs, &WORDS, problems, |name, word| {
            match name {
                "name" => options.name = Some(word.bytes("\"Sum\"", MAX_NAME)?),
                "response" => options.response = Some(word.ty()?),
                "error" => options.error = Some(word.ty()?),
                "no_answer" => options.no_answer = Some(word.flag()?),
                "idempotent" => options.idempotent = Some(word.flag()?),
                "rename_all" => options.rename_all = Some(word.case()?),
                "crate" => options.krate = Some(word.path()?),
                _ => options.kinds.push(word.flag()?),
            }
            Ok(())
        });
        options.check(problems);
        options
    }

    fn check(&self, problems: &mut Problems) {
        let Some((kind, others)) = self.kinds.split_first() else {
            return;
        };
        for other in others {
            let message = format!(
                "`{kind}` and `{other}` exclude each other: an answer does one thing to the \
                 connection"
            );
            problems.report(other, message);
        }
        if let Some(no_answer) = &self.no_answer {
            if kind != "closes" {
                let message = format!(
                    "`{kind}` happens with the answer, so there must be one: leave out `no_answer`"
                );
                problems.report(no_answer, message);
            }
        }
        if let Some(idempotent) = &self.idempotent {
            if kind != "closes" {
                let message = format!(
                    "`{kind}` changes the connection, so it is never sent again on another: leave out \
                     `idempotent`"
                );
                problems.report(idempotent, message);
            }
        }
    }

    fn emit(&self, target: &Target<'_>, fields: &FieldSet<'_>) -> TokenStream {
        let private = target.private();
        let header = target.header(&quote!(#private::Command), self.bounds(target, fields));
        let name = match &self.name {
            Some(name) => name.clone(),
            None => WireBytes::new(plain(target.ident), target.ident.span()),
        };
        let response = match &self.response {
            Some(ty) => quote!(#ty),
            None => quote!(()),
        };
        let error = match &self.error {
            Some(ty) => quote!(#ty),
            None => quote!(#private::NoErrors),
        };
        let kind = self.kinds.first().map(|kind| {
            let kind = format_ident!("{}", kind_of(kind));
            quote!(const KIND: #private::CommandKind = #private::CommandKind::#kind;)
        });
        let wants_answer = self.no_answer.as_ref().map(|_| {
            quote!(
                const WANTS_ANSWER: #private::core::primitive::bool = false;
            )
        });
        let idempotent = self.idempotent.as_ref().map(|_| {
            quote!(
                const IDEMPOTENT: #private::core::primitive::bool = true;
            )
        });
        quote! {
            #header {
                type Response = #response;
                type Error = #error;
                const NAME: &'static [#private::core::primitive::u8] = #name;
                #kind
                #wants_answer
                #idempotent
            }
        }
    }

    /// What a generic command needs: its fields, and to be owned.
    fn bounds(&self, target: &Target<'_>, fields: &FieldSet<'_>) -> Vec<WherePredicate> {
        let private = target.private();
        let owned = quote!(#private::core::marker::Send + 'static);
        let mut bounds = fields.bounds(target);
        for parameter in target.generics.type_params() {
            let ident = &parameter.ident;
            bounds.push(parse_quote!(#ident: #owned));
        }
        if let Some(ty) = self.response.as_ref().filter(|ty| target.needs_bound(ty)) {
            bounds.push(parse_quote!(#ty: #private::Fields + #owned));
        }
        if let Some(ty) = self.error.as_ref().filter(|ty| target.needs_bound(ty)) {
            bounds.push(parse_quote!(#ty: #private::CommandError));
        }
        bounds
    }
}

/// The variant of `CommandKind` for a word.
fn kind_of(word: &Ident) -> &'static str {
    if word == "closes" {
        "ClosesAfterAnswer"
    } else if word == "switches" {
        "ProtocolSwitch"
    } else {
        "StartTls"
    }
}
