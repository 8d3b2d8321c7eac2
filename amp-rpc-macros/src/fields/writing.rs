//! How a struct writes its fields.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Field, MANY_FIELDS};
use crate::target::{Target, generated_at, local};

pub(super) fn emit_to_box(fields: &[Field<'_>], follows: bool, target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let (out, cx) = (local("out"), local("cx"));
    let write = |to_box: TokenStream| -> TokenStream {
        let writes = fields.iter().map(|Field { ident, ty, key }| {
            let key = key.prefixed();
            quote_spanned! {generated_at(ty.span())=>
                <#ty as #private::Field>::#to_box(
                    &self.#ident,
                    const { #private::Key::from_prefixed(#key) },
                    #out,
                    #cx,
                )?;
            }
        });
        writes.collect()
    };
    let one_by_one = write(quote!(to_box));
    let ends = fields.first().zip(fields.last());
    let writes = match ends.filter(|_| follows) {
        None => one_by_one,
        Some(ends) => {
            let at_once = emit_to_room(fields, ends, target);
            let apart = write(quote!(to_box_apart));
            let types = fields.iter().map(|field| field.ty);
            quote! {
                if const { #(<#types as #private::Field>::HAS_ROOM)&&* } {
                    #at_once
                    #apart
                } else {
                    #one_by_one
                }
            }
        }
    };
    let unused = fields.is_empty().then(|| quote!(let _ = (#out, #cx);));
    quote! {
        fn to_box(
            &self,
            #out: &mut #private::BoxWriter<'_>,
            #cx: &mut dyn #private::Context,
        ) -> #private::core::result::Result<(), #private::EncodeError> {
            #unused
            #writes
            #private::core::result::Result::Ok(())
        }
    }
}

/// Writes all fields in room that is made for them at once, if they do not need much.
fn emit_to_room(
    fields: &[Field<'_>],
    (first, last): (&Field<'_>, &Field<'_>),
    target: &Target<'_>,
) -> TokenStream {
    let private = target.private();
    let (out, need, room) = (local("out"), local("need"), local("room"));
    let (first, last) = (first.key.prefixed(), last.key.prefixed());
    let needs = fields.iter().map(|Field { ident, ty, key }| {
        let length = key.prefix_length();
        quote_spanned! {generated_at(ty.span())=>
            .and(#length, <#ty as #private::Field>::room(&self.#ident))
        }
    });
    let put = match fields.len() > MANY_FIELDS {
        true => quote!(put_apart),
        false => quote!(put_in),
    };
    let puts = fields.iter().map(|Field { ident, ty, key }| {
        let prefix = key.prefix();
        quote_spanned! {generated_at(ty.span())=>
            <#ty as #private::Field>::#put(&self.#ident, const { &#private::Prefix::new(#prefix) }, &mut #room);
        }
    });
    quote! {
        let #need = #private::Need::NONE #(#needs)*;
        if let #private::core::option::Option::Some(mut #room) =
            #out.room(#need, const { #private::Key::from_prefixed(#first) })?
        {
            #(#puts)*
            let #room = #room.filled();
            #out.take_room(#need, #room, const { #private::Key::from_prefixed(#last) });
            return #private::core::result::Result::Ok(());
        }
    }
}
