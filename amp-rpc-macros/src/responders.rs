//! `#[responders]`.

use std::collections::HashSet;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, FnArg, GenericArgument, GenericParam, Generics, Path, PathArguments, Receiver,
    ReceiverKind, Result, ReturnType, Safety, Signature, Token, Type, Visibility, braced,
};

use crate::options::read_words;
use crate::problems::Problems;
use crate::target::{default_crate, local};

const SHAPE: &str = "`async fn name(self: Arc<Self>, command: C) -> Answer<C>`, with the peer as a \
                     third parameter if need be";

/// What stands in the parentheses of the attribute.
struct Options {
    name: Ident,
    krate: Path,
}

/// The block, as far as it matters here; bodies are not looked at, so they may be half-written.
struct Block {
    cfgs: Vec<Attribute>,
    generics: Generics,
    ty: Type,
    methods: Vec<Method>,
}

struct Method {
    cfgs: Vec<Attribute>,
    signature: Signature,
}

/// `#[responders]`: the block as it was, and behind it the method that lists its responders.
pub(crate) fn attribute(arguments: TokenStream, block: &TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let options = Options::read(arguments, &mut problems);
    let responders = match Block::parse.parse2(block.clone()) {
        Ok(parsed) => Some(parsed.emit(&options, &mut problems)),
        Err(error) => {
            problems.push(error);
            None
        }
    };
    quote!(#block #problems #responders)
}

impl Options {
    fn read(arguments: TokenStream, problems: &mut Problems) -> Self {
        let mut options = Self {
            name: Ident::new("responders", Span::call_site()),
            krate: default_crate(),
        };
        let read = |input: ParseStream<'_>| {
            read_words(
                input,
                &["name", "crate"],
                &mut HashSet::new(),
                problems,
                |name, word| {
                    match name {
                        "name" => options.name = word.name()?,
                        _ => options.krate = word.path()?,
                    }
                    Ok(())
                },
            );
            Ok(())
        };
        if let Err(error) = read.parse2(arguments) {
            problems.push(error);
        }
        options
    }
}

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let cfgs = cfgs(input.call(Attribute::parse_outer)?);
        if !input.peek(Token![impl]) && !input.peek(Token![unsafe]) {
            return Err(input.error("`#[responders]` stands on an `impl` block"));
        }
        input.parse::<Option<Token![unsafe]>>()?;
        input.parse::<Token![impl]>()?;
        let mut generics = if input.peek(Token![<]) {
            input.parse()?
        } else {
            Generics::default()
        };
        let ty: Type = input.parse()?;
        if input.peek(Token![for]) {
            let message = "responders stand in an `impl` block of the type itself, not of a trait";
            return Err(input.error(message));
        }
        generics.where_clause = input.parse()?;
        let content;
        braced!(content in input);
        content.call(Attribute::parse_inner)?;
        let mut methods = Vec::new();
        while !content.is_empty() {
            methods.extend(Method::parse(&content)?);
        }
        Ok(Self {
            cfgs,
            generics,
            ty,
            methods,
        })
    }
}

impl Method {
    /// Reads an item of the block; `None` where it is no function.
    fn parse(input: ParseStream<'_>) -> Result<Option<Self>> {
        let cfgs = cfgs(input.call(Attribute::parse_outer)?);
        input.parse::<Visibility>()?;
        if !is_function(input) {
            skip_item(input)?;
            return Ok(None);
        }
        let signature = input.parse()?;
        skip_item(input)?;
        Ok(Some(Self { cfgs, signature }))
    }

    /// The builder's method for this responder; a mistake in its shape is reported.
    fn registration(&self, problems: &mut Problems) -> Option<Ident> {
        let mut own = Problems::default();
        let signature = &self.signature;
        let Some(receiver) = signature.receiver() else {
            let message = format!(
                "not a responder; those are {SHAPE}. Other functions stand in an `impl` block of \
                 their own"
            );
            problems.report(&signature.ident, message);
            return None;
        };
        if signature.asyncness.is_none() {
            own.report(
                signature.fn_token,
                format!("a responder is asynchronous: {SHAPE}"),
            );
        }
        if let Safety::Unsafe(word) = &signature.safety {
            own.report(word, format!("a responder is a safe function: {SHAPE}"));
        }
        for parameter in &signature.generics.params {
            if !matches!(parameter, GenericParam::Lifetime(_)) {
                let message = format!("a responder has one command, so no parameters: {SHAPE}");
                own.report(parameter, message);
            }
        }
        if !is_shared(receiver) {
            let message = "a responder shares its object with others that run meanwhile: \
                           `self: Arc<Self>`";
            own.report(receiver, message);
        }
        let mut parameters = signature
            .inputs
            .iter()
            .filter(|it| matches!(it, FnArg::Typed(_)));
        let command = parameters.next();
        let peer = parameters.next();
        if command.is_none() {
            let message = format!("a responder takes its command: {SHAPE}");
            own.report(&signature.ident, message);
        }
        if let Some(further) = parameters.next() {
            let message = "a responder takes its command and at most the peer, nothing further";
            own.report(further, message);
        }
        if matches!(signature.output, ReturnType::Default) {
            let message = "a responder returns the answer to its command: `-> Answer<C>`";
            own.report(&signature.ident, message);
        }
        let usable = own.is_empty();
        problems.append(own);
        let name = if peer.is_some() { "on_with_peer" } else { "on" };
        usable.then(|| format_ident!("{name}", span = signature.ident.span()))
    }
}

impl Block {
    fn emit(&self, options: &Options, problems: &mut Problems) -> TokenStream {
        let Options { name, krate } = options;
        let set = local("set");
        let registrations: Vec<_> = self
            .methods
            .iter()
            .filter_map(|method| {
                let on = method.registration(problems)?;
                let Method { cfgs, signature } = method;
                let responder = &signature.ident;
                // On the name of the method, where the compiler then reports what is wrong with it.
                let register = quote_spanned!(responder.span()=> #set.#on(Self::#responder));
                Some(quote!(#(#cfgs)* let #set = #register;))
            })
            .collect();
        let (parameters, _, bounds) = self.generics.split_for_impl();
        let (cfgs, ty) = (&self.cfgs, &self.ty);
        quote! {
            #(#cfgs)*
            impl #parameters #ty #bounds {
                /// The responders of this type, as a locator for a connection.
                #[must_use]
                pub fn #name(
                    self: #krate::__private::Arc<Self>
                ) -> #krate::Responders<#krate::__private::Arc<Self>> {
                    let #set = #krate::Responders::with_shared(self);
                    #(#registrations)*
                    #set
                }
            }
        }
    }
}

/// Whether an item is a function, and no constant, type or macro.
fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let _ = ahead.parse::<Option<Token![const]>>();
    ahead.peek(Token![fn])
        || ahead.peek(Token![async])
        || ahead.peek(Token![unsafe])
        || ahead.peek(Token![extern])
}

/// Skips to behind the `;` or the body of an item.
fn skip_item(input: ParseStream<'_>) -> Result<()> {
    loop {
        match input.parse::<TokenTree>()? {
            TokenTree::Punct(punct) if punct.as_char() == ';' => return Ok(()),
            TokenTree::Group(group) if is_body(&group) => return Ok(()),
            _ => {}
        }
    }
}

fn is_body(group: &Group) -> bool {
    group.delimiter() == proc_macro2::Delimiter::Brace
}

/// The attributes under which there is such an item at all.
fn cfgs(attributes: Vec<Attribute>) -> Vec<Attribute> {
    let is_cfg = |attribute: &Attribute| attribute.path().is_ident("cfg");
    attributes.into_iter().filter(is_cfg).collect()
}

/// Whether a receiver is `self: Arc<Self>`, by whatever path.
fn is_shared(receiver: &Receiver) -> bool {
    let ReceiverKind::Typed(_, ty) = &receiver.kind else {
        return false;
    };
    let Type::Path(path) = &**ty else {
        return false;
    };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return false;
    };
    let is_self = |argument: &GenericArgument| argument.to_token_stream().to_string() == "Self";
    last.ident == "Arc" && arguments.args.len() == 1 && arguments.args.iter().all(is_self)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands behind the block, which must be unchanged.
    fn behind(arguments: TokenStream, block: &TokenStream) -> String {
        let whole = attribute(arguments, block).to_string();
        let block = block.to_string();
        whole
            .strip_prefix(&block)
            .expect("the block comes first, unchanged")
            .to_owned()
    }

    fn expected(tokens: TokenStream) -> String {
        // A space, as between all tokens.
        format!(" {tokens}")
    }

    #[test]
    fn methods_become_calls_of_the_builder() {
        let block = quote! {
            impl<T: Send> Server<T> where T: Sync {
                async fn sum(self: Arc<Self>, sum: Sum) -> Answer<Sum> { Ok(Total { total: 1 }) }
                #[cfg(feature = "two")]
                #[doc = "with the peer"]
                pub async fn two(self: Arc<Self>, _: Two, peer: Peer) -> Answer<Two> { Ok(()) }
            }
        };
        let method = quote! {
            impl<T: Send> Server<T> where T: Sync {
                /// The responders of this type, as a locator for a connection.
                #[must_use]
                pub fn all(self: my::amp::__private::Arc<Self>)
                    -> my::amp::Responders<my::amp::__private::Arc<Self>>
                {
                    let set = my::amp::Responders::with_shared(self);
                    let set = set.on(Self::sum);
                    #[cfg(feature = "two")]
                    let set = set.on_with_peer(Self::two);
                    set
                }
            }
        };
        let found = behind(quote!(name = all, crate = my::amp), &block);
        assert_eq!(found, expected(method));
    }

    #[test]
    fn bodies_may_be_half_written() {
        let block = quote! {
            impl Server {
                const N: [i64; 2] = { [1, 2] };
                async fn sum(self: Arc<Self>, sum: Sum) -> Answer<Sum> { let total = sum. }
            }
        };
        let found = behind(quote!(), &block);
        assert!(found.contains("set . on (Self :: sum)"), "{found}");
        assert!(!found.contains("compile_error"), "{found}");
    }

    #[test]
    fn what_cannot_be_read_stays_and_is_reported() {
        let block = quote!(impl Server { async fn sum(self: Arc<Self>, sum: ) {} });
        let found = behind(quote!(), &block);
        assert!(found.contains("compile_error"), "{found}");
    }
}
