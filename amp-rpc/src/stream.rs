//! Streams of bytes, whatever they are.

use std::any::Any;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A stream of bytes in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Any stream. A virtual call costs nothing beside the system call behind it, and the connection's
/// code is compiled once instead of once per kind of stream. The usual one lies here without a box of its own.
pub(crate) struct BoxedStream(Kind);

enum Kind {
    Tcp(TcpStream),
    Other(Box<dyn Stream>),
}

impl BoxedStream {
    pub(crate) fn new(stream: impl Stream + 'static) -> Self {
        Self(match downcast(stream) {
            Ok(tcp) => Kind::Tcp(tcp),
            Err(other) => Kind::Other(Box::new(other)),
        })
    }

    fn pinned(self: Pin<&mut Self>) -> Pin<&mut dyn Stream> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp),
            Kind::Other(other) => Pin::new(&mut **other),
        }
    }
}

/// The stream as one of another type, if that is what it is, or as it was.
pub(crate) fn downcast<T: 'static, S: 'static>(stream: T) -> Result<S, T> {
    let mut stream = Some(stream);
    let known = (&mut stream as &mut dyn Any).downcast_mut::<Option<S>>();
    match (known.and_then(Option::take), stream) {
        (Some(known), _) => Ok(known),
        (None, Some(stream)) => Err(stream),
        (None, None) => unreachable!("only a stream of that type is taken out"),
    }
}

impl AsyncRead for BoxedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Kind::Other(other) => Pin::new(other).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for BoxedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Kind::Other(other) => Pin::new(other).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Kind::Other(other) => Pin::new(other).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pinned().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.pinned().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Kind::Tcp(tcp) => tcp.is_write_vectored(),
            Kind::Other(other) => other.is_write_vectored(),
        }
    }
}
