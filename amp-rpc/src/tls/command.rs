use crate::{Command, CommandError};

/// Twisted's command to begin TLS; what `Peer::start_tls` calls.
///
/// A connection whose [`Amp`](crate::Amp) has TLS answers it without a responder. With a responder, the
/// program decides for each connection: whether to grant it, and by
/// `Peer::set_tls` with which certificate and authorities. Commands of one's own
/// that begin TLS are declared with `#[amp(starttls)]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Command)]
#[amp(name = "StartTLS", starttls, error = StartTlsError, crate = crate)]
pub struct StartTls {}

/// Why the peer does not begin TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, CommandError)]
#[amp(crate = crate)]
#[non_exhaustive]
pub enum StartTlsError {
    /// It has no TLS, no certificate, or TLS was begun already. Twisted answers this where it has no TLS.
    #[error("the peer cannot begin TLS")]
    #[amp(code = "TLS_ERROR")]
    Unavailable,
}
