//! A handshake that failed.

use std::fmt;

use super::error::TlsError;
use crate::transport::BoxedStream;

/// Why a handshake failed, and what is left of it.
pub(crate) struct Failed {
    pub(crate) error: TlsError,
    /// Where the peer was told why, which it reads only if the stream is not reset.
    pub(crate) stream: Option<BoxedStream>,
}

impl From<TlsError> for Failed {
    fn from(error: TlsError) -> Self {
        Self {
            error,
            stream: None,
        }
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}
