//! Where to connect.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::description::{
    Arguments, Description, Escaped, Options, SECONDS, Seconds, digits, seconds,
};
use super::error::{ConnectError, EndpointError};
#[cfg(all(unix, feature = "process"))]
use super::inherited::{self, Descriptors};
#[cfg(all(unix, feature = "process"))]
use super::process;
#[cfg(feature = "_tls")]
use super::secure_client::SecureClient;
use super::unix_path::UnixTarget;
use super::{kinds, memory, tcp, unix};
#[cfg(all(unix, feature = "process"))]
use crate::process::Program;
#[cfg(feature = "_tls")]
use crate::tls::Tls;
use crate::transport::Transport;

/// As in Twisted.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Where to connect, and how long to try; what in Twisted `clientFromString` makes.
///
/// | string | |
/// |---|---|
/// | `tcp:HOST:PORT` | TCP. `HOST` is a name or an address; each address of a name is tried. Empty, it is this host. Options: `timeout`, `bindAddress` (the local address). |
/// | `unix:PATH` | A Unix socket. Options: `timeout`, `lockfile` (`1` to connect only while a process holds the lock file). |
/// | `unix:abstract=NAME` | A Unix socket of Linux that has a name instead of a file; ours. Option: `timeout`. |
/// | `ssl:HOST:PORT` | TCP with TLS, with the feature `tls`. Options: those of `tcp:`, and `hostname` (the name in the server's certificate, `HOST` by default), `certKey` and `privateKey` (files of this side's certificate), `caCertsDir` (a folder of authorities instead of the system's), `verify`. |
/// | `tls:HOST:PORT` | The same with other names: `certificate`, `privateKey`, `trustRoots`. With `endpoint`, an endpoint written within, that is connected to, and `HOST` is only the name in the certificate. |
/// | `memory:NAME` | A listener within this process; ours. Option: `timeout`. |
/// | `process:PROGRAM:ARGUMENT:…` | A program to start, with any number of arguments; ours, with the feature `process`. Options: below, and `timeout`. |
/// | `stdio:` | Standard input and output, for a program that another one starts; ours, with the feature `process`. |
/// | `fd:READS:WRITES`, `fd:SOCKET` | Descriptors that this process was started with; ours, with the feature `process`. |
///
/// Options follow as `name=value`; `timeout` is in seconds and 30 by default. The arguments of the
/// table can be named as well: `host`, `port`, `path`, `name`,
/// `reads`, `writes`. A colon, an equals sign or a backslash
/// within a value takes a backslash before it.
///
/// `verify` is ours: `full` by default, `anyname` where the authorities sign for nobody else, `nothing` for
/// no more than keeping those out who only listen. Twisted's `ssl:` without `hostname` is `anyname` with a
/// `caCertsDir` and `nothing` without.
///
/// The options of `process:` are what the methods of `process::Program` set: `descriptors` (which one
/// the program reads from and which one it writes to, `0,1` by default; a single number is a socket),
/// `env` (`NAME=VALUE`, may be given several times), `clearEnv` (`1` for nothing of this process's
/// environment), `directory`, `stdout` and `stderr` (`inherit`, `null` or `piped`) and `grace` (seconds
/// to end in, 5 by default).
///
/// ```
/// use std::time::Duration;
///
/// use amp_rpc::ConnectEndpoint;
///
/// let endpoint: ConnectEndpoint = r"tcp:\:\:1:8080:timeout=5".parse()?;
/// assert_eq!(endpoint, ConnectEndpoint::tcp("::1", 8080).timeout(Duration::from_secs(5)));
/// assert_eq!(endpoint.to_string(), r"tcp:\:\:1:8080:timeout=5");
/// # Ok::<(), amp_rpc::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectEndpoint {
    target: Target,
    timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Tcp {
        host: String,
        port: u16,
        bind_address: Option<IpAddr>,
    },
    Unix(UnixTarget),
    Memory(String),
    #[cfg(feature = "_tls")]
    Secure(Box<SecureClient>),
    #[cfg(all(unix, feature = "process"))]
    Process(Box<Program>),
    #[cfg(all(unix, feature = "process"))]
    Stdio,
    #[cfg(all(unix, feature = "process"))]
    Descriptors(Descriptors),
}

impl ConnectEndpoint {
    /// A TCP port of a host, which is a name or an address. Empty, it is this host.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::new(Target::Tcp {
            host: host.into(),
            port,
            bind_address: None,
        })
    }

    /// A TCP port of a host, connected to from this local address. Addresses of the host that are of
    /// the other version of IP are not tried.
    pub fn tcp_from(bind_address: IpAddr, host: impl Into<String>, port: u16) -> Self {
        Self::new(Target::Tcp {
            host: host.into(),
            port,
            bind_address: Some(bind_address),
        })
    }

    /// A Unix socket. Where there are none, connecting fails. A path that begins with a zero byte is the
    /// name of an abstract socket, which only Linux has.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::new(Target::Unix(UnixTarget::new(path.into())))
    }

    /// A Unix socket, which is connected to only while a process holds the lock file beside it: a symbolic
    /// link, the path with `.lock` added, to the id of that process. Twisted's `checkPID`.
    pub fn unix_with_lockfile(path: impl Into<PathBuf>) -> Self {
        Self::new(Target::Unix(UnixTarget {
            path: path.into(),
            lockfile: true,
        }))
    }

    /// The listener of this name within this process.
    pub fn memory(name: impl Into<String>) -> Self {
        Self::new(Target::Memory(name.into()))
    }

    /// A program that each connection starts anew; see [`process`](crate::process).
    #[cfg(all(unix, feature = "process"))]
    pub fn process(program: Program) -> Self {
        Self::new(Target::Process(Box::new(program)))
    }

    /// This process's standard input and output, where its starter speaks AMP with it. They can be taken
    /// once; afterwards there is `/dev/null` in place of standard input, and standard output is
    /// standard error, so that nothing that the program prints gets into the conversation.
    #[cfg(all(unix, feature = "process"))]
    pub fn stdio() -> Self {
        Self::new(Target::Stdio)
    }

    /// Descriptors that this process was started with: one to read from and one to write to, or twice
    /// the same for a socket. Each can be taken once, and only if it was not opened by this
    /// process. 0, 1 and 2 cannot be taken; see [`stdio`](Self::stdio).
    #[cfg(all(unix, feature = "process"))]
    pub fn descriptors(reads: std::os::fd::RawFd, writes: std::os::fd::RawFd) -> Self {
        Self::new(Target::Descriptors(Descriptors { reads, writes }))
    }

    /// The same endpoint with TLS from the first byte. The server's certificate has to bear the host of the
    /// endpoint, unless `tls` says otherwise. An endpoint that is written as a string has its files there;
    /// see the table.
    #[cfg(feature = "_tls")]
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        let timeout = self.timeout;
        let target = Target::Secure(Box::new(SecureClient::given(self, tls)));
        Self { target, timeout }
    }

    #[cfg(feature = "_tls")]
    pub(super) fn tcp_target(&self) -> Option<(String, u16)> {
        match &self.target {
            Target::Tcp { host, port, .. } => Some((host.clone(), *port)),
            _ => None,
        }
    }

    #[cfg(feature = "_tls")]
    pub(super) fn bind_address(&self) -> Option<IpAddr> {
        match &self.target {
            Target::Tcp { bind_address, .. } => *bind_address,
            _ => None,
        }
    }

    fn new(target: Target) -> Self {
        Self {
            target,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Sets how long connecting may take, with the search for the host's addresses. Default: 30 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        #[cfg(feature = "_tls")]
        if let Target::Secure(secure) = &mut self.target {
            let inner = secure.inner_mut();
            *inner = inner.clone().timeout(timeout);
        }
        self
    }

    /// Whether it can be connected to only once, since it is what this process was started with.
    pub(crate) fn is_once(&self) -> bool {
        match &self.target {
            #[cfg(all(unix, feature = "process"))]
            Target::Stdio | Target::Descriptors(_) => true,
            #[cfg(feature = "_tls")]
            Target::Secure(secure) => secure.inner().is_once(),
            _ => false,
        }
    }

    pub(crate) async fn connect(&self) -> Result<Transport, ConnectError> {
        match tokio::time::timeout(self.timeout, self.reach()).await {
            Ok(reached) => reached,
            Err(_) => Err(ConnectError::TimedOut {
                endpoint: Box::new(self.clone()),
                timeout: self.timeout,
            }),
        }
    }

    async fn reach(&self) -> Result<Transport, ConnectError> {
        let reached = match &self.target {
            #[cfg(feature = "_tls")]
            Target::Secure(secure) => return secure.connect(self).await,
            Target::Tcp {
                host,
                port,
                bind_address,
            } => tcp::connect(host, *port, *bind_address, self.timeout).await,
            Target::Unix(target) => unix::connect(target).await,
            Target::Memory(name) => memory::connect(name).await,
            #[cfg(all(unix, feature = "process"))]
            Target::Process(program) => process::connect(program),
            #[cfg(all(unix, feature = "process"))]
            Target::Stdio => inherited::connect_stdio(),
            #[cfg(all(unix, feature = "process"))]
            Target::Descriptors(descriptors) => descriptors.connect(),
        };
        reached.map_err(|source| ConnectError::Io {
            endpoint: Box::new(self.clone()),
            source,
        })
    }
}

/// Reads what the table at [`ConnectEndpoint`] shows, and only tells whether it is well formed: it
/// looks for no host and opens no file.
impl FromStr for ConnectEndpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let description = Description::parse(text, kinds::CONNECTING)?;
        let (target, mut arguments) = match description.kind {
            "tcp" => read_tcp(description)?,
            "unix" => {
                let (target, arguments) = UnixTarget::read(description)?;
                (Target::Unix(target), arguments)
            }
            #[cfg(feature = "_tls")]
            "ssl" => {
                let (secure, arguments) = SecureClient::read_ssl(description)?;
                (Target::Secure(Box::new(secure)), arguments)
            }
            #[cfg(feature = "_tls")]
            "tls" => {
                let (secure, arguments) = SecureClient::read_tls(description)?;
                (Target::Secure(Box::new(secure)), arguments)
            }
            #[cfg(all(unix, feature = "process"))]
            "process" => {
                let (program, arguments) = process::read(description)?;
                (Target::Process(Box::new(program)), arguments)
            }
            #[cfg(all(unix, feature = "process"))]
            "stdio" => (
                Target::Stdio,
                inherited::read_stdio(description, &["timeout"])?,
            ),
            #[cfg(all(unix, feature = "process"))]
            "fd" => {
                let (descriptors, arguments) =
                    Descriptors::read(description, &["reads", "writes", "timeout"])?;
                (Target::Descriptors(descriptors), arguments)
            }
            _ => read_memory(description)?,
        };
        let timeout = arguments.take_as("timeout", SECONDS, seconds)?;
        Ok(Self::new(target).timeout(timeout.unwrap_or(DEFAULT_TIMEOUT)))
    }
}

fn read_tcp(description: Description) -> Result<(Target, Arguments), EndpointError> {
    let positional = tcp_positional(&description);
    let mut arguments = description.assign(&Options {
        all: &["host", "port", "timeout", "bindAddress"],
        positional,
        example: "tcp:localhost:8080",
    })?;
    let target = tcp_target(&mut arguments)?;
    Ok((target, arguments))
}

/// As in Twisted, `tcp:host=example.com:80` is well formed.
pub(super) fn tcp_positional(description: &Description) -> &'static [&'static str] {
    if description.names("host") {
        &["port"]
    } else {
        &["host", "port"]
    }
}

fn tcp_target(arguments: &mut Arguments) -> Result<Target, EndpointError> {
    Ok(Target::Tcp {
        host: arguments.require("host")?,
        port: arguments.require_as("port", "a number from 1 to 65535", |text| {
            digits(text).filter(|port| *port != 0)
        })?,
        bind_address: arguments
            .take_as("bindAddress", "an IP address", |text| text.parse().ok())?,
    })
}

/// What the host and port of an endpoint with TLS lead to.
#[cfg(feature = "_tls")]
pub(super) fn read_host(arguments: &mut Arguments) -> Result<ConnectEndpoint, EndpointError> {
    tcp_target(arguments).map(ConnectEndpoint::new)
}

fn read_memory(description: Description) -> Result<(Target, Arguments), EndpointError> {
    let mut arguments = description.assign(&Options {
        all: &["name", "timeout"],
        positional: &["name"],
        example: "memory:example",
    })?;
    let name = arguments.require_text("name", "a name")?;
    Ok((Target::Memory(name), arguments))
}

/// Writes what [`FromStr`] reads. A path that is not UTF-8 cannot be written; its odd bytes are
/// replaced.
impl fmt::Display for ConnectEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Tcp {
                host,
                port,
                bind_address,
            } => {
                write!(f, "tcp:{}:{port}", Escaped(host))?;
                if let Some(address) = bind_address {
                    write!(f, ":bindAddress={}", Escaped(address))?;
                }
            }
            Target::Unix(target) => target.fmt(f)?,
            Target::Memory(name) => write!(f, "memory:{}", Escaped(name))?,
            #[cfg(feature = "_tls")]
            Target::Secure(secure) => secure.fmt(f)?,
            #[cfg(all(unix, feature = "process"))]
            Target::Process(program) => process::write(program, f)?,
            #[cfg(all(unix, feature = "process"))]
            Target::Stdio => f.write_str("stdio:")?,
            #[cfg(all(unix, feature = "process"))]
            Target::Descriptors(descriptors) => descriptors.fmt(f)?,
        }
        if self.timeout != DEFAULT_TIMEOUT {
            write!(f, ":timeout={}", Seconds(self.timeout))?;
        }
        Ok(())
    }
}
