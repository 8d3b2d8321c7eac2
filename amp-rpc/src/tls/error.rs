//! Why TLS failed.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use amp_rpc_core::wire::Stranger;

/// Why TLS failed on a connection, or did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer sent something else than TLS.
    #[error(
        "the peer does not speak TLS: it sent {what} (\"{}\"); {}",
        first.escape_ascii(),
        remedy(first)
    )]
    NotTls {
        /// The first bytes.
        first: Vec<u8>,
        /// What they look like.
        what: &'static str,
    },
    /// This side refuses the peer's certificate.
    #[error("the peer's certificate is refused: {0}")]
    Certificate(#[source] CertificateProblem),
    /// The peer refuses this side: its certificate, or everything it offers.
    #[error("the peer has refused with the alert {alert}; {}", advice(alert))]
    RefusedByPeer {
        /// TLS's name of the alert, such as `UnknownCA`.
        alert: String,
    },
    /// The connection ended within the handshake.
    #[error(
        "the connection ended within the handshake; the peer may not speak TLS, or refuse without a word"
    )]
    Cut,
    /// The handshake was not done in time.
    #[error("the handshake was not done within {limit:?}; the peer may not speak TLS")]
    TimedOut {
        /// The time it had; `Tls::handshake_timeout`.
        limit: Duration,
    },
    /// The peer's certificate is to bear a name, and it is not known which.
    #[error(
        "it is not known which name the peer's certificate has to bear; set it with Tls::server_name"
    )]
    NoServerName,
    /// What stands for the name of the peer cannot stand in a certificate.
    #[error("{0:?} is no name that a certificate can bear; set it with Tls::server_name")]
    BadServerName(String),
    /// This side is the one that needs a certificate and has none.
    #[error("this side has no certificate; give it one with Tls::identity")]
    NoIdentity,
    /// The peer offers other protocols than `amp` in the handshake (ALPN), and no `amp`.
    #[error(
        "the peer has offered other protocols and not `amp` (ALPN); it may seek another service, or leave \
         Tls::alpn off"
    )]
    OtherProtocol,
    /// Anything else, in the words of the library that does TLS.
    #[error("TLS failed")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

/// What to do about a peer that begins like this.
fn remedy(first: &[u8]) -> &'static str {
    match Stranger::recognize(first) {
        Some(Stranger::ProxyHeader) => {
            "the header has to be read before TLS begins: listen with ListenEndpoint::haproxy(endpoint).tls(tls)"
        }
        _ => "use an endpoint without TLS, or give the peer TLS",
    }
}

/// What to do about an alert.
fn advice(alert: &str) -> &'static str {
    match alert {
        "CertificateRequired" => "it demands a certificate; give this side one with Tls::identity",
        "UnknownCA" => {
            "it does not trust the authority of this side's certificate, which it has to be told of"
        }
        "CertificateExpired" => "this side's certificate has expired; renew it",
        "NoApplicationProtocol" => "it does not know `amp` (ALPN); leave Tls::alpn off",
        "InternalError" => {
            "Twisted says so when it was told of no protocols (ALPN): give its TLS the acceptableProtocols \
             [b\"amp\"], or leave Tls::alpn off; otherwise its log says more"
        }
        "AccessDenied" | "UnrecognisedName" => {
            "it may have no certificate for the name that was sought; set it with Tls::server_name"
        }
        "ProtocolVersion" => "it speaks other versions of TLS; this side speaks 1.2 and 1.3",
        _ => "its log says more",
    }
}

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// It is for other hosts.
    WrongName {
        /// The name that it had to bear.
        expected: String,
        /// The names that it bears.
        presented: Vec<String>,
    },
    /// It is too old.
    Expired,
    /// It is not valid yet; a clock may be wrong.
    NotValidYet,
    /// It is signed by itself or by an authority that is not trusted.
    UnknownAuthority,
    /// Its key is not the one that was pinned.
    WrongKey,
    /// There is none.
    Missing,
    /// It is not meant for this role.
    WrongPurpose,
    /// It is the certificate of an authority, and not one that an authority gave somebody.
    Authority,
    /// Anything else, in the words of the library that does TLS.
    Other(String),
}

impl Error for CertificateProblem {}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongName {
                expected,
                presented,
            } => {
                write!(f, "it is not for {expected:?} but for ")?;
                if presented.is_empty() {
                    f.write_str("no name at all")?;
                } else {
                    f.write_str(&presented.join(", "))?;
                }
                f.write_str("; connect by one of its names, or set the name with Tls::server_name")
            }
            Self::Expired => f.write_str("it has expired; renew it"),
            Self::NotValidYet => f.write_str("it is not valid yet; are both clocks right?"),
            Self::UnknownAuthority => f.write_str(
                "it is signed by itself or by an authority that is not trusted; add the authority with \
                 Tls::trust",
            ),
            Self::WrongKey => f.write_str(
                "its key is not the one that was pinned; if the key was changed on purpose, give the new \
                 one to Trust::key",
            ),
            Self::Missing => f.write_str("there is none, but this side demands one"),
            Self::WrongPurpose => f.write_str(
                "it is not meant for this role; servers need the purpose serverAuth, and clients \
                 clientAuth",
            ),
            Self::Authority => f.write_str(
                "it is the certificate of an authority (CA:TRUE), with which nobody can show who they are; have a \
                 certificate with CA:FALSE signed by it, or pin its key with Trust::key",
            ),
            Self::Other(why) => f.write_str(why),
        }
    }
}
