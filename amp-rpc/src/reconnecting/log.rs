//! What the operator of this side should know.

use std::time::Duration;

use super::error::AttemptError;
#[cfg(feature = "tracing")]
use crate::chain::Chain;
use crate::endpoint::ConnectEndpoint;

/// Reports that there is a connection, and that it is ready.
#[cfg(feature = "tracing")]
pub(super) fn connected(endpoint: &ConnectEndpoint) {
    tracing::info!(%endpoint, "connected");
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn connected(_endpoint: &ConnectEndpoint) {}

/// Reports that there is none. Only the first failure is a warning: a server may be gone for days.
#[cfg(feature = "tracing")]
pub(super) fn failed(
    endpoint: &ConnectEndpoint,
    error: &AttemptError,
    delay: Duration,
    attempt: u32,
) {
    let error = format_args!("{:#}", Chain(error));
    if attempt <= 1 {
        tracing::warn!(%endpoint, %error, ?delay, "not connected, and trying again");
    } else {
        tracing::debug!(%endpoint, %error, ?delay, attempt, "still not connected");
    }
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn failed(
    _endpoint: &ConnectEndpoint,
    _error: &AttemptError,
    _delay: Duration,
    _attempt: u32,
) {
}
