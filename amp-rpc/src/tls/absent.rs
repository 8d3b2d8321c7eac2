//! What stands for TLS where the features for it are off: nothing.

use super::Role;
use super::error::TlsError;
use super::failed::Failed;
use super::session::TlsSession;
use crate::transport::BoxedStream;

/// There is none.
#[derive(Debug, Clone)]
pub(crate) enum Tls {}

impl Tls {
    pub(crate) fn has_identity(&self) -> bool {
        match *self {}
    }

    pub(crate) async fn handshake(
        &self,
        _stream: BoxedStream,
        _role: Role,
        _host: Option<&str>,
    ) -> Result<(BoxedStream, TlsSession), Failed> {
        match *self {}
    }
}

impl TlsError {
    pub(crate) fn within(_error: &std::io::Error) -> Option<Self> {
        None
    }
}
