//! `derive(Fields)`, and the fields of `derive(Command)`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Ident, Type, WherePredicate, parse_quote_spanned};

use crate::bytes::WireBytes;
use crate::case::Case;
use crate::options::read_attributes;
use crate::problems::Problems;
use crate::rows::find_own;
use crate::target::{Target, generated_at, local, plain};

/// The most bytes that a key can have.
const MAX_KEY: usize = 255;

/// More fields are dealt with in a loop or by calls: code for each of them would take long to compile, and much room.
const MANY_FIELDS: usize = 16;

/// The keys that the protocol uses itself.
const PROTOCOL_KEYS: [&str; 6] = [
    "_answer",
    "_ask",
    "_command",
    "_error",
    "_error_code",
    "_error_description",
];

/// A field of the struct.
struct Field<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    key: WireBytes,
}

/// The fields of a struct in ascending order of their keys; `None` where the struct cannot be used.
pub(crate) struct FieldSet<'a>(Option<Vec<Field<'a>>>);

/// `derive(Fields)`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut problems = Problems::default();
    let (mut rename_all, mut krate) = (None, None);
    read_attributes(
        &input.attrs,
        &["rename_all", "crate"],
        &mut problems,
        |name, word| {
            match name {
                "rename_all" => rename_all = Some(word.case()?),
                _ => krate = Some(word.path()?),
            }
            Ok(())
        },
    );
    let fields = FieldSet::read(input, rename_all, &mut problems);
    let target = Target::new(input, krate);
    let fields_impl = fields.emit(&target);
    let item_impl = emit_item(&target, &fields);
    quote!(#problems #fields_impl #item_impl)
}

impl<'a> FieldSet<'a> {
    /// Reads the fields of the struct and checks them.
    pub(crate) fn read(
        input: &'a DeriveInput,
        rename_all: Option<Case>,
        problems: &mut Problems,
    ) -> Self {
        if let Some(lifetime) = input.generics.lifetimes().next() {
            let message = "fields own their data, so that they can wait and move between threads: \
                           use types such as `String` or `Bytes` instead of a lifetime";
            problems.report(&lifetime.lifetime, message);
            return Self(None);
        }
        let data = match &input.data {
            Data::Struct(data) => data,
            Data::Enum(data) => {
                problems.report(data.enum_token, "only a struct has fields that can travel");
                return Self(None);
            }
            Data::Union(data) => {
                problems.report(data.union_token, "only a struct has fields that can travel");
                return Self(None);
            }
        };
        if let syn::Fields::Unnamed(fields) = &data.fields {
            if let Some(first) = fields.unnamed.first() {
                let message = "fields travel under their names, and these have none; allowed are \
                               named fields, as in `struct Sum { a: i64, b: i64 }`, or no fields";
                problems.report(&first.ty, message);
                return Self(None);
            }
        }
        let mut fields: Vec<_> = data
            .fields
            .iter()
            .filter_map(|field| Field::read(field, rename_all, problems))
            .collect();
        report_repeated_keys(&fields, problems);
        for field in &mut fields {
            field.report_illegal_key(problems);
        }
        // Without this check the compiler reports it as well, in a hundred lines.
        let mut endless = fields
            .iter()
            .filter_map(|field| find_own(field.ty, &input.ident));
        if let Some(own) = endless.next() {
            let message = format!(
                "`{}` cannot have rows of its own type: its schema would have no end",
                input.ident
            );
            problems.report(own, message);
            return Self(None);
        }
        fields.sort_by(|a, b| a.key.as_bytes().cmp(b.key.as_bytes()));
        Self(Some(fields))
    }

    /// The bounds under which a generic struct has its fields.
    pub(crate) fn bounds(&self, target: &Target<'_>) -> Vec<WherePredicate> {
        let private = target.private();
        let fields = self.0.iter().flatten();
        fields
            .filter(|field| target.needs_bound(field.ty))
            .map(|Field { ty, .. }| parse_quote_spanned!(ty.span()=> #ty: #private::Field))
            .collect()
    }

    /// `impl Fields`.
    pub(crate) fn emit(&self, target: &Target<'_>) -> TokenStream {
        let private = target.private();
        let header = target.header(&quote!(#private::Fields), self.bounds(target));
        let schema = self.0.iter().flatten().map(|Field { ty, key, .. }| {
            let key = key.prefixed();
            quote_spanned! {generated_at(ty.span())=>
                #private::FieldSchema::new_static(
                    #private::Name::from_prefixed(#key),
                    <#ty as #private::Field>::TYPE,
                    <#ty as #private::Field>::OPTIONAL,
                )
            }
        });
        let mut fields = self.0.iter().flatten();
        let follows = fields.all(|field| field.key.as_bytes()[0] > b'_');
        let (to_box, from_box) = match &self.0 {
            Some(fields) => (
                emit_to_box(fields, follows, target),
                emit_from_box(fields, target),
            ),
            None => emit_unusable(target),
        };
        let from_front = (self.0.as_ref()).and_then(|fields| emit_from_front(fields, target));
        quote! {
            #header {
                const FIELDS: &'static [#private::FieldSchema] = &[#(#schema),*];
                const FOLLOWS_PROTOCOL: bool = #follows;
                #to_box
                #from_box
                #from_front
            }
        }
    }
}

impl<'a> Field<'a> {
    fn read(
        field: &'a syn::Field,
        rename_all: Option<Case>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let name = plain(ident);
        let name = match rename_all {
            Some(case) => case.of_field(&name),
            None => name,
        };
        let mut key = WireBytes::new(name, ident.span());
        read_attributes(&field.attrs, &["name"], problems, |_, word| {
            key = word.bytes("\"wire-name\"", usize::MAX)?;
            Ok(())
        });
        Some(Self {
            ident,
            ty: &field.ty,
            key,
        })
    }

    /// Reports a key that the format or the protocol does not allow. A legal one takes its place, so
    /// that the rest can be checked too.
    fn report_illegal_key(&mut self, problems: &mut Problems) {
        let key = self.key.as_bytes();
        let message = if key.is_empty() || key.len() > MAX_KEY {
            format!("a key has 1 to {MAX_KEY} bytes, this one has {}", key.len())
        } else if PROTOCOL_KEYS.iter().any(|own| own.as_bytes() == key) {
            format!(
                "the protocol itself uses the key `{}`; give the field another one with \
                 `#[amp(name = \"…\")]`",
                self.key
            )
        } else {
            return;
        };
        problems.push(syn::Error::new(self.key.span(), message));
        self.key = WireBytes::new("?", self.key.span());
    }
}

fn report_repeated_keys(fields: &[Field<'_>], problems: &mut Problems) {
    for (index, field) in fields.iter().enumerate() {
        let same = |other: &&Field<'_>| other.key.as_bytes() == field.key.as_bytes();
        if let Some(first) = fields[..index].iter().find(same) {
            let message = format!(
                "the fields `{}` and `{}` have the same key `{}`",
                first.ident, field.ident, field.key
            );
            problems.push(syn::Error::new(field.key.span(), message));
        }
    }
}

fn emit_to_box(fields: &[Field<'_>], follows: bool, target: &Target<'_>) -> TokenStream {
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

/// One walk over the box finds all values; each field then reads its own.
fn emit_from_box(fields: &[Field<'_>], target: &Target<'_>) -> TokenStream {
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

/// Compares the front of a buffer with the keys in their order. Nothing is emitted where a key begins as those of the protocol
/// do: then it is not said which come first.
fn emit_from_front(fields: &[Field<'_>], target: &Target<'_>) -> Option<TokenStream> {
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
        fn from_front<'amp_front>(
            #mutable #front: #private::Front<'amp_front>,
            #cx: &mut dyn #private::Context,
        ) -> #private::FromFront<'amp_front, Self> {
            #unused
            #at_once
            #finds
            let #frame = #end;
            #unused_view
            #private::core::result::Result::Ok((Self { #(#reads),* }, #frame))
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
            <#ty as #private::Field>::find_value(
                &mut #front,
                const { &#private::Prefix::new(#prefix) },
                const { 2 #(+ #behind)* },
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
        return #private::core::result::Result::Ok((Self { #(#reads),* }, #frame));
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
        return #private::core::result::Result::Ok((#taken, #end));
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

/// Names for the values of the fields.
fn values(fields: &[Field<'_>]) -> Vec<Ident> {
    (0..fields.len())
        .map(|index| local(&format!("value_{index}")))
        .collect()
}

/// Each field, read from its value.
fn emit_reads(
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

/// Bodies for a struct that was refused: its mistake is reported already, and an impl keeps the
/// compiler from reporting its uses as well.
fn emit_unusable(target: &Target<'_>) -> (TokenStream, TokenStream) {
    let private = target.private();
    let to_box = quote! {
        fn to_box(
            &self,
            _: &mut #private::BoxWriter<'_>,
            _: &mut dyn #private::Context,
        ) -> #private::core::result::Result<(), #private::EncodeError> {
            #private::core::unreachable!()
        }
    };
    let from_box = quote! {
        fn from_box(
            _: &#private::BoxView<'_>,
            _: &mut dyn #private::Context,
        ) -> #private::core::result::Result<Self, #private::DecodeError> {
            #private::core::unreachable!()
        }
    };
    (to_box, from_box)
}

/// `impl Item`, which makes a list of such structs an AmpList.
fn emit_item(target: &Target<'_>, fields: &FieldSet<'_>) -> TokenStream {
    let private = target.private();
    let (items, value) = (local("items"), local("value"));
    let (out, cx) = (local("out"), local("cx"));
    let header = target.header(&quote!(#private::Item), fields.bounds(target));
    quote! {
        #header {
            const LIST_TYPE: &'static #private::Type = &#private::Type::AmpList(
                #private::Shared::Static(<Self as #private::Fields>::FIELDS),
            );

            fn encode_list<'amp_item>(
                #items: impl #private::core::iter::Iterator<Item = &'amp_item Self>,
                #out: &mut #private::ValueWriter<'_>,
                #cx: &mut dyn #private::Context,
            ) -> #private::core::result::Result<(), #private::EncodeError>
            where
                Self: 'amp_item,
            {
                #private::encode_rows(#items, #out, #cx)
            }

            fn decode_list(
                #value: #private::RawValue<'_>,
                #cx: &mut dyn #private::Context,
            ) -> #private::core::result::Result<#private::Vec<Self>, #private::DecodeError> {
                #private::decode_rows(#value, #cx)
            }
        }
    }
}
