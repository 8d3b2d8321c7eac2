//! What a derive implements its traits for, and with which bounds.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{DeriveInput, GenericParam, Generics, Path, Type, WherePredicate, parse_quote};

/// The type that a derive stands on, and the crate that the code is written against.
pub(crate) struct Target<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    krate: Path,
}

impl<'a> Target<'a> {
    /// `krate` is what the user set `crate` to.
    pub(crate) fn new(input: &'a DeriveInput, krate: Option<Path>) -> Self {
        Self {
            ident: &input.ident,
            generics: &input.generics,
            krate: krate.unwrap_or_else(default_crate),
        }
    }

    /// The path to everything that generated code names.
    pub(crate) fn private(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::__private)
    }

    /// Whether a type depends on a parameter of the target, so that its impl needs a bound.
    ///
    /// A type that names the target itself gets none: whether it holds is what is being defined.
    pub(crate) fn needs_bound(&self, ty: &Type) -> bool {
        let parameters = self.generics.params.iter().filter_map(|parameter| {
            Some(match parameter {
                GenericParam::Type(parameter) => &parameter.ident,
                GenericParam::Const(parameter) => &parameter.ident,
                GenericParam::Lifetime(_) => return None,
            })
        });
        let tokens = ty.to_token_stream();
        let own = |ident: &Ident| ident == self.ident || ident == "Self";
        !names(&tokens, &own) && names(&tokens, &|ident| parameters.clone().any(|it| it == ident))
    }

    /// `#[automatically_derived] impl Trait for Target`, up to the brace.
    pub(crate) fn header(&self, of: &TokenStream, bounds: Vec<WherePredicate>) -> TokenStream {
        let mut generics = self.generics.clone();
        if !bounds.is_empty() {
            generics.make_where_clause().predicates.extend(bounds);
        }
        let (parameters, _, bounds) = generics.split_for_impl();
        let (_, arguments, _) = self.generics.split_for_impl();
        let ident = self.ident;
        quote! {
            #[automatically_derived]
            #[allow(deprecated)]
            impl #parameters #of for #ident #arguments #bounds
        }
    }
}

/// `::amp_rpc`.
pub(crate) fn default_crate() -> Path {
    parse_quote!(::amp_rpc)
}

/// The place of `span`, as a part of generated code, which lints leave alone.
pub(crate) fn generated_at(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

/// A local variable of generated code, which no name of the user's can be mistaken for.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The name of an identifier, `type` for `r#type`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

fn names(tokens: &TokenStream, wanted: &impl Fn(&Ident) -> bool) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => wanted(&ident),
        TokenTree::Group(group) => names(&group.stream(), wanted),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
