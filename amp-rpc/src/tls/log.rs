//! What the operator of this side should know.

use super::config_error::TlsConfigError;
use super::identities::Source;

/// Reports that renewed certificates are in use from now on.
#[cfg(feature = "tracing")]
pub(super) fn reloaded(source: &Source) {
    tracing::info!(%source, "certificates were read again");
}

/// Reports that changed files cannot be used.
#[cfg(feature = "tracing")]
pub(super) fn not_reloaded(source: &Source, error: &TlsConfigError) {
    let cause = std::error::Error::source(error).map(tracing::field::display);
    tracing::error!(%source, %error, cause, "changed certificates cannot be used, the old ones stay");
}

/// Reports a key that cannot be used.
#[cfg(feature = "tracing")]
pub(super) fn unused_key(place: &str) {
    tracing::warn!(place, "there is no certificate for a private key");
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn reloaded(_source: &Source) {}

#[cfg(not(feature = "tracing"))]
pub(super) fn not_reloaded(_source: &Source, _error: &TlsConfigError) {}

#[cfg(not(feature = "tracing"))]
pub(super) fn unused_key(_place: &str) {}
