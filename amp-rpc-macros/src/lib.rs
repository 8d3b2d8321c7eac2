//! The derive macros of `amp-rpc`, which re-exports them; programs do not name this crate.
//!
//! * [`Command`](macro@Command): a struct as a command;
//! * [`Fields`](macro@Fields): a struct as a response, or as the rows of an AmpList;
//! * [`CommandError`](macro@CommandError): an enum as the errors of commands;
//! * [`responders`](macro@responders): an `impl` block as a set of responders.
//!
//! Each reports all mistakes at once, on the word that is wrong. Generated code names everything
//! through `amp_rpc::__private`; a program that has the crate under another name says so with
//! `#[amp(crate = path)]`.

// In reading order: the macros, then what they share.
mod command;
mod command_error;
mod fields;
mod responders;

mod bytes;
mod case;
mod options;
mod problems;
mod rows;
mod target;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct a command: its fields are the arguments. Twisted's `Command`.
///
/// Implements `Command` and `Fields`. The struct has named fields or none, and no lifetimes: a
/// command owns its data, so that it can wait and move between threads. Where it is generic, the
/// implementations hold for those parameters whose fields can travel.
///
/// # On the struct: `#[amp(...)]`
///
/// | attribute | default | meaning |
/// |---|---|---|
/// | `name = "Sum"` or `b"..."` | the name of the struct | the name on the wire: up to 65,535 bytes of any value |
/// | `response = Type` | `()` | the fields of the answer, a struct with `derive(Fields)` |
/// | `error = Type` | `NoErrors` | the errors a responder may answer, an enum with `derive(CommandError)` |
/// | `no_answer` | an answer is wanted | callers normally want no answer; Twisted's `requiresAnswer = False` |
/// | `idempotent` | it is carried out at most once | to carry it out twice does what once does, so that a `ReconnectingPeer` may send it again when its connection ended before the answer came |
/// | `closes` | the connection goes on | the responder's side closes it behind the answer; Twisted's `responseType = QuitBox` |
/// | `switches` | | another protocol takes over behind the answer; Twisted's `ProtocolSwitchCommand` |
/// | `starttls` | | TLS begins behind the answer; Twisted's `StartTLS` |
/// | `rename_all = "..."` | fields keep their names | how the names of fields are spelled as keys: `lowercase`, `UPPERCASE`, `PascalCase`, `camelCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case` or `SCREAMING-KEBAB-CASE`, with the results of serde |
/// | `crate = path` | `::amp_rpc` | where the crate is found |
///
/// At most one of `closes`, `switches` and `starttls`; `no_answer` goes with `closes` alone, since
/// the other two happen with the answer. Those two exclude `idempotent` as well, since they change the connection.
///
/// # On a field: `#[amp(...)]`
///
/// | attribute | default | meaning |
/// |---|---|---|
/// | `name = "key"` or `b"..."` | the name of the field (`type` for `r#type`) in the spelling of `rename_all` | the key on the wire: 1 to 255 bytes of any value |
///
/// The keys of a struct differ, and none is one of the protocol's own: `_ask`, `_answer`,
/// `_command`, `_error`, `_error_code`, `_error_description`. A field of type `Option<T>` is
/// optional.
///
/// # Example
///
/// ```
/// use amp_rpc::schema::CommandKind;
/// use amp_rpc::{Command, CommandError, Fields};
///
/// /// Divides one number by another, with the remainder cut off.
/// #[derive(Debug, Command)]
/// #[amp(name = "divide", response = Quotient, error = DivideError, rename_all = "camelCase")]
/// struct Divide {
///     numerator: i64,
///     denominator: i64,
///     /// `roundUp` on the wire.
///     round_up: Option<u8>,
///     #[amp(name = "on-overflow")]
///     overflow: Option<String>,
/// }
///
/// #[derive(Debug, Fields)]
/// struct Quotient {
///     result: i64,
/// }
///
/// #[derive(Debug, thiserror::Error, CommandError)]
/// enum DivideError {
///     #[error("division by zero")]
///     #[amp(code = "ZERO_DIVISION")]
///     ZeroDivision,
/// }
///
/// /// Says good-bye: the answer is the last thing on the connection.
/// #[derive(Debug, Command)]
/// #[amp(closes)]
/// struct Quit;
///
/// assert_eq!(Divide::NAME, b"divide");
/// let keys = <Divide as Command>::SCHEMA.arguments.iter().map(|field| field.name.as_bytes());
/// assert!(keys.eq([&b"denominator"[..], b"numerator", b"on-overflow", b"roundUp"]));
/// assert_eq!(Quit::KIND, CommandKind::ClosesAfterAnswer);
/// ```
#[proc_macro_derive(Command, attributes(amp))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    command::derive(&input).into()
}

/// Makes a struct the fields of a response, or the rows of an AmpList.
///
/// Implements `Fields`, and `Item`, so that a `Vec` of such structs is an argument: Twisted's
/// `AmpList`. The struct has named fields or none, no lifetimes, and no list of its own type, since
/// the schema of a list has an end. Where it is generic, the implementations hold for those
/// parameters whose fields can travel.
///
/// # On the struct: `#[amp(...)]`
///
/// | attribute | default | meaning |
/// |---|---|---|
/// | `rename_all = "..."` | fields keep their names | how the names of fields are spelled as keys: `lowercase`, `UPPERCASE`, `PascalCase`, `camelCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case` or `SCREAMING-KEBAB-CASE`, with the results of serde |
/// | `crate = path` | `::amp_rpc` | where the crate is found |
///
/// # On a field: `#[amp(...)]`
///
/// | attribute | default | meaning |
/// |---|---|---|
/// | `name = "key"` or `b"..."` | the name of the field (`type` for `r#type`) in the spelling of `rename_all` | the key on the wire: 1 to 255 bytes of any value |
///
/// The keys of a struct differ, and none is one of the protocol's own: `_ask`, `_answer`,
/// `_command`, `_error`, `_error_code`, `_error_description`. A field of type `Option<T>` is
/// optional.
///
/// # Example
///
/// ```
/// use amp_rpc::{Field, Fields};
///
/// /// The answer to a query.
/// #[derive(Debug, Fields)]
/// struct Found {
///     total: u64,
///     users: Vec<User>,
/// }
///
/// /// One row of the answer.
/// #[derive(Debug, Fields)]
/// #[amp(rename_all = "kebab-case")]
/// struct User {
///     user_name: String,
///     r#type: Option<String>,
/// }
///
/// let users = <Vec<User> as Field>::TYPE.to_string();
/// assert_eq!(users, r#"AmpList([("type", Unicode), ("user-name", Unicode)])"#);
/// assert!(User::FIELDS[0].optional);
/// ```
#[proc_macro_derive(Fields, attributes(amp))]
pub fn derive_fields(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    fields::derive(&input).into()
}

/// Makes an enum the errors of commands: each variant is one error, with a code on the wire.
///
/// Implements `CommandError`. The enum is an error already (`thiserror`, or by hand); what it
/// prints travels as the description. A variant holds nothing, or one value of a type that is
/// `From<String>`, which takes the description that a peer sent, or with `include` another enum of
/// errors.
///
/// # On the enum: `#[amp(...)]`
///
/// | attribute | default | meaning |
/// |---|---|---|
/// | `rename_all = "..."` | each variant says its code | makes the codes of the names of the variants: `lowercase`, `UPPERCASE`, `PascalCase`, `camelCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case` or `SCREAMING-KEBAB-CASE`, with the results of serde |
/// | `crate = path` | `::amp_rpc` | where the crate is found |
///
/// # On a variant: `#[amp(...)]`
///
/// | attribute | default | meaning |
/// |---|---|---|
/// | `code = "CODE"` or `b"..."` | the name of the variant in the spelling of `rename_all`; without that there is none, and it must be said | the code on the wire: up to 65,535 bytes of any value |
/// | `fatal` | the connection goes on | the responder's side closes the connection behind the error; Twisted's `fatalErrors` |
/// | `other` | only its own failures | stands for all errors that are not declared; Twisted's `errors = {Exception: ...}`. At most one variant |
/// | `include` | | the variant holds another enum with `derive(CommandError)`, whose errors are errors of this one too; Twisted's inherited errors. Stands without the other three |
///
/// The codes of an enum differ. Where an included enum has one of them too, the own variant counts.
///
/// # Example
///
/// ```
/// use amp_rpc::CommandError;
///
/// #[derive(Debug, PartialEq, thiserror::Error, CommandError)]
/// enum StorageError {
///     #[error("the disk is full")]
///     #[amp(code = "FULL")]
///     Full,
///     #[error("the disk is broken")]
///     #[amp(code = "BROKEN", fatal)]
///     Broken,
/// }
///
/// #[derive(Debug, PartialEq, thiserror::Error, CommandError)]
/// #[amp(rename_all = "SCREAMING_SNAKE_CASE")]
/// enum RegisterError {
///     /// `NAME_TAKEN` on the wire.
///     #[error("somebody has that name")]
///     NameTaken,
///     /// Holds what the other side printed, so what is put in front here would be there twice.
///     #[error("{0}")]
///     #[amp(code = "NO")]
///     Refused(String),
///     #[error(transparent)]
///     #[amp(include)]
///     Storage(#[from] StorageError),
///     #[error("something went wrong")]
///     #[amp(other)]
///     Other,
/// }
///
/// assert_eq!(*RegisterError::NameTaken.schema().code, *b"NAME_TAKEN");
/// assert!(RegisterError::Storage(StorageError::Broken).schema().fatal);
/// let received = RegisterError::from_code(b"FULL", "the disk is full");
/// assert_eq!(received, Some(RegisterError::Storage(StorageError::Full)));
/// let received = RegisterError::from_code(b"NO", "we are closed");
/// assert_eq!(received, Some(RegisterError::Refused("we are closed".into())));
/// ```
#[proc_macro_derive(CommandError, attributes(amp))]
pub fn derive_command_error(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    command_error::derive(&input).into()
}

/// Makes the methods of an `impl` block the responders of a connection.
///
/// It leaves the block as it is and adds a method that builds the set, as one would by hand:
///
/// ```text
/// pub fn responders(self: Arc<Self>) -> Responders<Arc<Self>> {
///     Responders::with_shared(self).on(Self::sum).on_with_peer(Self::count)
/// }
/// ```
///
/// Every function of the block is a responder, with one of these shapes; other functions stand in
/// another block:
///
/// ```text
/// async fn name(self: Arc<Self>, command: C) -> Answer<C>
/// async fn name(self: Arc<Self>, command: C, peer: Peer) -> Answer<C>
/// ```
///
/// # In the attribute: `#[responders(...)]`
///
/// | attribute | default | meaning |
/// |---|---|---|
/// | `name = identifier` | `responders` | the name of the added method, for a type with several such blocks |
/// | `crate = path` | `::amp_rpc` | where the crate is found |
///
/// # Example
///
/// ```
/// use std::sync::Arc;
///
/// use amp_rpc::{Answer, Command, Failure, Fields, Peer, responders};
///
/// #[derive(Debug, Command)]
/// #[amp(response = Total)]
/// struct Sum {
///     a: i64,
///     b: i64,
/// }
///
/// #[derive(Debug, Command)]
/// struct Count;
///
/// #[derive(Debug, Fields)]
/// struct Total {
///     total: i64,
/// }
///
/// struct Calculator;
///
/// #[responders]
/// impl Calculator {
///     async fn sum(self: Arc<Self>, sum: Sum) -> Answer<Sum> {
///         let total = sum.a.checked_add(sum.b).ok_or(Failure::unexpected("too much"))?;
///         Ok(Total { total })
///     }
///
///     async fn count(self: Arc<Self>, _: Count, peer: Peer) -> Answer<Count> {
///         peer.call(Sum { a: 1, b: 1 }).await.map_err(Failure::unexpected)?;
///         Ok(())
///     }
/// }
///
/// let locator = Arc::new(Calculator).responders();
/// ```
#[proc_macro_attribute]
pub fn responders(arguments: TokenStream, block: TokenStream) -> TokenStream {
    responders::attribute(arguments.into(), &block.into()).into()
}
