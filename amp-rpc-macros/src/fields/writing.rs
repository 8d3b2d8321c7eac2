//! How a struct writes its fields.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Field, MANY_FIELDS};
use crate::target::{Target, generated_at, local};

/// `to_box`; `follows` says whether the fields may be written at once.
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
    let in_place = write(quote!(to_box));
    let writes = if follows && !fields.is_empty() {
        let (has_room, apart) = (has_room(fields, target), write(quote!(to_box_apart)));
        // Those that have room come here when a limit is in sight, or by a writer of the program's.
        quote!(if #has_room { #apart } else { #in_place })
    } else {
        in_place
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

/// Whether all fields know how much room they need, a constant.
fn has_room(fields: &[Field<'_>], target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let types = fields.iter().map(|field| field.ty);
    quote!(const { true #(&& <#types as #private::Field>::HAS_ROOM)* })
}

/// `to_box_at_once`, for fields whose keys are all behind the protocol's.
pub(super) fn emit_at_once(fields: &[Field<'_>], target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let (out, room) = (local("out"), local("room"));
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
            <#ty as #private::Field>::#put(&self.#ident, const { &#private::Prefix::new(#prefix) }, #room);
        }
    });
    let unused = fields.is_empty().then(|| quote!(let _ = #room;));
    let has_room = has_room(fields, target);
    quote! {
        fn to_box_at_once(&self, #out: &mut #private::AtOnce<'_>) -> #private::core::primitive::bool {
            if #has_room {
                #out.put(#private::Need::NONE #(#needs)*, |#room| { #unused #(#puts)* })
            } else {
                false
            }
        }
    }
}
