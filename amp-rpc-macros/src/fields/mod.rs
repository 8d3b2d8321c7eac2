//! `derive(Fields)`, and the fields of `derive(Command)`.

mod front;
mod reading;
mod writing;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Ident, Type, WherePredicate, parse_quote_spanned};

use self::front::emit_from_front;
use self::reading::emit_from_box;
use self::writing::{emit_at_once, emit_to_box};
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
        let at_once = (self.0.as_ref().filter(|_| follows)).map(|it| emit_at_once(it, target));
        let from_front = (self.0.as_ref()).and_then(|fields| emit_from_front(fields, target));
        quote! {
            #header {
                const FIELDS: &'static [#private::FieldSchema] = &[#(#schema),*];
                #to_box
                #at_once
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
