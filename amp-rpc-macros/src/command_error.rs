//! `derive(CommandError)`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Path, Type, Variant, WherePredicate, parse_quote_spanned};

use crate::bytes::WireBytes;
use crate::case::Case;
use crate::options::read_attributes;
use crate::problems::Problems;
use crate::target::{Target, generated_at, local, plain};

const CONTAINER_WORDS: [&str; 2] = ["rename_all", "crate"];
const VARIANT_WORDS: [&str; 4] = ["code", "fatal", "other", "include"];

/// A code travels as a value.
const MAX_CODE: usize = 65_535;

/// A variant with a code of its own.
struct Own<'a> {
    ident: &'a Ident,
    /// The type that receives the description that a peer sent, where there is one.
    text: Option<&'a Type>,
    code: WireBytes,
    fatal: Option<Ident>,
    other: Option<Ident>,
}

/// A variant that holds another enum of errors.
struct Included<'a> {
    ident: &'a Ident,
    ty: &'a Type,
}

/// The errors of the enum, both in the order of their declaration.
#[derive(Default)]
struct Model<'a> {
    own: Vec<Own<'a>>,
    included: Vec<Included<'a>>,
    /// Whether some variant could not be read, so that a match over the others is not whole.
    incomplete: bool,
}

/// What stands in the `#[amp(...)]` on a variant.
#[derive(Default)]
struct Options {
    code: Option<WireBytes>,
    fatal: Option<Ident>,
    other: Option<Ident>,
    include: Option<Ident>,
}

/// `derive(CommandError)`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut problems = Problems::default();
    let (mut rename_all, mut krate) = (None::<Case>, None::<Path>);
    read_attributes(
        &input.attrs,
        &CONTAINER_WORDS,
        &mut problems,
        |name, word| {
            match name {
                "rename_all" => rename_all = Some(word.case()?),
                _ => krate = Some(word.path()?),
            }
            Ok(())
        },
    );
    let model = Model::read(input, rename_all, &mut problems);
    let error_impl = model.emit(&Target::new(input, krate));
    quote!(#problems #error_impl)
}

impl<'a> Model<'a> {
    fn read(input: &'a DeriveInput, rename_all: Option<Case>, problems: &mut Problems) -> Self {
        let mut model = Self::default();
        let message = "errors are an enum: each variant is one error";
        match &input.data {
            Data::Enum(data) => {
                for variant in &data.variants {
                    model.read_variant(variant, rename_all, problems);
                }
            }
            Data::Struct(data) => {
                problems.report(data.struct_token, message);
                model.incomplete = true;
            }
            Data::Union(data) => {
                problems.report(data.union_token, message);
                model.incomplete = true;
            }
        }
        model.report_repetitions(problems);
        model
    }

    fn read_variant(
        &mut self,
        variant: &'a Variant,
        rename_all: Option<Case>,
        problems: &mut Problems,
    ) {
        let mut own = Problems::default();
        let options = Options::read(variant, &mut own);
        let understood = own.is_empty();
        problems.append(own);
        let ident = &variant.ident;
        let ty = match sole_type(variant) {
            Ok(ty) => ty,
            Err(error) => {
                problems.push(error);
                self.incomplete = true;
                return;
            }
        };
        if let Some(include) = &options.include {
            match ty {
                Some(ty) => self.included.push(Included { ident, ty }),
                None => {
                    let message = format!(
                        "`include` takes over the errors of another enum, which the variant \
                         holds, as in `{ident}(OtherError)`"
                    );
                    problems.report(include, message);
                    self.incomplete = true;
                }
            }
            return;
        }
        let code = match (options.code, rename_all) {
            (Some(code), _) => code,
            (None, Some(case)) => WireBytes::new(case.of_variant(&plain(ident)), ident.span()),
            // What was not understood may have been meant as the code.
            (None, None) if !understood => {
                self.incomplete = true;
                return;
            }
            (None, None) => {
                let code = Case::ScreamingSnake.of_variant(&plain(ident));
                let message = format!(
                    "the error `{ident}` needs a code: `#[amp(code = \"{code}\")]` on the \
                     variant, or `#[amp(rename_all = \"SCREAMING_SNAKE_CASE\")]` on the enum"
                );
                problems.report(ident, message);
                self.incomplete = true;
                return;
            }
        };
        self.own.push(Own {
            ident,
            text: ty,
            code,
            fatal: options.fatal,
            other: options.other,
        });
    }

    /// Reports codes that two variants have, and a second catch-all.
    fn report_repetitions(&self, problems: &mut Problems) {
        for (index, error) in self.own.iter().enumerate() {
            let before = &self.own[..index];
            let same = |other: &&Own<'_>| other.code.as_bytes() == error.code.as_bytes();
            if let Some(first) = before.iter().find(same) {
                let message = format!(
                    "the errors `{}` and `{}` have the same code `{}`",
                    first.ident, error.ident, error.code
                );
                problems.push(syn::Error::new(error.code.span(), message));
            }
            if let Some(other) = &error.other {
                if let Some(first) = before.iter().find(|error| error.other.is_some()) {
                    let message = format!(
                        "`{}` is the `other` of this enum already; one variant can stand for \
                         all other errors",
                        first.ident
                    );
                    problems.report(other, message);
                }
            }
        }
    }

    fn emit(&self, target: &Target<'_>) -> TokenStream {
        let private = target.private();
        let header = target.header(&quote!(#private::CommandError), self.bounds(target));
        let own = self.own.iter().map(|error| error.emit_schema(target));
        let included = self.included.iter().map(|Included { ty, .. }| {
            quote_spanned! {generated_at(ty.span())=>
                <#ty as #private::CommandError>::ERRORS
            }
        });
        let schema = self.emit_schema(target);
        let describe = self.emit_describe(target);
        let from_code = self.emit_from_code(target);
        quote! {
            const _: () = {
                const __AMP_ERRORS: &[#private::ErrorSchema] = &[#(#own),*];

                #header {
                    const ERRORS: &'static #private::Errors =
                        &#private::Errors::new_static(__AMP_ERRORS, &[#(#included),*]);
                    #schema
                    #describe
                    #from_code
                }
            };
        }
    }

    /// What variants hold, where that depends on a parameter.
    fn bounds(&self, target: &Target<'_>) -> Vec<WherePredicate> {
        let private = target.private();
        let mut bounds = Vec::new();
        for Included { ty, .. } in &self.included {
            if target.needs_bound(ty) {
                bounds.push(parse_quote_spanned!(ty.span()=> #ty: #private::CommandError));
            }
        }
        for ty in self.own.iter().filter_map(|error| error.text) {
            if target.needs_bound(ty) {
                bounds.push(parse_quote_spanned!(ty.span()=> #ty: #private::FromDescription));
            }
        }
        bounds
    }

    fn emit_schema(&self, target: &Target<'_>) -> TokenStream {
        let private = target.private();
        let inner = local("inner");
        let own = self.own.iter().enumerate().map(|(index, error)| {
            let ident = error.ident;
            quote!(Self::#ident { .. } => &__AMP_ERRORS[#index],)
        });
        let included = self.included.iter().map(|Included { ident, ty }| {
            quote_spanned! {generated_at(ty.span())=>
                Self::#ident(ref #inner) => <#ty as #private::CommandError>::schema(#inner),
            }
        });
        let refused = self.emit_refused_arm(target);
        let assertion = quote_spanned! {generated_at(target.ident.span())=>
            #private::assert_is_error::<Self>();
        };
        quote! {
            fn schema(&self) -> &'static #private::ErrorSchema {
                #assertion
                match *self {
                    #(#own)*
                    #(#included)*
                    #refused
                }
            }
        }
    }

    /// Only where it is not what the trait does anyway.
    fn emit_describe(&self, target: &Target<'_>) -> Option<TokenStream> {
        if self.included.is_empty() {
            return None;
        }
        let private = target.private();
        let inner = local("inner");
        let included = self.included.iter().map(|Included { ident, ty }| {
            quote_spanned! {generated_at(ty.span())=>
                Self::#ident(#inner) => <#ty as #private::CommandError>::describe(#inner),
            }
        });
        let own = (!self.own.is_empty() || self.incomplete)
            .then(|| quote!(#inner => #private::ToString::to_string(#inner),));
        Some(quote! {
            fn describe(&self) -> #private::String {
                match self {
                    #(#included)*
                    #own
                }
            }
        })
    }

    /// The enum's own codes come first, so that one of them counts where an included enum has it too.
    fn emit_from_code(&self, target: &Target<'_>) -> TokenStream {
        let private = target.private();
        let (code, description) = (local("code"), local("description"));
        let inner = local("inner");
        let own = self.own.iter().map(|error| {
            let (ident, own_code) = (error.ident, &error.code);
            let value = error.text.map(|ty| {
                quote_spanned! {generated_at(ty.span())=>
                    0: <#ty as #private::FromDescription>::from_description(#description)
                }
            });
            quote! {
                if #code == #own_code {
                    return #private::core::option::Option::Some(Self::#ident { #value });
                }
            }
        });
        let included = self.included.iter().map(|Included { ident, ty }| {
            quote_spanned! {generated_at(ty.span())=>
                if let #private::core::option::Option::Some(#inner) =
                    <#ty as #private::CommandError>::from_code(#code, #description)
                {
                    return #private::core::option::Option::Some(Self::#ident(#inner));
                }
            }
        });
        quote! {
            fn from_code(
                #code: &[#private::core::primitive::u8],
                #description: &#private::core::primitive::str,
            ) -> #private::core::option::Option<Self> {
                let _ = (#code, #description);
                #(#own)*
                #(#included)*
                #private::core::option::Option::None
            }
        }
    }

    /// An arm for variants that were refused, so that a match is whole all the same.
    fn emit_refused_arm(&self, target: &Target<'_>) -> Option<TokenStream> {
        let private = target.private();
        self.incomplete.then(|| {
            quote! {
                #[allow(unreachable_patterns)]
                _ => #private::core::unreachable!(),
            }
        })
    }
}

impl Own<'_> {
    fn emit_schema(&self, target: &Target<'_>) -> TokenStream {
        let private = target.private();
        let (label, code) = (plain(self.ident), &self.code);
        let fatal = self.fatal.as_ref().map(|_| quote!(.fatal()));
        let other = self.other.as_ref().map(|_| quote!(.catch_all()));
        quote!(#private::ErrorSchema::new_static(#label, #code) #fatal #other)
    }
}

impl Options {
    fn read(variant: &Variant, problems: &mut Problems) -> Self {
        let mut options = Self::default();
        read_attributes(&variant.attrs, &VARIANT_WORDS, problems, |name, word| {
            match name {
                "code" => options.code = Some(word.bytes("\"ZERO_DIVISION\"", MAX_CODE)?),
                "fatal" => options.fatal = Some(word.flag()?),
                "other" => options.other = Some(word.flag()?),
                _ => options.include = Some(word.flag()?),
            }
            Ok(())
        });
        for field in &variant.fields {
            read_attributes(&field.attrs, &[], problems, |_, _| Ok(()));
        }
        options.check(problems);
        options
    }

    /// The errors that `include` takes over bring everything with them.
    fn check(&self, problems: &mut Problems) {
        if self.include.is_none() {
            return;
        }
        let message = |word| {
            format!(
                "`{word}` is not possible beside `include`: the other enum says it for each \
                     of its errors"
            )
        };
        if let Some(code) = &self.code {
            problems.push(syn::Error::new(code.span(), message("code")));
        }
        if let Some(fatal) = &self.fatal {
            problems.report(fatal, message("fatal"));
        }
        if let Some(other) = &self.other {
            problems.report(other, message("other"));
        }
    }
}

/// The type that a variant holds, if it holds one.
fn sole_type(variant: &Variant) -> syn::Result<Option<&Type>> {
    let message = "a variant holds nothing, one value that takes the description, as in \
                   `Refused(String)`, or with `include` another enum of errors";
    match &variant.fields {
        syn::Fields::Unit => Ok(None),
        syn::Fields::Unnamed(fields) => match fields.unnamed.get(1) {
            None => Ok(fields.unnamed.first().map(|field| &field.ty)),
            Some(second) => Err(syn::Error::new_spanned(&second.ty, message)),
        },
        syn::Fields::Named(fields) => match fields.named.first() {
            None => Ok(None),
            Some(first) => Err(syn::Error::new_spanned(&first.ident, message)),
        },
    }
}
