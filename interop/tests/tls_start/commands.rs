//! The commands of `start_tls_peer.py`.

use amp_rpc::{Command, CommandError, Fields};

/// Twisted's `StartTLS` with another name and further arguments.
#[derive(Debug, Command)]
#[amp(starttls, response = Granted, error = SecureError)]
pub(crate) struct Secure {
    pub(crate) tenant: String,
    /// Whether the responder is to demand a certificate.
    pub(crate) demand: Option<bool>,
}

#[derive(Debug, PartialEq, Fields)]
pub(crate) struct Granted {
    pub(crate) by: String,
}

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
pub(crate) enum SecureError {
    #[error("no such tenant")]
    #[amp(code = "NO_SUCH_TENANT")]
    NoSuchTenant,
}

/// What the other side sees of the connection's TLS.
#[derive(Debug, Command)]
#[amp(response = View)]
pub(crate) struct Seen {}

#[derive(Debug, PartialEq, Fields)]
pub(crate) struct View {
    pub(crate) version: Option<String>,
    pub(crate) subject: Option<String>,
}

/// Has Twisted ask: for `Secure` if a tenant is named, with a certificate if one is, and trusting either the
/// authority or anybody.
#[derive(Debug, Default, Command)]
pub(crate) struct Ask {
    pub(crate) tenant: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) verify: Option<bool>,
    pub(crate) demand: Option<bool>,
}

/// How that ends.
#[derive(Debug, Command)]
#[amp(response = Ended)]
pub(crate) struct Outcome {}

#[derive(Debug, PartialEq, Fields)]
pub(crate) struct Ended {
    pub(crate) by: Option<String>,
    pub(crate) error: Option<String>,
}

/// Waits until Twisted begins TLS.
#[derive(Debug, Command)]
pub(crate) struct Begun {}
