//! What derived code asks of the types it is written for, in words that say what to do.

use alloc::string::String;
use core::error::Error;

/// That an enum with `#[derive(CommandError)]` is an error.
///
/// It repeats what [`CommandError`](crate::CommandError) demands, so that the compiler can say how
/// it is usually met.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error yet",
    label = "implements no `Error`, or cannot be shared between threads",
    note = "put `#[derive(Debug, thiserror::Error)]` on it and `#[error(\"…\")]` on each variant, or implement `Display` and `core::error::Error` by hand"
)]
pub trait IsError: Error + Send + Sync + Sized + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Error + Send + Sync + 'static> IsError for T {}

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
