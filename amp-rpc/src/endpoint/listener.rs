//! A place that accepts connections.

use std::io;

use super::haproxy::ProxiedListener;
#[cfg(feature = "_tls")]
use super::secure_server::SecureListener;
use super::{ConnectEndpoint, memory, tcp, unix};
use crate::transport::Opening;

/// Accepts connections. Dropping it frees its place.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(tcp::Listener),
    Unix(unix::Listener),
    Memory(memory::Listener),
    Proxied(ProxiedListener),
    #[cfg(feature = "_tls")]
    Secure(SecureListener),
    #[cfg(all(unix, feature = "process"))]
    Single(super::inherited::Single),
}

impl Listener {
    /// Waits for the next connection. Dropping the future loses none.
    ///
    /// What it takes to set the connection up is left to the future that is returned, so that a peer
    /// that is slow at it does not keep others waiting.
    ///
    /// `None`: there was a single connection, and there will be no other one.
    pub(crate) async fn accept(&mut self) -> io::Result<Option<Opening>> {
        let transport = match self {
            Self::Tcp(listener) => listener.accept().await,
            Self::Unix(listener) => listener.accept().await,
            Self::Memory(listener) => listener.accept().await,
            Self::Proxied(listener) => return listener.accept().await,
            #[cfg(feature = "_tls")]
            Self::Secure(listener) => return listener.accept().await,
            #[cfg(all(unix, feature = "process"))]
            Self::Single(single) => match single.accept() {
                Some(transport) => Ok(transport),
                None => return Ok(None),
            },
        }?;
        Ok(Some(Box::pin(std::future::ready(Ok(transport)))))
    }

    /// What leads here.
    pub(crate) fn endpoint(&self) -> ConnectEndpoint {
        match self {
            Self::Tcp(listener) => listener.endpoint(),
            Self::Unix(listener) => listener.endpoint(),
            Self::Memory(listener) => listener.endpoint(),
            Self::Proxied(listener) => listener.inner.endpoint(),
            #[cfg(feature = "_tls")]
            Self::Secure(listener) => listener.inner().endpoint(),
            #[cfg(all(unix, feature = "process"))]
            Self::Single(single) => single.endpoint(),
        }
    }
}
