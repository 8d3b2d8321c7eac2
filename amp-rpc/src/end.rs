//! Why a connection ended.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use amp_rpc_core::conversation::CloseReason;
use thiserror::Error;

use crate::tls::TlsError;

/// Why a connection ended. Everybody who waited on it gets the reason; it is cheap to clone.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum EndReason {
    /// This side closed it: `close`, a shutdown, or the last [`Peer`](crate::Peer) was dropped.
    #[error("the connection was closed on this side")]
    ClosedHere,
    /// The peer closed it. Twisted's `ConnectionDone`.
    #[error("the peer closed the connection")]
    ClosedByPeer,
    /// The network failed. Twisted's `ConnectionLost`.
    #[error("the connection was lost")]
    Lost(#[source] Arc<io::Error>),
    /// The peer has not been heard of for this long and has not answered a sign of life, though it had answered
    /// one before; see [`Amp::keepalive`](crate::Amp::keepalive).
    #[error("the peer has not been heard of for {0:?}, and gives no sign of life")]
    Silent(Duration),
    /// Nobody used the connection for this long; see [`Amp::idle_timeout`](crate::Amp::idle_timeout).
    #[error("the connection was not used for {0:?}")]
    Idle(Duration),
    /// The peer has connected, but sent no box for this long; see
    /// [`Amp::first_box_timeout`](crate::Amp::first_box_timeout).
    #[error("the peer has connected, but sent no box for {0:?}")]
    NothingReceived(Duration),
    /// Something in the conversation ended it, on this side.
    #[error("this side ended the connection")]
    Ended(#[source] Arc<CloseReason>),
    /// The program at the other end, which this process has started, ended without success.
    #[cfg(all(unix, feature = "process"))]
    #[error("the program at the other end has ended")]
    ProgramEnded(#[source] Arc<crate::process::ProgramEnded>),
    /// TLS failed: it was to begin and did not, or what came is no TLS. With TLS 1.3, a server's refusal
    /// of the client's certificate is learned only behind the handshake.
    #[error("TLS failed")]
    Tls(#[source] Arc<TlsError>),
    /// Another protocol took the connection over.
    #[error("the connection was handed over to another protocol")]
    Switched,
}

impl From<io::Error> for EndReason {
    fn from(error: io::Error) -> Self {
        #[cfg(all(unix, feature = "process"))]
        let error = match error.downcast() {
            Ok(ended) => return Self::ProgramEnded(Arc::new(ended)),
            Err(error) => error,
        };
        let error = match error.downcast::<CloseReason>() {
            Ok(reason) => return reason.into(),
            Err(error) => error,
        };
        match TlsError::within(&error) {
            Some(error) => error.into(),
            None => Self::Lost(Arc::new(error)),
        }
    }
}

impl From<TlsError> for EndReason {
    fn from(error: TlsError) -> Self {
        Self::Tls(Arc::new(error))
    }
}

impl From<CloseReason> for EndReason {
    fn from(reason: CloseReason) -> Self {
        Self::Ended(Arc::new(reason))
    }
}
