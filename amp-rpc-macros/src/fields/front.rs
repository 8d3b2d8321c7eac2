//! How a struct reads its fields where they are the box that is expected.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::reading::{emit_reads, values};
use super::{Field, MANY_FIELDS};
use crate::target::{Target, generated_at, local};

/// Compares the front of a buffer with the keys in their order. Nothing is emitted where a key begins as those of the protocol
/// do: then it is not said which come first.
pub(super) fn emit_from_front(fields: &[Field<'_>], target: &Target<'_>) -> Option<TokenStream> {
    if fields.iter().any(|field| field.key.as_bytes()[0] == b'_') {
        return None;
    }
    let private = target.private();
    let (front, view, cx) = (local("front"), local("view"), local("cx"));
    let frame = local("frame");
    let end = or_any(&quote!(#front.end()), target);
    let values = values(fields);
    let finds = if fields.len() > MANY_FIELDS {
        find_in_a_loop(fields, &values, target)
    } else {
        find_one_by_one(fields, &values, target)
    };
    let reads = emit_reads(fields, &values, &quote!(&#view), target);
    let mutable = (!fields.is_empty()).then(|| quote!(mut));
    let at_once = (!fields.is_empty()).then(|| emit_take(fields, target));
    let (unused_view, unused) = match fields.is_empty() {
        true => (None, Some(quote!(let _ = #cx;))),
        false => (Some(quote!(let #view = #frame.view();)), None),
    };
    Some(quote! {
        #[inline]
        fn from_front(
            #mutable #front: #private::Front<'_>,
            #cx: &mut dyn #private::Context,
        ) -> #private::FromFront<Self> {
            #unused
            #at_once
            #finds
            let #frame = #end;
            #unused_view
            #private::core::result::Result::Ok((Self { #(#reads),* }, #private::BoxLength::of(&#frame)))
        }
    })
}

/// Reads the fields where that does nothing else: whatever comes behind, no harm is done.
fn emit_take(fields: &[Field<'_>], target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let types = fields.iter().map(|field| field.ty);
    let take = if fields.len() > MANY_FIELDS {
        take_by_calls(fields, target)
    } else {
        take_in_place(fields, target)
    };
    quote! {
        if const { #(<#types as #private::Field>::IS_PLAIN)&&* } {
            #take
        }
    }
}

/// Finds all values before it reads the first, and asks at once for a value and the keys that have to be behind it.
fn take_in_place(fields: &[Field<'_>], target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let (front, frame) = (local("front"), local("frame"));
    let values = values(fields);
    let find = |(index, value): (usize, &Ident)| {
        let Field { ty, key, .. } = &fields[index];
        let prefix = key.prefix();
        let behind = fields[index + 1..].iter().map(|Field { ty, key, .. }| {
            let length = key.prefix_length();
            quote!(if <#ty as #private::Field>::OPTIONAL { 0 } else { #length })
        });
        let found = quote_spanned! {generated_at(ty.span())=>
            #front.find(
                const { &#private::Prefix::new(#prefix) },
                const { 2 #(+ #behind)* },
                <#ty as #private::Field>::IS_SHORT,
                <#ty as #private::Field>::OPTIONAL,
            )
        };
        let found = or_any(&found, target);
        quote!(let #value = #found;)
    };
    let finds = values.iter().enumerate().map(find);
    let reads = fields.iter().zip(&values).map(|(field, value)| {
        let Field { ident, ty, .. } = field;
        let read = quote_spanned! {generated_at(ty.span())=>
            <#ty as #private::Field>::read_found(#value)
        };
        let read = or_any(&read, target);
        quote!(#ident: #read)
    });
    let end = or_any(&quote!(#front.end()), target);
    quote! {
        #(#finds)*
        let #frame = #end;
        return #private::core::result::Result::Ok((Self { #(#reads),* }, #private::BoxLength::of(&#frame)));
    }
}

/// Reads one field after the other, by a call for each.
fn take_by_calls(fields: &[Field<'_>], target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let (front, taken) = (local("front"), local("taken"));
    let takes = fields.iter().map(|Field { ident, ty, key }| {
        let prefix = key.prefix();
        let take = quote_spanned! {generated_at(ty.span())=>
            <#ty as #private::Field>::take(&mut #front, const { &#private::Prefix::new(#prefix) })
        };
        let take = or_any(&take, target);
        quote!(#ident: #take)
    });
    let end = or_any(&quote!(#front.end()), target);
    quote! {
        let #taken = Self { #(#takes),* };
        return #private::core::result::Result::Ok((#taken, #private::BoxLength::of(&#end)));
    }
}

/// What the option has; where it has nothing, the box may be any other.
fn or_any(option: &TokenStream, target: &Target<'_>) -> TokenStream {
    let private = target.private();
    quote!(#option.ok_or(#private::core::option::Option::None)?)
}

/// Compares with each key as a constant.
fn find_one_by_one(fields: &[Field<'_>], values: &[Ident], target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let front = local("front");
    let finds = (fields.iter().zip(values)).map(|(Field { ty, key, .. }, value)| {
        let key = key.prefixed();
        quote! {
            let #value = #front.value(const { #private::Key::from_prefixed(#key) });
            if #value.is_none() && !<#ty as #private::Field>::OPTIONAL {
                return #private::core::result::Result::Err(#private::core::option::Option::None);
            }
        }
    });
    quote!(#(#finds)*)
}

/// Compares with one key after the other.
fn find_in_a_loop(fields: &[Field<'_>], values: &[Ident], target: &Target<'_>) -> TokenStream {
    let private = target.private();
    let front = local("front");
    let count = fields.len();
    let keys = fields.iter().map(|field| field.key.prefixed());
    let types = fields.iter().map(|field| field.ty);
    let found = quote! {
        #front.values(__AMP_KEYS, const { &[#(<#types as #private::Field>::OPTIONAL),*] })
    };
    let found = or_any(&found, target);
    quote! {
        const __AMP_KEYS: &[#private::Key<'static>; #count] =
            &[#(#private::Key::from_prefixed(#keys)),*];
        let [#(#values),*] = #found;
    }
}
