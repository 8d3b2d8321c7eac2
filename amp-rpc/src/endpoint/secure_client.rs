//! TLS around what another endpoint connects to: `ssl:` and `tls:`.

use std::fmt;
use std::path::PathBuf;

use super::connect_endpoint::{ConnectEndpoint, read_host, tcp_positional};
use super::description::{Arguments, Description, Escaped, Options};
use super::error::{ConnectError, EndpointError};
use crate::connection::Farewell;
use crate::tls::{Failed, Identities, Role, Tls, TlsConfigError, Trust};
use crate::transport::Transport;

/// An endpoint to connect to, and how TLS is done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecureClient {
    inner: ConnectEndpoint,
    how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    Given(Tls),
    /// Files that are read when there is a connection to make.
    Files(Files),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    syntax: Syntax,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    authorities: Option<PathBuf>,
    /// The name that the server's certificate has to bear.
    name: Option<String>,
    verify: Verify,
}

/// Which of Twisted's two endpoints it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Syntax {
    Ssl,
    /// With the host and port of the string where `endpoint=` has its own.
    Tls(Option<(String, u16)>),
}

/// How much of the server's certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verify {
    Full,
    AnyName,
    Nothing,
}

const EXPECTED_VERIFY: &str = "full, anyname or nothing";

impl Verify {
    fn read(text: &str) -> Option<Self> {
        match text {
            "full" => Some(Self::Full),
            "anyname" => Some(Self::AnyName),
            "nothing" => Some(Self::Nothing),
            _ => None,
        }
    }
}

impl SecureClient {
    pub(super) fn given(inner: ConnectEndpoint, tls: Tls) -> Self {
        Self {
            inner,
            how: How::Given(tls),
        }
    }

    /// Reads `ssl:HOST:PORT`.
    pub(super) fn read_ssl(description: Description) -> Result<(Self, Arguments), EndpointError> {
        let positional = tcp_positional(&description);
        let mut arguments = description.assign(&Options {
            all: &[
                "host",
                "port",
                "timeout",
                "bindAddress",
                "hostname",
                "certKey",
                "privateKey",
                "caCertsDir",
                "verify",
            ],
            positional,
            example: "ssl:localhost:8443",
        })?;
        let inner = read_host(&mut arguments)?;
        let files = Files {
            syntax: Syntax::Ssl,
            certificate: arguments.take("certKey").map(PathBuf::from),
            key: arguments.take("privateKey").map(PathBuf::from),
            authorities: arguments.take("caCertsDir").map(PathBuf::from),
            name: arguments.take("hostname"),
            verify: read_verify(&mut arguments)?,
        };
        Ok((files.around(inner), arguments))
    }

    /// Reads `tls:HOST:PORT`.
    pub(super) fn read_tls(description: Description) -> Result<(Self, Arguments), EndpointError> {
        let mut arguments = description.assign(&Options {
            all: &[
                "host",
                "port",
                "timeout",
                "bindAddress",
                "certificate",
                "privateKey",
                "trustRoots",
                "endpoint",
                "verify",
            ],
            positional: &[
                "host",
                "port",
                "timeout",
                "bindAddress",
                "certificate",
                "privateKey",
                "trustRoots",
                "endpoint",
            ],
            example: "tls:localhost:8443",
        })?;
        let outer = read_host(&mut arguments)?;
        let (host, port) = outer.tcp_target().unwrap_or_default();
        let (inner, replaced) = match arguments.take("endpoint") {
            Some(text) => (text.parse()?, Some((host.clone(), port))),
            None => (outer, None),
        };
        let files = Files {
            syntax: Syntax::Tls(replaced),
            certificate: arguments.take("certificate").map(PathBuf::from),
            key: arguments.take("privateKey").map(PathBuf::from),
            authorities: arguments.take("trustRoots").map(PathBuf::from),
            name: Some(host),
            verify: read_verify(&mut arguments)?,
        };
        Ok((files.around(inner), arguments))
    }

    /// The endpoint below takes no longer than this one.
    pub(super) fn inner(&self) -> &ConnectEndpoint {
        &self.inner
    }

    pub(super) fn inner_mut(&mut self) -> &mut ConnectEndpoint {
        &mut self.inner
    }

    pub(super) async fn connect(
        &self,
        endpoint: &ConnectEndpoint,
    ) -> Result<Transport, ConnectError> {
        let tls = match &self.how {
            How::Given(tls) => tls.clone(),
            How::Files(files) => files.read().map_err(|source| ConnectError::TlsConfig {
                endpoint: Box::new(endpoint.clone()),
                source,
            })?,
        };
        let mut transport = Box::pin(self.inner.connect()).await?;
        let host = transport.host.as_deref();
        let handshake = tls.handshake(transport.stream, Role::Client, host);
        match handshake.await {
            Ok((stream, session)) => {
                transport.stream = stream;
                transport.session = Some(session);
                Ok(transport)
            }
            Err(Failed { error, stream }) => {
                if let Some(stream) = stream {
                    // The server is to learn why; the caller need not wait for that.
                    tokio::spawn(Farewell::of(stream, transport.resets));
                }
                Err(ConnectError::Tls {
                    endpoint: Box::new(endpoint.clone()),
                    source: error,
                })
            }
        }
    }
}

fn read_verify(arguments: &mut Arguments) -> Result<Verify, EndpointError> {
    let verify = arguments.take_as("verify", EXPECTED_VERIFY, Verify::read)?;
    Ok(verify.unwrap_or(Verify::Full))
}

impl Files {
    fn around(self, inner: ConnectEndpoint) -> SecureClient {
        SecureClient {
            inner,
            how: How::Files(self),
        }
    }

    fn read(&self) -> Result<Tls, TlsConfigError> {
        let mut tls = Tls::new();
        if let Some(certificate) = &self.certificate {
            // As in Twisted, one file may hold both.
            let key = self.key.as_ref().unwrap_or(certificate);
            tls = tls.identities(Identities::from_pem_files(certificate, key)?);
        }
        let trust = match &self.authorities {
            _ if self.verify == Verify::Nothing => Trust::anyone(),
            Some(folder) => Trust::authorities_from_folder(folder)?,
            None => Trust::system(),
        };
        if let Some(name) = &self.name {
            tls = tls.server_name(name);
        }
        Ok(tls.trust(match self.verify {
            Verify::AnyName => trust.under_any_name(),
            _ => trust,
        }))
    }
}

/// Of TLS that was given as a value only the place is written.
impl fmt::Display for SecureClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let How::Files(files) = &self.how else {
            return match self.inner.tcp_target() {
                Some((host, port)) => write!(f, "tls:{}:{port}", Escaped(host)),
                None => write!(f, "tls:localhost:1:endpoint={}", Escaped(&self.inner)),
            };
        };
        let mut options: Vec<(&str, String)> = Vec::new();
        let names = match &files.syntax {
            Syntax::Ssl => {
                let (host, port) = self.inner.tcp_target().unwrap_or_default();
                write!(f, "ssl:{}:{port}", Escaped(host))?;
                options.extend(files.name.clone().map(|name| ("hostname", name)));
                ["certKey", "privateKey", "caCertsDir"]
            }
            Syntax::Tls(replaced) => {
                let here = || self.inner.tcp_target().unwrap_or_default();
                let (host, port) = replaced.clone().unwrap_or_else(here);
                write!(f, "tls:{}:{port}", Escaped(host))?;
                if replaced.is_some() {
                    options.push(("endpoint", self.inner.to_string()));
                }
                ["certificate", "privateKey", "trustRoots"]
            }
        };
        if let Some(address) = self.inner.bind_address() {
            options.push(("bindAddress", address.to_string()));
        }
        let paths = [&files.certificate, &files.key, &files.authorities];
        for (name, path) in names.into_iter().zip(paths) {
            options.extend(path.as_ref().map(|path| (name, path.display().to_string())));
        }
        match files.verify {
            Verify::Full => {}
            Verify::AnyName => options.push(("verify", "anyname".into())),
            Verify::Nothing => options.push(("verify", "nothing".into())),
        }
        for (name, value) in options {
            write!(f, ":{name}={}", Escaped(value))?;
        }
        Ok(())
    }
}
