//! Where to listen.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::DEFAULT_BACKLOG;
use super::description::{Arguments, Description, Escaped, Options, digits, is_digits};
use super::error::{EndpointError, ListenError};
use super::haproxy::{self, Proxied, ProxiedListener};
#[cfg(all(unix, feature = "process"))]
use super::inherited::{self, Activated, Descriptors, Which};
use super::listener::Listener;
#[cfg(feature = "_tls")]
use super::secure_server::SecureServer;
use super::unix_path::UnixPlace;
use super::{kinds, memory, tcp, unix};
use crate::options_error::OptionsError;
#[cfg(feature = "_tls")]
use crate::tls::Tls;

/// Where to listen; what in Twisted `serverFromString` makes.
///
/// | string | |
/// |---|---|
/// | `tcp:PORT` | TCP, on all interfaces for IPv4. With the port 0, the system chooses one. Options: `interface` (an address or a name), `backlog`. |
/// | `tcp:HOST:PORT` | The same with the interface; ours. |
/// | `tcp6:PORT` | TCP, on all interfaces. Options: `interface` (an IPv6 address, `::` by default), `backlog`. It is another spelling of `tcp:PORT:interface=\:\:`. |
/// | `unix:PATH` | A Unix socket. Options: `mode` (the file's permissions, octal, 666 by default), `backlog`, `lockfile` (`1` by default: a lock file is kept beside the socket, and a socket that a dead process has left is replaced). |
/// | `unix:abstract=NAME` | A Unix socket of Linux that has a name instead of a file; ours. Option: `backlog`. |
/// | `ssl:PORT` | TCP with TLS, with the feature `tls`. Options: those of `tcp:`, and `privateKey`, `certKey`, `extraCertChain` (files in PEM: the key, `server.pem` by default; the certificate, by default in the same file; certificates between it and an authority). `sslmethod` and `dhParameters` are read and have no effect. |
/// | `tls:FOLDER:PORT` | TCP with TLS, with a certificate for each host name from a folder; see `Identities::from_folder`. Options: `interface` (`::` by default), `backlog`. The port is 443 by default. |
/// | `memory:NAME` | A name within this process; ours. Option: `backlog`. |
/// | `stdio:` | Standard input and output, as a single connection; with the feature `process`. |
/// | `fd:READS:WRITES`, `fd:SOCKET` | Descriptors that this process was started with, as a single connection, or a socket that listens; ours, with the feature `process`. |
/// | `systemd:domain=INET:name=NAME`, `systemd:domain=INET:index=N` | A socket that systemd has opened for this program, with the feature `process`. `domain` is `INET`, `INET6` or `UNIX`; it may be left out here. |
/// | `haproxy:ENDPOINT` | Another one of these, such as `haproxy:tcp:8080`, behind a proxy that speaks the PROXY protocol. Options: those of the other one, and `headerTimeout` (seconds, 10 by default; ours). |
///
/// Options follow as `name=value`; `backlog` is how many connections wait to be accepted, 50 by default.
/// The arguments of the table can be named as well: `port`, `address`, `name`, `reads`, `writes`. A colon, an equals sign
/// or a backslash within a value takes a backslash before it.
///
/// As in Twisted, the names of options may be left out in the order `tcp:PORT:INTERFACE:BACKLOG` and
/// `unix:PATH:MODE:BACKLOG:LOCKFILE`, `tcp6:PORT:BACKLOG:INTERFACE`. `tcp:HOST:PORT` is told apart from that by its first argument: when it is
/// anything but digits and another one follows, it is the host.
///
/// Where there is a single connection, it is accepted at once, and [`Server::run`](crate::Server::run)
/// returns when it has ended.
///
/// ```
/// use amp_rpc::ListenEndpoint;
///
/// let endpoint: ListenEndpoint = "tcp:8080:interface=127.0.0.1".parse()?;
/// assert_eq!(endpoint, "tcp:127.0.0.1:8080".parse()?);
/// assert_eq!(endpoint, ListenEndpoint::tcp("127.0.0.1", 8080));
/// assert_eq!(endpoint.to_string(), "tcp:8080:interface=127.0.0.1");
/// # Ok::<(), amp_rpc::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenEndpoint {
    place: Place,
    backlog: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Tcp {
        interface: String,
        port: u16,
    },
    Unix(UnixPlace),
    Memory(String),
    Proxied(Box<Proxied>),
    #[cfg(feature = "_tls")]
    Secure(Box<SecureServer>),
    #[cfg(all(unix, feature = "process"))]
    Stdio,
    #[cfg(all(unix, feature = "process"))]
    Descriptors(Descriptors),
    #[cfg(all(unix, feature = "process"))]
    Systemd(Activated),
}

impl Place {
    fn is_around_another(&self) -> bool {
        #[cfg(feature = "_tls")]
        if let Self::Secure(_) = self {
            return true;
        }
        matches!(self, Self::Proxied(_))
    }

    /// Whether connections may wait there to be accepted, by what this library does.
    fn is_shared(&self) -> bool {
        match self {
            Self::Tcp { .. } | Self::Unix(_) | Self::Memory(_) => true,
            // The other endpoint has its own.
            Self::Proxied(_) => false,
            #[cfg(feature = "_tls")]
            Self::Secure(_) => false,
            #[cfg(all(unix, feature = "process"))]
            Self::Stdio | Self::Descriptors(_) | Self::Systemd(_) => false,
        }
    }
}

impl ListenEndpoint {
    /// A TCP port of an interface, which is an address or a name. Empty, it is all interfaces for IPv4.
    /// With the port 0, the system chooses one.
    pub fn tcp(interface: impl Into<String>, port: u16) -> Self {
        Self::new(Place::Tcp {
            interface: interface.into(),
            port,
        })
    }

    /// A Unix socket to which everybody may connect who reaches its directory. Where there are none,
    /// listening fails.
    ///
    /// Beside it there is a lock file as Twisted makes it, a symbolic link to the id of this process: the
    /// path with `.lock` added. With it, a socket that a dead process has left behind is replaced, and
    /// never one on which somebody listens. A path that begins with a zero byte is the name of an
    /// abstract socket, which only Linux has; that has no file, and no lock file.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::new(Place::Unix(UnixPlace::new(path.into())))
    }

    /// A Unix socket with these permissions, such as `0o600`. Nobody can connect before the file has
    /// them.
    pub fn unix_with_mode(path: impl Into<PathBuf>, mode: u32) -> Self {
        Self::new(Place::Unix(UnixPlace {
            mode,
            ..UnixPlace::new(path.into())
        }))
    }

    /// A name within this process. What is sent never leaves the process.
    pub fn memory(name: impl Into<String>) -> Self {
        Self::new(Place::Memory(name.into()))
    }

    /// This process's standard input and output, where its starter speaks AMP with it. They can be taken
    /// once; afterwards there is `/dev/null` in place of standard input, and standard output is
    /// standard error, so that nothing that the program prints gets into the conversation.
    #[cfg(all(unix, feature = "process"))]
    pub fn stdio() -> Self {
        Self::new(Place::Stdio)
    }

    /// Descriptors that this process was started with: one to read from and one to write to, or twice
    /// the same for a socket. A socket may be one that listens. Each can be taken once, and only if it was not opened by this
    /// process. 0, 1 and 2 cannot be taken; see [`stdio`](Self::stdio).
    #[cfg(all(unix, feature = "process"))]
    pub fn descriptors(reads: std::os::fd::RawFd, writes: std::os::fd::RawFd) -> Self {
        Self::new(Place::Descriptors(Descriptors { reads, writes }))
    }

    /// The socket of this name that systemd has opened for this program: the `FileDescriptorName` of
    /// its unit.
    #[cfg(all(unix, feature = "process"))]
    pub fn systemd_name(name: impl Into<String>) -> Self {
        Self::new(Place::Systemd(Activated::new(Which::Name(name.into()))))
    }

    /// A socket that systemd has opened for this program, counted from 0.
    #[cfg(all(unix, feature = "process"))]
    pub fn systemd_index(index: u16) -> Self {
        Self::new(Place::Systemd(Activated::new(Which::Index(index))))
    }

    /// Another endpoint behind a proxy that speaks the PROXY protocol, such as haproxy. Each connection has
    /// to begin with the proxy's header, of version 1 or 2, and gets its addresses: those of who has
    /// connected to the proxy. Where the header has none, they stay the proxy's.
    ///
    /// A connection whose header is missing, malformed, or not there within 10 seconds ends; see
    /// [`header_timeout`](Self::header_timeout). Whoever can connect here can claim any address: let only
    /// the proxy.
    ///
    /// A checksum in a header of version 2 (CRC-32C) is checked; what else stands behind the addresses is
    /// skipped.
    ///
    /// Around an endpoint with TLS, the header comes within TLS, as in Twisted. Most proxies send it before:
    /// then put TLS around this, as in `ListenEndpoint::haproxy(endpoint).tls(tls)`.
    ///
    /// An endpoint that is behind a proxy already stays what it is.
    pub fn haproxy(endpoint: Self) -> Self {
        if matches!(endpoint.place, Place::Proxied(_)) {
            return endpoint;
        }
        Self::new(Place::Proxied(Box::new(Proxied {
            inner: endpoint,
            timeout: haproxy::DEFAULT_TIMEOUT,
        })))
    }

    /// Sets how long a proxy may take for its header, after it has connected. Default: 10 seconds. Other
    /// endpoints have no proxy. Zero is refused when the server is made.
    #[must_use]
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        if let Place::Proxied(proxied) = &mut self.place {
            proxied.timeout = timeout;
        }
        self
    }

    /// The same endpoint with TLS from the first byte. It needs a certificate, and what it trusts decides
    /// whether clients need one. Not written as a string: there, files are named.
    ///
    /// A peer that is slow at the handshake does not keep others from being accepted; one that fails at it
    /// is dropped, and the feature `tracing` logs why.
    #[cfg(feature = "_tls")]
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self::new(Place::Secure(Box::new(SecureServer::given(self, tls))))
    }

    #[cfg(feature = "_tls")]
    pub(super) fn tcp_place(&self) -> Option<(&str, u16)> {
        match &self.place {
            Place::Tcp { interface, port } => Some((interface, *port)),
            _ => None,
        }
    }

    /// The backlog where it is not the usual one.
    pub(super) fn unusual_backlog(&self) -> Option<u32> {
        (self.backlog != DEFAULT_BACKLOG).then_some(self.backlog)
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            backlog: DEFAULT_BACKLOG,
        }
    }

    /// Sets how many connections may wait to be accepted. Default: 50. The system may have a lower
    /// bound.
    #[must_use]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.innermost().backlog = connections;
        self
    }

    /// Leaves the lock file beside a Unix socket away. A socket file that is there then has to be removed
    /// before, and keeping two programs apart is up to them. Other endpoints have none anyway.
    #[must_use]
    pub fn without_lockfile(mut self) -> Self {
        if let Place::Unix(place) = &mut self.innermost().place {
            place.lockfile = false;
        }
        self
    }

    /// What is below a proxy's header or TLS, or else this endpoint.
    fn innermost(&mut self) -> &mut Self {
        // Two steps, since the one that is returned is borrowed for longer.
        if !self.place.is_around_another() {
            return self;
        }
        match &mut self.place {
            Place::Proxied(proxied) => proxied.inner.innermost(),
            #[cfg(feature = "_tls")]
            Place::Secure(secure) => secure.inner_mut().innermost(),
            _ => unreachable!("it is around another"),
        }
    }

    pub(crate) async fn bind(&self) -> Result<Listener, ListenError> {
        let listener = match &self.place {
            Place::Tcp { interface, port } => tcp::listen(interface, *port, self.backlog)
                .await
                .map(Listener::Tcp),
            Place::Unix(place) => unix::listen(place, self.backlog).await.map(Listener::Unix),
            Place::Memory(name) => memory::listen(name, self.backlog).map(Listener::Memory),
            #[cfg(feature = "_tls")]
            Place::Secure(secure) => return secure.bind(self).await,
            Place::Proxied(proxied) if proxied.timeout.is_zero() => {
                return Err(ListenError::Options {
                    endpoint: Box::new(self.clone()),
                    source: OptionsError::new(
                        "ListenEndpoint::header_timeout",
                        "with 0, no header would come in time",
                    ),
                });
            }
            Place::Proxied(proxied) => {
                let inner = Box::new(Box::pin(proxied.inner.bind()).await?);
                let timeout = proxied.timeout;
                Ok(Listener::Proxied(ProxiedListener { inner, timeout }))
            }
            #[cfg(all(unix, feature = "process"))]
            Place::Stdio => inherited::listen_stdio(),
            #[cfg(all(unix, feature = "process"))]
            Place::Descriptors(descriptors) => descriptors.listen(),
            #[cfg(all(unix, feature = "process"))]
            Place::Systemd(activated) => activated.listen(),
        };
        listener.map_err(|source| ListenError::Io {
            endpoint: Box::new(self.clone()),
            source,
        })
    }
}

/// Reads what the table at [`ListenEndpoint`] shows, and only tells whether it is well formed: it looks
/// for no interface and opens no file.
impl FromStr for ListenEndpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::read(Description::parse(text, kinds::LISTENING)?)
    }
}

impl ListenEndpoint {
    pub(super) fn read(description: Description) -> Result<Self, EndpointError> {
        let (place, mut arguments) = match description.kind {
            "haproxy" => {
                let proxied = Proxied::read(description)?;
                return Ok(Self::new(Place::Proxied(Box::new(proxied))));
            }
            #[cfg(feature = "_tls")]
            "ssl" => {
                let (secure, arguments) = SecureServer::read_ssl(description)?;
                (Place::Secure(Box::new(secure)), arguments)
            }
            #[cfg(feature = "_tls")]
            "tls" => {
                let (secure, arguments) = SecureServer::read_tls(description)?;
                (Place::Secure(Box::new(secure)), arguments)
            }
            "tcp" => read_tcp(description)?,
            "tcp6" => read_tcp6(description)?,
            #[cfg(all(unix, feature = "process"))]
            "systemd" => {
                let (activated, arguments) = Activated::read(description)?;
                (Place::Systemd(activated), arguments)
            }
            "unix" => {
                let (place, arguments) = UnixPlace::read(description)?;
                (Place::Unix(place), arguments)
            }
            #[cfg(all(unix, feature = "process"))]
            "stdio" => (Place::Stdio, inherited::read_stdio(description, &[])?),
            #[cfg(all(unix, feature = "process"))]
            "fd" => {
                let (descriptors, arguments) =
                    Descriptors::read(description, &["reads", "writes"])?;
                (Place::Descriptors(descriptors), arguments)
            }
            _ => read_memory(description)?,
        };
        let backlog = arguments.take_as("backlog", "a number", digits)?;
        Ok(Self::new(place).backlog(backlog.unwrap_or(DEFAULT_BACKLOG)))
    }
}

fn read_tcp(description: Description) -> Result<(Place, Arguments), EndpointError> {
    let positional: &[_] = match description.positional.as_slice() {
        [first, _, ..] if !is_digits(first) => &["interface", "port", "backlog"],
        _ => &["port", "interface", "backlog"],
    };
    let mut arguments = description.assign(&Options {
        all: &["port", "interface", "backlog"],
        positional,
        example: "tcp:8080",
    })?;
    let place = Place::Tcp {
        interface: arguments.take("interface").unwrap_or_default(),
        port: arguments.require_as("port", "a number from 0 to 65535", digits)?,
    };
    Ok((place, arguments))
}

fn read_tcp6(description: Description) -> Result<(Place, Arguments), EndpointError> {
    let mut arguments = description.assign(&Options {
        all: &["port", "backlog", "interface"],
        positional: &["port", "backlog", "interface"],
        example: "tcp6:8080",
    })?;
    let interface = arguments.take_as("interface", "an IPv6 address, such as \\:\\:1", |text| {
        let address = text.split('%').next()?;
        address.parse::<Ipv6Addr>().ok()?;
        Some(text.to_owned())
    })?;
    let place = Place::Tcp {
        interface: interface.unwrap_or_else(|| "::".to_owned()),
        port: arguments.require_as("port", "a number from 0 to 65535", digits)?,
    };
    Ok((place, arguments))
}

fn read_memory(description: Description) -> Result<(Place, Arguments), EndpointError> {
    let mut arguments = description.assign(&Options {
        all: &["name", "backlog"],
        positional: &["name"],
        example: "memory:example",
    })?;
    let name = arguments.require_text("name", "a name")?;
    Ok((Place::Memory(name), arguments))
}

/// Writes what [`FromStr`] reads. A path that is not UTF-8 cannot be written; its odd bytes are
/// replaced.
impl fmt::Display for ListenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { interface, port } => {
                write!(f, "tcp:{port}")?;
                if !interface.is_empty() {
                    write!(f, ":interface={}", Escaped(interface))?;
                }
            }
            Place::Unix(place) => place.fmt(f)?,
            Place::Memory(name) => write!(f, "memory:{}", Escaped(name))?,
            #[cfg(feature = "_tls")]
            Place::Secure(secure) => secure.fmt(f)?,
            Place::Proxied(proxied) => proxied.fmt(f)?,
            #[cfg(all(unix, feature = "process"))]
            Place::Stdio => f.write_str("stdio:")?,
            #[cfg(all(unix, feature = "process"))]
            Place::Descriptors(descriptors) => descriptors.fmt(f)?,
            #[cfg(all(unix, feature = "process"))]
            Place::Systemd(activated) => activated.fmt(f)?,
        }
        if let Some(backlog) = self.unusual_backlog().filter(|_| self.place.is_shared()) {
            write!(f, ":backlog={backlog}")?;
        }
        Ok(())
    }
}
