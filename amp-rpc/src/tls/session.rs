//! What a handshake has agreed on, and who the peer is by it.

use std::fmt;
use std::sync::Arc;

/// The TLS of a connection. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsSession(Arc<Facts>);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) version: String,
    pub(super) cipher_suite: String,
    pub(super) alpn: Option<Vec<u8>>,
    pub(super) server_name: Option<String>,
    pub(super) is_client: bool,
    pub(super) peer: Option<PeerIdentity>,
}

/// Who the peer is, as far as its certificate says so.
///
/// Whether that was verified depends on the `Trust` of this side.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerIdentity {
    /// The subject of its certificate, as text such as `CN=localhost,O=Example`: in the form of RFC 4514,
    /// which is from the last attribute to the first, and whose escapes keep a value from looking like
    /// further attributes. Empty where it has none, or the certificate cannot be read.
    pub subject: String,
    /// The names that its certificate is for: host names, IP addresses, e-mail addresses, URIs.
    pub names: Vec<String>,
    /// Its certificate and what it sent with it, in DER, its own first.
    pub chain: Vec<Vec<u8>>,
}

#[cfg_attr(
    not(feature = "_tls"),
    allow(dead_code, reason = "without TLS there are no sessions to make")
)]
impl TlsSession {
    pub(super) fn new(facts: Facts) -> Self {
        Self(Arc::new(facts))
    }
}

impl TlsSession {
    /// The version of the protocol: `TLSv1.3` or `TLSv1.2`.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The cipher suite, by its name in the standard.
    pub fn cipher_suite(&self) -> &str {
        &self.0.cipher_suite
    }

    /// The protocol that was agreed on by ALPN, such as `amp`; `None` where one side offered none.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.0.alpn.as_deref()
    }

    /// The name under which the client sought the server; `None` where it said none.
    pub fn server_name(&self) -> Option<&str> {
        self.0.server_name.as_deref()
    }

    /// Whether this side was the client of the handshake.
    pub fn is_client(&self) -> bool {
        self.0.is_client
    }

    /// Who the peer is; `None` where it showed no certificate. Twisted's `peerCertificate`.
    pub fn peer(&self) -> Option<&PeerIdentity> {
        self.0.peer.as_ref()
    }
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.peer().map(|peer| &peer.subject);
        f.debug_struct("TlsSession")
            .field("version", &self.version())
            .field("cipher_suite", &self.cipher_suite())
            .field("peer", &subject)
            .finish_non_exhaustive()
    }
}
