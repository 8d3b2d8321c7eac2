//! The handshake.

use std::io;
use std::net::Ipv4Addr;

use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, CommonState, Error};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use x509_parser::parse_x509_certificate;

use super::Role;
use super::config::{Tls, other};
use super::error::{CertificateProblem, TlsError};
use super::failed::Failed;
use super::first_bytes::{FirstBytes, what_is};
use super::names::names;
use super::session::{Facts, PeerIdentity, TlsSession};
use super::subject;
use super::verifier::OfAuthority;
use crate::transport::BoxedStream;

impl Tls {
    /// Begins TLS on a stream. `host` is where it leads, if that is known.
    ///
    /// Cancel-safe: dropping it drops the stream.
    pub(crate) async fn handshake(
        &self,
        stream: BoxedStream,
        role: Role,
        host: Option<&str>,
    ) -> Result<(BoxedStream, TlsSession), Failed> {
        let limit = self.timeout();
        let handshake = async {
            match role {
                Role::Client => self.connect(stream, host).await,
                Role::Server => self.accept(stream).await,
            }
        };
        tokio::time::timeout(limit, handshake)
            .await
            .unwrap_or_else(|_| Err(TlsError::TimedOut { limit }.into()))
    }

    async fn connect(
        &self,
        stream: BoxedStream,
        host: Option<&str>,
    ) -> Result<(BoxedStream, TlsSession), Failed> {
        let name = match self.name(host) {
            Some(name) => match ServerName::try_from(name) {
                Ok(name) => Some(name.to_owned()),
                Err(_) if self.checks_name() => {
                    return Err(TlsError::BadServerName(name.to_owned()).into());
                }
                Err(_) => None,
            },
            None if self.checks_name() => return Err(TlsError::NoServerName.into()),
            None => None,
        };
        let sought = name.as_ref().map(|name| name.to_str().into_owned());
        // An address is not said to the server, so where there is no name, none is said.
        let name = name.unwrap_or_else(|| Ipv4Addr::UNSPECIFIED.into());
        let connector = TlsConnector::from(self.client().await?);
        let connecting = connector.connect(name, FirstBytes::new(stream));
        match connecting.into_fallible().await {
            Ok(stream) => {
                let session = session(stream.get_ref().1, true, sought);
                Ok((BoxedStream::new(stream), session))
            }
            Err((error, stream)) => Err(Failed {
                error: failure(error, &stream),
                stream: Some(BoxedStream::new(stream)),
            }),
        }
    }

    async fn accept(&self, stream: BoxedStream) -> Result<(BoxedStream, TlsSession), Failed> {
        let acceptor = TlsAcceptor::from(self.server().await?);
        let accepting = acceptor.accept(FirstBytes::new(stream));
        match accepting.into_fallible().await {
            Ok(stream) => {
                let connection = stream.get_ref().1;
                let server_name = connection.server_name().map(str::to_owned);
                let session = session(connection, false, server_name);
                Ok((BoxedStream::new(stream), session))
            }
            Err((error, stream)) => Err(Failed {
                error: failure(error, &stream),
                stream: Some(BoxedStream::new(stream)),
            }),
        }
    }
}

fn session(state: &CommonState, is_client: bool, server_name: Option<String>) -> TlsSession {
    let version = match state.protocol_version() {
        Some(version) => version
            .as_str()
            .map_or_else(|| format!("{version:?}"), dotted),
        None => String::new(),
    };
    let suite = state.negotiated_cipher_suite();
    TlsSession::new(Facts {
        version,
        cipher_suite: suite.map_or_else(String::new, |suite| format!("{:?}", suite.suite())),
        alpn: state.alpn_protocol().map(<[u8]>::to_vec),
        server_name,
        is_client,
        peer: state.peer_certificates().and_then(identity),
    })
}

/// `TLSv1.3` for `TLSv1_3`.
fn dotted(version: &str) -> String {
    version.replace('_', ".")
}

/// Reads a certificate. What cannot be read is left out: it was judged already.
fn identity(chain: &[CertificateDer<'_>]) -> Option<PeerIdentity> {
    let own = chain.first()?;
    let mut identity = PeerIdentity {
        subject: String::new(),
        names: Vec::new(),
        chain: chain.iter().map(|it| it.to_vec()).collect(),
    };
    if let Ok((_, certificate)) = parse_x509_certificate(own) {
        identity.subject = subject::text(certificate.subject());
        identity.names = names(&certificate);
    }
    Some(identity)
}

fn failure(error: io::Error, stream: &FirstBytes) -> TlsError {
    let is_cut = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    );
    let rustls = error.get_ref().and_then(|inner| inner.downcast_ref());
    let is_unreadable = matches!(rustls, Some(Error::InvalidMessage(_)));
    if is_unreadable && stream.began_otherwise() {
        let first = stream.first().to_vec();
        let what = what_is(&first);
        return TlsError::NotTls { first, what };
    }
    match rustls {
        Some(error) => translate(error),
        None if is_cut => TlsError::Cut,
        None => other(error),
    }
}

fn translate(error: &Error) -> TlsError {
    let problem = match error {
        Error::AlertReceived(alert) => {
            return TlsError::RefusedByPeer {
                alert: alert
                    .as_str()
                    .map_or_else(|| format!("{alert:?}"), str::to_owned),
            };
        }
        Error::NoCertificatesPresented => CertificateProblem::Missing,
        Error::InvalidCertificate(error) => problem(error),
        Error::NoApplicationProtocol => return TlsError::OtherProtocol,
        error => return other(error.clone()),
    };
    TlsError::Certificate(problem)
}

fn problem(error: &CertificateError) -> CertificateProblem {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotValidYet
        }
        CertificateError::UnknownIssuer => CertificateProblem::UnknownAuthority,
        CertificateError::ApplicationVerificationFailure => CertificateProblem::WrongKey,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            CertificateProblem::WrongPurpose
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => CertificateProblem::WrongName {
            expected: expected.to_str().into_owned(),
            presented: presented.clone(),
        },
        CertificateError::Other(why) if why.0.is::<OfAuthority>() => CertificateProblem::Authority,
        CertificateError::Other(why) => CertificateProblem::Other(why.to_string()),
        other => CertificateProblem::Other(other.to_string()),
    }
}

impl TlsError {
    /// The failure of TLS that an error of a stream is about, if it is.
    pub(crate) fn within(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref()?;
        Some(translate(error))
    }
}
