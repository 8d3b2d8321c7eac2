//! A place with a single connection, which is there from the beginning.

use std::fmt;

use super::super::ConnectEndpoint;
use crate::transport::Transport;

/// Listens where there is one connection to accept.
pub(crate) struct Single {
    transport: Option<Transport>,
    endpoint: ConnectEndpoint,
}

impl Single {
    pub(super) fn new(transport: Transport, endpoint: ConnectEndpoint) -> Self {
        Self {
            transport: Some(transport),
            endpoint,
        }
    }

    /// The connection, the first time.
    pub(crate) fn accept(&mut self) -> Option<Transport> {
        self.transport.take()
    }

    pub(crate) fn endpoint(&self) -> ConnectEndpoint {
        self.endpoint.clone()
    }
}

impl fmt::Debug for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Single")
            .field("endpoint", &self.endpoint)
            .field("is_accepted", &self.transport.is_none())
            .finish()
    }
}
