//! TLS: from the first byte, and from the middle with `StartTLS`.

#[cfg(not(feature = "_tls"))]
mod absent;
#[cfg(feature = "_tls")]
mod cached;
#[cfg(feature = "_tls")]
mod certificates;
mod command;
#[cfg(feature = "_tls")]
mod config;
#[cfg(feature = "_tls")]
mod config_error;
mod error;
mod failed;
#[cfg(feature = "_tls")]
mod files;
#[cfg(feature = "_tls")]
mod first_bytes;
#[cfg(feature = "_tls")]
mod handshake;
#[cfg(feature = "_tls")]
mod identities;
#[cfg(feature = "_tls")]
mod identity;
#[cfg(feature = "_tls")]
mod log;
#[cfg(feature = "_tls")]
mod names;
#[cfg(feature = "_tls")]
mod provider;
mod session;
#[cfg(feature = "_tls")]
mod subject;
#[cfg(all(test, feature = "_tls"))]
mod tests;
#[cfg(feature = "_tls")]
mod trust;
#[cfg(feature = "_tls")]
mod verifier;

#[cfg(not(feature = "_tls"))]
pub(crate) use absent::Tls;
pub use command::{StartTls, StartTlsError};
#[cfg(feature = "_tls")]
pub use config::Tls;
#[cfg(feature = "_tls")]
pub use config_error::TlsConfigError;
pub use error::{CertificateProblem, TlsError};
pub(crate) use failed::Failed;
#[cfg(feature = "_tls")]
pub use identities::Identities;
#[cfg(feature = "_tls")]
pub use identity::Identity;
pub use session::{PeerIdentity, TlsSession};
#[cfg(feature = "_tls")]
pub use trust::Trust;

/// A side's role in the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}
