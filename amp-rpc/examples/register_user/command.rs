//! The command: what travels. Server and client share it.

use amp_rpc::{Command, CommandError, Fields};

/// Registers a user.
#[derive(Debug, Command)]
#[amp(response = Registered, error = RegistrationError)]
pub(crate) struct RegisterUser {
    pub(crate) username: String,
    pub(crate) publickey: Vec<u8>,
}

/// The user is registered.
#[derive(Debug, Fields)]
pub(crate) struct Registered {
    pub(crate) uid: i64,
}

/// Why a user is not registered.
#[derive(Debug, thiserror::Error, CommandError)]
pub(crate) enum RegistrationError {
    #[error("the username is taken")]
    #[amp(code = "username-unavailable")]
    UsernameUnavailable,
    /// Not in the guide, whose server would write anywhere that a name leads to.
    #[error("the username is no plain file name")]
    #[amp(code = "username-invalid")]
    UsernameInvalid,
}
