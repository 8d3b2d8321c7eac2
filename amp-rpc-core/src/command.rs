//! Commands: what either side may call.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use crate::excerpt::Excerpt;
use crate::fields::Fields;
use crate::schema::{CommandKind, CommandSchema, ErrorSchema, Errors};

/// A command: the struct that implements this holds its arguments. Twisted's `Command`.
///
/// Normally derived:
///
/// ```text
/// #[derive(Command)]
/// #[amp(response = Total)]
/// struct Sum { a: i64, b: i64 }
/// ```
///
/// A command is owned, so that it can wait and move between threads. What carries it out is
/// defined elsewhere: a responder.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    note = "put `#[derive(amp_rpc::Command)]` on the struct"
)]
pub trait Command: Fields + Send + 'static {
    /// The fields of the answer; `()` for none.
    type Response: Fields + Send + 'static;

    /// The errors that a responder may answer instead; [`NoErrors`] for none.
    type Error: CommandError;

    /// The name on the wire.
    const NAME: &'static [u8];

    /// What the answer does to the connection.
    const KIND: CommandKind = CommandKind::Plain;

    /// Whether callers normally want an answer; Twisted's `requiresAnswer`. Here `call` always asks
    /// for one and `tell` never does; this is for readers of the schema.
    const WANTS_ANSWER: bool = true;

    /// Whether carrying it out twice does what once does, so that it may be sent again when its
    /// connection was lost before the answer came. Nothing of it is seen on the wire, and Twisted has no
    /// such declaration.
    const IDEMPOTENT: bool = false;

    /// The whole command, readable at run time.
    const SCHEMA: &'static CommandSchema = &CommandSchema::new_static(
        Self::NAME,
        <Self as Fields>::FIELDS,
        <Self::Response as Fields>::FIELDS,
        <Self::Error as CommandError>::ERRORS,
    )
    .kind(Self::KIND)
    .wants_answer(Self::WANTS_ANSWER)
    .idempotent(Self::IDEMPOTENT);
}

/// The errors that a command declares, normally an enum with `#[derive(CommandError)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a command",
    note = "put `#[derive(amp_rpc::CommandError)]` on the enum"
)]
pub trait CommandError: Error + Send + Sync + Sized + 'static {
    /// All codes.
    const ERRORS: &'static Errors;

    /// The code of this error and whether it is fatal.
    fn schema(&self) -> &'static ErrorSchema;

    /// What travels as the description: by default what `Display` prints.
    fn describe(&self) -> String {
        self.to_string()
    }

    /// The error for a code that a peer sent; `None` where it is not declared.
    fn from_code(code: &[u8], description: &str) -> Option<Self>;
}

/// The error of a command that declares none. It has no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoErrors {}

impl fmt::Display for NoErrors {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Error for NoErrors {}

impl CommandError for NoErrors {
    const ERRORS: &'static Errors = Errors::NONE;

    fn schema(&self) -> &'static ErrorSchema {
        match *self {}
    }

    fn from_code(_code: &[u8], _description: &str) -> Option<Self> {
        None
    }
}

/// An error in the form in which it travels: Twisted's `RemoteAmpError`.
///
/// A responder may answer one with any code; a caller gets one where the code is not declared.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteError {
    /// The code.
    pub code: Vec<u8>,
    /// The description; bytes that are no UTF-8 arrive as replacement characters.
    pub description: String,
    /// Whether the side that sends the error closes the connection behind it. Does not travel.
    pub fatal: bool,
}

impl RemoteError {
    /// An error that leaves the connection open.
    pub fn new(code: impl Into<Vec<u8>>, description: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            description: description.into(),
            fatal: false,
        }
    }

    /// The same error, fatal.
    #[must_use]
    pub fn fatal(mut self) -> Self {
        self.fatal = true;
        self
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteError")
            .field("code", &Excerpt(&self.code))
            .field("description", &self.description)
            .field("fatal", &self.fatal)
            .finish()
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = Excerpt(self.description.as_bytes());
        write!(f, "error {}: {description}", Excerpt(&self.code))
    }
}

impl Error for RemoteError {}

/// How a responder fails.
///
/// A declared error converts with `?` or `.into()`; anything else goes through
/// [`unexpected`](Self::unexpected).
#[derive(Debug)]
pub enum Failure<E = NoErrors> {
    /// An error that the command declares. Travels with its code and description.
    Declared(E),
    /// An error with a code of the responder's choice.
    Remote(RemoteError),
    /// Anything else. Travels as `UNKNOWN` without details, or as the command's catch-all error with
    /// this error's text; is logged on this side.
    Unexpected(Box<dyn Error + Send + Sync>),
}

impl<E> Failure<E> {
    /// An error that is not declared; for `map_err(Failure::unexpected)?`.
    pub fn unexpected(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unexpected(error.into())
    }
}

impl<E: CommandError> From<E> for Failure<E> {
    fn from(error: E) -> Self {
        Self::Declared(error)
    }
}

impl<E> From<RemoteError> for Failure<E> {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

/// What a responder of the command `C` returns.
pub type Answer<C> = Result<<C as Command>::Response, Failure<<C as Command>::Error>>;
