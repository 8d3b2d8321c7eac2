//! Remembers how a peer began, for the message when that was no TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use amp_rpc_core::wire::Stranger;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::BoxedStream;

/// How many bytes are remembered.
const REMEMBERED: usize = 16;

/// How many bytes are joined for a stream that does not take several slices at once.
const JOINED: usize = 4 * 1024;

/// A stream that remembers the first bytes that were read from it.
pub(super) struct FirstBytes {
    stream: BoxedStream,
    first: Vec<u8>,
}

impl FirstBytes {
    pub(super) fn new(stream: BoxedStream) -> Self {
        Self {
            stream,
            first: Vec::new(),
        }
    }

    /// Whether the peer has begun, and not as a record of TLS does.
    pub(super) fn began_otherwise(&self) -> bool {
        !matches!(self.first[..], [] | [20..=24] | [20..=24, 3, ..])
    }

    pub(super) fn first(&self) -> &[u8] {
        &self.first
    }
}

/// What the first bytes of a peer look like that does not speak TLS.
pub(super) fn what_is(first: &[u8]) -> &'static str {
    match Stranger::recognize(first) {
        Some(Stranger::ProxyHeader) => return "a PROXY header",
        Some(stranger) => return stranger.name(),
        None => {}
    }
    if first.len() > 2 && first[0] == 0 && first[1] != 0 {
        "what looks like a box in plain text"
    } else {
        "something else"
    }
}

impl AsyncRead for FirstBytes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let missing = REMEMBERED - self.first.len();
        if missing > 0 {
            let read = &buffer.filled()[before..];
            self.first.extend(read.iter().take(missing));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FirstBytes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    /// What a stream would take only one by one is joined as long as it is small. It matters where the
    /// handshake fails: what there is to say then is written at once or never, and the alert comes last.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        if stream.is_write_vectored() {
            return stream.poll_write_vectored(cx, slices);
        }
        let mut joined = Vec::new();
        for slice in slices {
            if !joined.is_empty() && joined.len() + slice.len() > JOINED {
                break;
            }
            joined.extend_from_slice(slice);
        }
        stream.poll_write(cx, &joined)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
