//! Anything that moves boxes, as a stream of bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use amp_rpc_core::AmpBox;
use amp_rpc_core::wire::{Decoder, Limits};
use bytes::{Buf, BytesMut};
use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A source and a sink of boxes, seen as a stream of bytes: so a conversation runs over a route, a
/// WebSocket or a test as it does over a socket.
pub(crate) struct Carrier<R, W> {
    source: R,
    sink: W,
    limits: Limits,
    /// The rest of a received box, as bytes.
    reading: Vec<u8>,
    read: usize,
    /// The beginning of a box that is being sent.
    writing: BytesMut,
    decoder: Decoder,
}

impl<R, W> Carrier<R, W> {
    pub(crate) fn new(source: R, sink: W, limits: Limits) -> Self {
        Self {
            source,
            sink,
            limits,
            reading: Vec::new(),
            read: 0,
            writing: BytesMut::new(),
            decoder: Decoder::new(limits),
        }
    }
}

impl<R, W> AsyncRead for Carrier<R, W>
where
    R: Stream<Item = AmpBox> + Unpin,
    W: Unpin,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.read == this.reading.len() {
            this.reading.clear();
            this.read = 0;
            let Some(message) = ready!(Pin::new(&mut this.source).poll_next(cx)) else {
                return Poll::Ready(Ok(()));
            };
            message
                .write_to(&mut this.reading, this.limits)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        let rest = &this.reading[this.read..];
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        this.read += length;
        Poll::Ready(Ok(()))
    }
}

impl<R, W> Carrier<R, W>
where
    W: Sink<AmpBox, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    /// Hands the whole boxes at the front of what was written to the sink.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.writing.is_empty() {
            ready!(Pin::new(&mut self.sink).poll_ready(cx)).map_err(io::Error::other)?;
            let frame = self
                .decoder
                .decode(&self.writing)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let Some(frame) = frame else {
                break;
            };
            let (message, length) = (frame.view().to_owned(), frame.len());
            Pin::new(&mut self.sink)
                .start_send(message)
                .map_err(io::Error::other)?;
            // Not `drain`: many small boxes would be moved once for each of them.
            self.writing.advance(length);
        }
        Poll::Ready(Ok(()))
    }
}

impl<R, W> AsyncWrite for Carrier<R, W>
where
    R: Unpin,
    W: Sink<AmpBox, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // What was taken before goes first; only then is more taken.
        ready!(self.poll_send(cx))?;
        self.writing.extend_from_slice(bytes);
        if let Poll::Ready(Err(error)) = self.poll_send(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.sink)
            .poll_flush(cx)
            .map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.sink)
            .poll_close(cx)
            .map_err(io::Error::other)
    }
}
