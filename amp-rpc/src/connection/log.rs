//! What the operator of this side should know.

use amp_rpc_core::conversation::Fault;
use amp_rpc_core::wire::Stranger;

use crate::transport::Addresses;

/// Reports a failure of a responder, which the peer does not learn of in detail.
#[cfg(feature = "tracing")]
pub(super) fn fault(addresses: &Addresses, fault: &Fault) {
    let peer = addresses.remote.as_ref().map(tracing::field::display);
    match fault {
        Fault::Unexpected(error) => tracing::error!(peer, %error, "a responder failed"),
        Fault::BadAnswer(error) => {
            tracing::error!(peer, %error, "a responder's answer cannot be encoded");
        }
        Fault::FailedTell(error) => {
            tracing::warn!(peer, %error, "a command that wants no answer failed");
        }
        _ => tracing::error!(peer, ?fault, "a call failed"),
    }
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn fault(_addresses: &Addresses, _fault: &Fault) {}

/// Reports that a connection ended before its first box, while it was set up.
#[cfg(feature = "tracing")]
pub(crate) fn opening(error: &std::io::Error) {
    tracing::warn!(%error, "an accepted connection cannot be set up");
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(crate) fn opening(_error: &std::io::Error) {}

/// Reports a peer that gives no sign of life, but never did before.
#[cfg(feature = "tracing")]
pub(super) fn silent(addresses: &Addresses, silence: std::time::Duration) {
    let peer = addresses.remote.as_ref().map(tracing::field::display);
    tracing::warn!(
        peer,
        ?silence,
        "a peer has not been heard of, and does not answer; it never did, so the connection stays"
    );
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn silent(_addresses: &Addresses, _silence: std::time::Duration) {}

/// Reports somebody who does not speak AMP. Once for a connection, since it ends with this.
#[cfg(feature = "tracing")]
pub(super) fn stranger(addresses: &Addresses, stranger: Stranger) {
    let peer = addresses.remote.as_ref().map(tracing::field::display);
    tracing::warn!(peer, protocol = stranger.name(), "{stranger}");
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn stranger(_addresses: &Addresses, _stranger: Stranger) {}

/// Reports that a server has as many connections as it may, and refuses others.
#[cfg(feature = "tracing")]
pub(crate) fn full(bound: usize) {
    tracing::warn!(
        bound,
        "a server has its maximum of connections, and refuses more until one ends"
    );
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(crate) fn full(_bound: usize) {}
