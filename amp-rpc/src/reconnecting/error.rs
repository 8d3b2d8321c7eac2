//! Why there is no connection at the moment, and calls that could not wait for one.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::end::EndReason;
use crate::endpoint::ConnectError;

/// Why a [`ReconnectingPeer`](crate::ReconnectingPeer) has no connection: the last attempt failed, or the
/// connection has ended. Cheap to clone.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// There was no connection.
    #[error(transparent)]
    Connect(Arc<ConnectError>),
    /// The function that runs on each connection failed; see
    /// [`Reconnecting::on_connect`](crate::Reconnecting::on_connect).
    #[error("there is a connection, but it cannot be made ready")]
    Hook(#[source] Arc<dyn Error + Send + Sync>),
    /// That function took too long.
    #[error("there is a connection, but it was not made ready within {limit:?}")]
    HookTimedOut {
        /// What [`Reconnecting::hook_timeout`](crate::Reconnecting::hook_timeout) allows.
        limit: Duration,
    },
    /// A function of this program panicked that every connection needs: the one that makes locators, or the one that
    /// runs on each connection.
    #[error("there is a connection, but making it ready panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The connection ended.
    #[error(transparent)]
    Ended(EndReason),
    /// The peer has said that it takes no new calls on the connection; see [`Peer::leaving`](crate::Peer::leaving).
    #[error("the peer takes no new calls on the connection")]
    Left,
}

/// Why a [`ReconnectingPeer`](crate::ReconnectingPeer) did not send a call: it had no connection. Each says
/// why there was none, where that is known. Nothing was sent.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NotConnected {
    /// Calls do not wait for a connection; see [`Reconnecting::fail_fast`](crate::Reconnecting::fail_fast).
    #[error("there is no connection")]
    FailedFast {
        /// Why there is none.
        #[source]
        last_error: Option<AttemptError>,
    },
    /// As many calls wait as may; see [`Reconnecting::max_waiting`](crate::Reconnecting::max_waiting).
    #[error("there is no connection, and {max} calls wait for one already")]
    QueueFull {
        /// How many may wait.
        max: usize,
        /// Why there is no connection.
        #[source]
        last_error: Option<AttemptError>,
    },
    /// There was none in time; see [`Reconnecting::max_wait`](crate::Reconnecting::max_wait).
    #[error("there was no connection within {limit:?}")]
    WaitedTooLong {
        /// How long a call may wait.
        limit: Duration,
        /// Why there was none.
        #[source]
        last_error: Option<AttemptError>,
    },
}
