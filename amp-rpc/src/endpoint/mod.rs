//! Where to listen and where to connect, as strings that Twisted knows too.

mod connect_endpoint;
mod description;
mod error;
mod haproxy;
#[cfg(all(unix, feature = "process"))]
mod inherited;
mod kinds;
mod listen_endpoint;
mod listener;
#[cfg(unix)]
mod lock_file;
mod memory;
#[cfg(all(unix, feature = "process"))]
mod process;
#[cfg(feature = "_tls")]
mod secure_client;
#[cfg(feature = "_tls")]
mod secure_server;
#[cfg(unix)]
mod socket_file;
mod tcp;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
#[path = "no_unix.rs"]
mod unix;
mod unix_path;

pub use connect_endpoint::ConnectEndpoint;
pub use error::{ConnectError, EndpointError, ListenError};
pub use listen_endpoint::ListenEndpoint;
pub(crate) use listener::Listener;
#[cfg(unix)]
pub(crate) use unix::addresses as unix_addresses;

/// How many connections wait to be accepted where nothing else is said; as in Twisted.
const DEFAULT_BACKLOG: u32 = 50;
