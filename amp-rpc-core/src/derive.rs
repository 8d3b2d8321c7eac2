//! What is asked of types that are derived, in words that say what to do.

use alloc::string::String;
use core::error::Error;

/// Says in plain words that an enum with `#[derive(CommandError)]` is no error; the supertraits of
/// [`CommandError`](crate::CommandError) demand the same.
#[diagnostic::on_unimplemented(
    message = "`{Self}` must be an error that threads can share before it can be the error of a command",
    label = "implements no `Error`, or is not `Send` and `Sync`",
    note = "put `#[derive(Debug, thiserror::Error)]` on it and `#[error(\"…\")]` on each variant, or implement `Display` and `core::error::Error` by hand"
)]
pub trait IsError {}

#[diagnostic::do_not_recommend]
impl<T: Error + Send + Sync + 'static> IsError for T {}

/// Compiles for errors.
pub const fn assert_is_error<T: IsError>() {}

/// What a variant of such an enum may hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hold the description of an error",
    label = "cannot be made of a `String`",
    note = "a variant holds nothing, a type that is `From<String>`, or with `#[amp(include)]` another enum of errors"
)]
pub trait FromDescription: Sized {
    /// Takes the description that a peer sent.
    fn from_description(description: &str) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: From<String>> FromDescription for T {
    fn from_description(description: &str) -> Self {
        Self::from(String::from(description))
    }
}
