//! What carries a connection: a stream of bytes, and who is at its ends.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(unix)]
use tokio::net::UnixStream;

#[cfg(unix)]
use crate::descriptors::CarryingStream;
use crate::descriptors::Exchange;
#[cfg(unix)]
use crate::stream::downcast;
pub(crate) use crate::stream::{BoxedStream, Stream};
use crate::tls::TlsSession;

/// What an endpoint yields and a connection is made of.
pub(crate) struct Transport {
    pub(crate) stream: BoxedStream,
    pub(crate) addresses: Addresses,
    pub(crate) side: Side,
    /// The name under which the peer was sought, which its certificate has to bear.
    pub(crate) host: Option<Box<str>>,
    /// The TLS that the stream has already.
    pub(crate) session: Option<TlsSession>,
    /// What the stream carries beside its bytes, where it can.
    pub(crate) descriptors: Option<Arc<Exchange>>,
    /// Whether what was written is lost when the stream is dropped with unread bytes, as with sockets.
    pub(crate) resets: bool,
}

impl Transport {
    pub(crate) fn new(stream: impl Stream + 'static, addresses: Addresses, side: Side) -> Self {
        Self {
            stream: BoxedStream::new(stream),
            addresses,
            side,
            host: None,
            session: None,
            descriptors: None,
            resets: true,
        }
    }

    /// A connection over a stream that the program has made.
    pub(crate) fn over(stream: impl Stream + 'static) -> Self {
        #[cfg(unix)]
        let stream = match downcast::<_, UnixStream>(stream) {
            Ok(socket) => {
                let addresses = crate::endpoint::unix_addresses(&socket);
                return Self::over_unix(socket, addresses, Side::Unknown);
            }
            Err(stream) => stream,
        };
        Self::new(stream, Addresses::default(), Side::Unknown)
    }

    /// A connection over a Unix socket, which carries descriptors.
    #[cfg(unix)]
    pub(crate) fn over_unix(socket: UnixStream, addresses: Addresses, side: Side) -> Self {
        let stream = CarryingStream::new(socket);
        let descriptors = Some(Arc::clone(stream.exchange()));
        Self {
            descriptors,
            ..Self::new(stream, addresses, side)
        }
    }

    /// The stream alone. Descriptors that come are closed.
    pub(crate) fn into_stream(self) -> BoxedStream {
        if let Some(descriptors) = self.descriptors {
            descriptors.end();
        }
        self.stream
    }

    /// The same, over a stream that loses nothing when it is dropped with unread bytes, such as a pipe.
    #[cfg(all(unix, feature = "process"))]
    pub(crate) fn without_resets(mut self) -> Self {
        self.resets = false;
        self
    }

    pub(crate) fn host(mut self, host: impl Into<Box<str>>) -> Self {
        self.host = Some(host.into());
        self
    }
}

/// A connection on its way: what has still to be said before its first box, such as a handshake.
pub(crate) type Opening = Pin<Box<dyn Future<Output = io::Result<Transport>> + Send>>;

/// Which end of the transport this side is; it decides on its role in a handshake of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It has connected.
    Connecting,
    /// It has accepted.
    Accepting,
    /// The program made the stream and did not say.
    Unknown,
    /// It has no bytes to hand on, since boxes are carried as they are.
    Boxes,
}

/// A stream that first gives bytes that were read from it already.
pub(crate) struct Prefixed {
    front: Bytes,
    stream: BoxedStream,
}

impl Prefixed {
    pub(crate) fn new(front: Bytes, stream: BoxedStream) -> Self {
        Self { front, stream }
    }

    /// What is left of the bytes that were read already.
    pub(crate) fn front(&self) -> &Bytes {
        &self.front
    }
}

impl AsyncRead for Prefixed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.front.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let length = self.front.len().min(buffer.remaining());
        buffer.put_slice(&self.front[..length]);
        self.front.advance(length);
        if self.front.is_empty() {
            // An empty slice would keep the buffer.
            self.front = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// One end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A TCP socket.
    Tcp(SocketAddr),
    /// A Unix socket; `None` for one without a name, as a connecting side has. The path of an abstract
    /// one begins with a zero byte.
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
            Self::Unix(Some(path)) => match path.to_string_lossy().strip_prefix('\0') {
                Some(name) => write!(f, "unix:abstract={name}"),
                None => write!(f, "unix:{}", path.display()),
            },
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
