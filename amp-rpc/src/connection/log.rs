//! What the operator of this side should know.

use amp_rpc_core::conversation::Fault;
use amp_rpc_core::wire::Stranger;

#[cfg(feature = "tracing")]
use crate::chain::Chain;
use crate::tls::TlsError;
use crate::transport::Addresses;

/// Reports a failure of a responder, which the peer does not learn of in detail. `command` is its name, where it is known.
#[cfg(feature = "tracing")]
pub(super) fn fault(addresses: &Addresses, command: Option<&[u8]>, fault: &Fault, number: u64) {
    let peer = addresses.remote.as_ref().map(tracing::field::display);
    let command = command.map(|name| tracing::field::display(amp_rpc_core::Excerpt(name)));
    let number = format_args!("{number:x}");
    match fault {
        Fault::Unexpected(error) => {
            tracing::error!(peer, command, fault = %number, %error, "a responder failed")
        }
        Fault::BadAnswer(error) => {
            tracing::error!(peer, command, fault = %number, %error, "a responder's answer cannot be encoded");
        }
        Fault::FailedTell(error) => {
            tracing::warn!(peer, command, fault = %number, %error, "a command that wants no answer failed");
        }
        _ => tracing::error!(peer, command, fault = %number, reason = ?fault, "a call failed"),
    }
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn fault(_addresses: &Addresses, _command: Option<&[u8]>, _fault: &Fault, _number: u64) {
}

/// Reports that TLS does not begin on a connection that was accepted; the side that has connected has the error.
#[cfg(feature = "tracing")]
pub(super) fn not_secured(addresses: &Addresses, error: &TlsError) {
    let peer = addresses.remote.as_ref().map(tracing::field::display);
    let error = format_args!("{:#}", Chain(error));
    tracing::warn!(peer, %error, "TLS cannot begin on an accepted connection");
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn not_secured(_addresses: &Addresses, _error: &TlsError) {}

/// Reports that a peer's ask for TLS was refused, since this side is not set up for it.
#[cfg(feature = "tracing")]
pub(super) fn no_tls(addresses: &Addresses) {
    let peer = addresses.remote.as_ref().map(tracing::field::display);
    tracing::debug!(
        peer,
        "a peer has asked for TLS and was answered TLS_ERROR: there is no Amp::tls, or no certificate in it, or it is TLS already"
    );
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn no_tls(_addresses: &Addresses) {}

/// Reports that a connection ended before its first box, while it was set up.
#[cfg(feature = "tracing")]
pub(crate) fn opening(error: &std::io::Error) {
    let error = format_args!("{:#}", Chain(error));
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

/// Reports a peer that closed the connection instead of answering what this crate asks of its own accord. It may be chance.
#[cfg(feature = "tracing")]
pub(super) fn closed_when_asked(addresses: &Addresses) {
    let peer = addresses.remote.as_ref().map(tracing::field::display);
    tracing::info!(
        peer,
        "the peer closed the connection instead of answering the command `_amp-rpc`; if it always does, set \
         Compat::no_own_commands"
    );
}

/// Without the feature `tracing` there is nowhere to report to.
#[cfg(not(feature = "tracing"))]
pub(super) fn closed_when_asked(_addresses: &Addresses) {}

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

/// The span of a connection, a call or an ask.
#[cfg(feature = "tracing")]
pub(crate) use tracing::Span;

/// The span of a connection: at the level `debug`, so that it costs nothing where nobody looks.
#[cfg(feature = "tracing")]
pub(super) fn connection(addresses: &Addresses) -> Span {
    let peer = addresses.remote.as_ref().map(tracing::field::display);
    tracing::debug_span!("connection", peer)
}

/// The span of a call: its command, never its arguments.
#[cfg(feature = "tracing")]
pub(crate) fn call(command: &[u8]) -> Span {
    tracing::debug_span!("call", command = %amp_rpc_core::Excerpt(command))
}

/// The span of an ask that a responder carries out: its command, never its arguments.
#[cfg(feature = "tracing")]
pub(super) fn ask(command: &[u8]) -> Span {
    tracing::debug_span!("ask", command = %amp_rpc_core::Excerpt(command))
}

/// What stands for a span without the feature `tracing`: nothing.
#[cfg(not(feature = "tracing"))]
#[derive(Debug, Clone, Default)]
pub(crate) struct Span;

/// What stands for being in one.
#[cfg(not(feature = "tracing"))]
pub(crate) struct Entered;

#[cfg(not(feature = "tracing"))]
impl Span {
    pub(crate) fn none() -> Self {
        Self
    }

    pub(crate) fn current() -> Self {
        Self
    }

    pub(crate) fn enter(&self) -> Entered {
        Entered
    }

    pub(crate) fn in_scope<T>(&self, run: impl FnOnce() -> T) -> T {
        run()
    }
}

/// There is none.
#[cfg(not(feature = "tracing"))]
pub(super) fn connection(_addresses: &Addresses) -> Span {
    Span
}

/// There is none.
#[cfg(not(feature = "tracing"))]
pub(crate) fn call(_command: &[u8]) -> Span {
    Span
}

/// There is none.
#[cfg(not(feature = "tracing"))]
pub(super) fn ask(_command: &[u8]) -> Span {
    Span
}
