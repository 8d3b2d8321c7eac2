//! Remembers how a peer began, for the message when that was no TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::BoxedStream;

/// How many bytes are remembered.
const REMEMBERED: usize = 16;

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

    /// Whether the peer began as a record of TLS does: with a kind from 20 to 24 and a version 3.x.
    pub(super) fn began_with_a_record(&self) -> bool {
        matches!(self.first[..], [20..=24, 3, ..])
    }

    pub(super) fn into_first(self) -> Vec<u8> {
        self.first
    }
}

/// What the first bytes of a peer look like that does not speak TLS.
pub(super) fn what_is(first: &[u8]) -> &'static str {
    const HTTP: [&[u8]; 8] = [
        b"GET ", b"POST", b"PUT ", b"HEAD", b"OPTI", b"DELE", b"CONN", b"HTTP",
    ];
    if HTTP.iter().any(|method| first.starts_with(method)) {
        "HTTP"
    } else if first.starts_with(b"SSH-") {
        "SSH"
    } else if first.starts_with(b"PROXY ") || first.starts_with(b"\r\n\r\n\0\r\nQUIT") {
        "a PROXY header"
    } else if first.len() > 2 && first[0] == 0 && first[1] != 0 {
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

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
