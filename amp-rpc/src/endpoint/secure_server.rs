//! TLS around what another endpoint listens on: `ssl:` and `tls:`.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::description::{Arguments, Description, Escaped, Options, digits};
use super::error::{EndpointError, ListenError};
use super::listen_endpoint::ListenEndpoint;
use super::listener::Listener;
use crate::connection::Farewell;
use crate::options_error::OptionsError;
use crate::tls::{Failed, Identities, Role, Tls, TlsConfigError, TlsError};
use crate::transport::{Addresses, Opening};

/// An endpoint to listen on, and how TLS is done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecureServer {
    inner: ListenEndpoint,
    how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    Given(Tls),
    /// `ssl:`, with one certificate.
    Files {
        key: PathBuf,
        certificate: Option<PathBuf>,
        intermediates: Option<PathBuf>,
    },
    /// `tls:`, with a folder of certificates.
    Folder(PathBuf),
}

/// Twisted's default.
const KEY: &str = "server.pem";
/// Twisted's default for `tls:`.
const PORT: u16 = 443;

impl SecureServer {
    pub(super) fn given(inner: ListenEndpoint, tls: Tls) -> Self {
        Self {
            inner,
            how: How::Given(tls),
        }
    }

    /// Reads `ssl:PORT`.
    pub(super) fn read_ssl(description: Description) -> Result<(Self, Arguments), EndpointError> {
        const OPTIONS: &[&str] = &[
            "port",
            "privateKey",
            "certKey",
            "sslmethod",
            "interface",
            "backlog",
            "extraCertChain",
            "dhParameters",
        ];
        let mut arguments = description.assign(&Options {
            all: OPTIONS,
            positional: OPTIONS,
            example: "ssl:8443:privateKey=server.key:certKey=server.pem",
        })?;
        let port = arguments.require_as("port", "a number from 0 to 65535", digits)?;
        let interface = arguments.take("interface").unwrap_or_default();
        // What they choose, TLS 1.2 and 1.3 have made up their minds about.
        arguments.take("sslmethod");
        arguments.take("dhParameters");
        let how = How::Files {
            key: arguments
                .take("privateKey")
                .map_or_else(|| KEY.into(), PathBuf::from),
            certificate: arguments.take("certKey").map(PathBuf::from),
            intermediates: arguments.take("extraCertChain").map(PathBuf::from),
        };
        let inner = ListenEndpoint::tcp(interface, port);
        Ok((Self { inner, how }, arguments))
    }

    /// Reads `tls:FOLDER:PORT`.
    pub(super) fn read_tls(description: Description) -> Result<(Self, Arguments), EndpointError> {
        let mut arguments = description.assign(&Options {
            all: &["path", "port", "backlog", "interface"],
            positional: &["path", "port", "backlog", "interface"],
            example: "tls:/etc/example/certificates:8443",
        })?;
        let folder = arguments.require_text("path", "the path of a folder")?;
        let port = arguments.take_as("port", "a number from 0 to 65535", digits)?;
        let interface = arguments
            .take("interface")
            .unwrap_or_else(|| "::".to_owned());
        let inner = ListenEndpoint::tcp(interface, port.unwrap_or(PORT));
        let how = How::Folder(folder.into());
        Ok((Self { inner, how }, arguments))
    }

    pub(super) fn inner_mut(&mut self) -> &mut ListenEndpoint {
        &mut self.inner
    }

    pub(super) async fn bind(&self, endpoint: &ListenEndpoint) -> Result<Listener, ListenError> {
        let tls = self.tls().map_err(|source| ListenError::TlsConfig {
            endpoint: Box::new(endpoint.clone()),
            source,
        })?;
        if !tls.has_identity() {
            return Err(ListenError::NoCertificate {
                endpoint: Box::new(endpoint.clone()),
            });
        }
        if tls.timeout().is_zero() {
            return Err(ListenError::Options {
                endpoint: Box::new(endpoint.clone()),
                source: OptionsError::new(
                    "Tls::handshake_timeout",
                    "with 0, no handshake would be done in time",
                ),
            });
        }
        let inner = Box::new(Box::pin(self.inner.bind()).await?);
        Ok(Listener::Secure(SecureListener { inner, tls }))
    }

    fn tls(&self) -> Result<Tls, TlsConfigError> {
        let identities = match &self.how {
            How::Given(tls) => return Ok(tls.clone()),
            How::Folder(path) => Identities::from_folder(path)?,
            How::Files {
                key,
                certificate,
                intermediates,
            } => {
                let certificate = certificate.as_ref().unwrap_or(key);
                match intermediates {
                    Some(path) => Identities::from_pem_files_with_chain(certificate, path, key)?,
                    None => Identities::from_pem_files(certificate, key)?,
                }
            }
        };
        Ok(Tls::new().identities(identities))
    }
}

/// Of TLS that was given as a value nothing is written: what is there is not to be read again.
impl fmt::Display for SecureServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (interface, port) = self.inner.tcp_place().unwrap_or_default();
        let all_interfaces = match &self.how {
            How::Given(_) => return write!(f, "{} with TLS", self.inner),
            How::Files {
                key,
                certificate,
                intermediates,
            } => {
                write!(f, "ssl:{port}:privateKey={}", Escaped(key.display()))?;
                if let Some(path) = certificate {
                    write!(f, ":certKey={}", Escaped(path.display()))?;
                }
                if let Some(path) = intermediates {
                    write!(f, ":extraCertChain={}", Escaped(path.display()))?;
                }
                ""
            }
            How::Folder(path) => {
                write!(f, "tls:{}:{port}", Escaped(path.display()))?;
                "::"
            }
        };
        if interface != all_interfaces {
            write!(f, ":interface={}", Escaped(interface))?;
        }
        if let Some(backlog) = self.inner.unusual_backlog() {
            write!(f, ":backlog={backlog}")?;
        }
        Ok(())
    }
}

fn failure(addresses: &Addresses, error: &TlsError) -> io::Error {
    let reason = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let reason = match &addresses.remote {
        Some(peer) => format!("{peer}: {reason}"),
        None => reason,
    };
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Accepts connections and does TLS on them.
#[derive(Debug)]
pub(crate) struct SecureListener {
    inner: Box<Listener>,
    tls: Tls,
}

impl SecureListener {
    pub(super) async fn accept(&mut self) -> io::Result<Option<Opening>> {
        let Some(opening) = Box::pin(self.inner.accept()).await? else {
            return Ok(None);
        };
        let tls = self.tls.clone();
        Ok(Some(Box::pin(async move {
            let mut transport = opening.await?;
            let handshake = tls.handshake(transport.stream, Role::Server, None);
            let Failed { error, stream } = match handshake.await {
                Ok((stream, session)) => {
                    transport.stream = stream;
                    transport.session = Some(session);
                    return Ok(transport);
                }
                Err(failed) => failed,
            };
            if let Some(stream) = stream {
                Farewell::of(stream, transport.resets).await;
            }
            Err(failure(&transport.addresses, &error))
        })))
    }

    pub(super) fn inner(&self) -> &Listener {
        &self.inner
    }
}
