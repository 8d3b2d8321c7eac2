//! A place that accepts connections.

use std::io;

use super::{ConnectEndpoint, memory, tcp, unix};
use crate::transport::Opening;

/// Accepts connections. Dropping it frees its place.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(tcp::Listener),
    Unix(unix::Listener),
    Memory(memory::Listener),
}

impl Listener {
    /// Waits for the next connection. Dropping the future loses none.
    ///
    /// What it takes to set the connection up is left to the future that is returned, so that a peer
    /// that is slow at it does not keep others waiting.
    pub(crate) async fn accept(&mut self) -> io::Result<Opening> {
        let transport = match self {
            Self::Tcp(listener) => listener.accept().await,
            Self::Unix(listener) => listener.accept().await,
            Self::Memory(listener) => listener.accept().await,
        }?;
        Ok(Box::pin(std::future::ready(Ok(transport))))
    }

    /// What leads here.
    pub(crate) fn endpoint(&self) -> ConnectEndpoint {
        match self {
            Self::Tcp(listener) => listener.endpoint(),
            Self::Unix(listener) => listener.endpoint(),
            Self::Memory(listener) => listener.endpoint(),
        }
    }
}
