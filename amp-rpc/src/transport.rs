//! What carries a connection: a stream of bytes, and who is at its ends.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of bytes in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Any stream. A virtual call costs nothing beside the system call behind it, and the connection's
/// code is compiled once instead of once per kind of stream.
pub(crate) type BoxedStream = Box<dyn Stream>;

/// What an endpoint yields and a connection is made of.
pub(crate) struct Transport {
    pub(crate) stream: BoxedStream,
    pub(crate) addresses: Addresses,
    #[expect(dead_code, reason = "StartTLS will ask for it")]
    pub(crate) side: Side,
}

impl Transport {
    pub(crate) fn new(stream: impl Stream + 'static, addresses: Addresses, side: Side) -> Self {
        Self {
            stream: Box::new(stream),
            addresses,
            side,
        }
    }
}

/// A connection on its way: what has still to be said before its first box, such as a handshake.
pub(crate) type Opening = Pin<Box<dyn Future<Output = io::Result<Transport>> + Send>>;

/// Which end of the transport this side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It has connected.
    Connecting,
    /// It has accepted.
    Accepting,
    /// The program made the stream and did not say.
    Unknown,
}

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A TCP socket.
    Tcp(SocketAddr),
    /// A Unix socket; `None` for one without a name, as a connecting side has.
    Unix(Option<PathBuf>),
    /// A listener within this process, by its name.
    Memory(String),
    /// A program that this process has started.
    #[cfg(all(unix, feature = "process"))]
    Process {
        /// As it was named to start it.
        program: PathBuf,
        /// The process's id.
        pid: u32,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:(unnamed)"),
            Self::Memory(name) => write!(f, "memory:{name}"),
            #[cfg(all(unix, feature = "process"))]
            Self::Process { program, pid } => write!(f, "process:{} ({pid})", program.display()),
        }
    }
}

/// Both ends of a connection, where they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Addresses {
    /// This side's.
    pub local: Option<Address>,
    /// The peer's.
    pub remote: Option<Address>,
}
