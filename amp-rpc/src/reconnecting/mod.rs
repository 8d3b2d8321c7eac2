//! A peer that survives its connections.

mod backoff;
mod call;
mod core;
mod error;
mod log;
mod options;
mod peer;
mod race;
mod state;
mod task;

pub use backoff::Backoff;
pub use call::{ReconnectingCall, ReconnectingTell};
pub use error::{AttemptError, NotConnected};
pub use options::Reconnecting;
pub use peer::ReconnectingPeer;
pub use state::{ReconnectingState, ReconnectingStates};
