//! What a reconnecting peer is doing.

use std::time::Duration;

use tokio::sync::watch;

use super::error::AttemptError;
use crate::peer::Peer;

/// What a [`ReconnectingPeer`](crate::ReconnectingPeer) is doing.
///
/// ```text
///          ┌────────────────────────────┐
///          ▼                            │
///     Connecting ─────────────────► Waiting        Closed: from anywhere
///          │      it failed             ▲
///          ▼                            │
///      Connected ───────────────────────┘
///                 it has ended
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReconnectingState {
    /// It connects, or makes a connection ready.
    #[non_exhaustive]
    Connecting {
        /// Which attempt it is, from 1, since there was a good connection.
        attempt: u32,
        /// Why the last one failed or the last connection ended.
        last_error: Option<AttemptError>,
    },
    /// It is connected. The peer is the connection's own: it does not survive it, and keeps it open
    /// as long as it is held.
    Connected(Peer),
    /// It waits before it tries again.
    #[non_exhaustive]
    Waiting {
        /// How many attempts there were since there was a good connection.
        attempt: u32,
        /// How long it waits.
        delay: Duration,
        /// Why the last one failed or the last connection ended.
        last_error: AttemptError,
    },
    /// It has no connection and will have none any more.
    Closed,
}

impl ReconnectingState {
    /// The connection, while there is one.
    pub fn peer(&self) -> Option<&Peer> {
        match self {
            Self::Connected(peer) => Some(peer),
            _ => None,
        }
    }

    /// Why there is no connection, where that is known.
    pub fn last_error(&self) -> Option<&AttemptError> {
        match self {
            Self::Connecting { last_error, .. } => last_error.as_ref(),
            Self::Waiting { last_error, .. } => Some(last_error),
            Self::Connected(_) | Self::Closed => None,
        }
    }
}

/// The states of a [`ReconnectingPeer`](crate::ReconnectingPeer), now and later; from
/// [`ReconnectingPeer::states`](crate::ReconnectingPeer::states). It keeps nothing connected.
///
/// States that pass quickly may be missed; the latest never is.
#[derive(Debug, Clone)]
pub struct ReconnectingStates(pub(super) watch::Receiver<ReconnectingState>);

impl ReconnectingStates {
    /// The state now.
    pub fn state(&self) -> ReconnectingState {
        self.0.borrow().clone()
    }

    /// Waits until there is another state than when this handle was made or this has last returned, and
    /// gives it. `None` once the last one, [`ReconnectingState::Closed`], was given. Cancel-safe.
    pub async fn changed(&mut self) -> Option<ReconnectingState> {
        let is_seen = matches!(self.0.has_changed(), Ok(false));
        if is_seen && matches!(*self.0.borrow(), ReconnectingState::Closed) {
            // The sender stays as long as there are handles.
            return None;
        }
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}
