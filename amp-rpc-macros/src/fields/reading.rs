//! How a struct reads its fields out of any box.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::Field;
use crate::target::{Target, generated_at, local};

/// One walk over the box finds all values; each field then reads its own.
pub(super) fn emit_from_box(fields: &[Field<'_>], target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let (view, cx) = (local("view"), local("cx"));
    let count = fields.len();
    let keys = fields.iter().map(|field| field.key.prefixed());
    let values = values(fields);
    let reads = emit_reads(fields, &values, &quote!(#view), target);
    let lookup = if fields.is_empty() {
        quote!(let _ = (#view, #cx);)
    } else {
        quote! {
            const __AMP_KEYS: &[#private::Key<'static>; #count] =
                &[#(#private::Key::from_prefixed(#keys)),*];
            let [#(#values),*] = #view.lookup(__AMP_KEYS);
        }
    };
    quote! {
        fn from_box(
            #view: &#private::BoxView<'_>,
            #cx: &mut dyn #private::Context,
        ) -> #private::core::result::Result<Self, #private::DecodeError> {
            #lookup
            #private::core::result::Result::Ok(Self { #(#reads),* })
        }
    }
}

/// Names for the values of the fields.
pub(super) fn values(fields: &[Field<'_>]) -> Vec<Ident> {
    (0..fields.len())
        .map(|index| local(&format!("value_{index}")))
        .collect()
}

/// Each field, read from its value.
pub(super) fn emit_reads(
    fields: &[Field<'_>],
    values: &[Ident],
    view: &TokenStream,
    target: &Target<'_>,
) -> Vec<TokenStream> {
    let private = target.private();
    let cx = local("cx");
    let read = |(Field { ident, ty, key }, value): (&Field<'_>, &Ident)| {
        let key = key.prefixed();
        quote_spanned! {generated_at(ty.span())=>
            #ident: <#ty as #private::Field>::from_box(
                #private::Source::new(
                    const { #private::Key::from_prefixed(#key) },
                    #value,
                    #view,
                ),
                #cx,
            )?
        }
    };
    fields.iter().zip(values).map(read).collect()
}
