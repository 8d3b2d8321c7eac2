use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use amp_rpc_core::AmpBox;
use amp_rpc_core::conversation::CloseReason;
use amp_rpc_core::wire::Decoder;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};

use super::sender::{BoxSender, QUEUED};
use crate::end::EndReason;
use crate::responders::guard;
use crate::transport::BoxedStream;

/// How much is read at once.
const READ: usize = 16 * 1024;

/// Receives the boxes of a connection instead of a conversation. Twisted's `IBoxReceiver`.
///
/// The connection's task calls it, so it must not block. When one of its methods panics, its
/// connection ends, and no other.
pub trait BoxReceiver: Send + 'static {
    /// The connection is there; `sender` sends boxes over it.
    fn start_receiving_boxes(&mut self, sender: BoxSender);

    /// A box has come.
    fn box_received(&mut self, message: AmpBox);

    /// No more boxes will come, and none can be sent.
    fn stop_receiving_boxes(&mut self, reason: EndReason);

    /// Whether the receiver can take a box now; while it cannot, nothing is read. Default: always.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx;
        Poll::Ready(())
    }
}

/// Carries a connection for a receiver until it ends.
pub(crate) async fn run(stream: BoxedStream, sender: BoxSender, mut receiver: impl BoxReceiver) {
    let mut connection = Connection {
        stream,
        decoder: Decoder::new(sender.limits()),
        reading: BytesMut::new(),
        writing: Vec::new(),
        sender: sender.clone(),
    };
    let begun = guard(|| receiver.start_receiving_boxes(sender.clone()));
    let reason = match begun {
        Ok(()) => poll_fn(|cx| connection.poll(cx, &mut receiver)).await,
        Err(_) => EndReason::ClosedHere,
    };
    // A peer that does not read its last boxes must not keep the task for ever.
    let flush = poll_fn(|cx| connection.poll_flush(cx));
    let _ = tokio::time::timeout(Duration::from_secs(30), flush).await;
    sender.end(reason.clone());
    // The connection is gone already: there is nothing left to end.
    let _ = guard(|| receiver.stop_receiving_boxes(reason));
}

struct Connection {
    stream: BoxedStream,
    decoder: Decoder,
    reading: BytesMut,
    writing: Vec<u8>,
    sender: BoxSender,
}

impl Connection {
    /// Reads and writes in turns, so that two full sides never wait for each other.
    fn poll(&mut self, cx: &mut Context<'_>, receiver: &mut impl BoxReceiver) -> Poll<EndReason> {
        loop {
            let closing = self.sender.take(&mut self.writing, cx);
            if let Poll::Ready(Err(error)) = self.poll_write(cx) {
                return Poll::Ready(error.into());
            }
            if closing && self.writing.is_empty() {
                return Poll::Ready(EndReason::ClosedHere);
            }
            match self.deliver(cx, receiver) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(reason) => return Poll::Ready(reason),
            }
            if self.writing.len() >= QUEUED || receiver.poll_ready(cx).is_pending() {
                return Poll::Pending;
            }
            self.reading.reserve(READ);
            match ready!(pin!(self.stream.read_buf(&mut self.reading)).poll(cx)) {
                Ok(0) => return Poll::Ready(EndReason::ClosedByPeer),
                Ok(_) => {}
                Err(error) => return Poll::Ready(error.into()),
            }
        }
    }

    /// Gives the receiver the next box, if a whole one is there and it can take it.
    fn deliver(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl BoxReceiver,
    ) -> Result<bool, EndReason> {
        if self.reading.is_empty() {
            return Ok(false);
        }
        if receiver.poll_ready(cx).is_pending() || self.writing.len() >= QUEUED {
            return Ok(false);
        }
        let frame = self
            .decoder
            .decode(&self.reading)
            .map_err(|error| EndReason::from(CloseReason::from(error)))?;
        let Some(frame) = frame else {
            return Ok(false);
        };
        let (message, length) = (frame.view().to_owned(), frame.len());
        self.reading.advance(length);
        match guard(|| receiver.box_received(message)) {
            Ok(()) => Ok(true),
            Err(_) => Err(EndReason::ClosedHere),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut written = 0;
        while written < self.writing.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.writing[written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.writing.drain(..written);
                    return Poll::Pending;
                }
            }
        }
        self.writing.clear();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Writes what is left and closes the sending side; errors mean that nobody reads any more.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if ready!(self.poll_write(cx)).is_ok() {
            let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
        }
        Poll::Ready(())
    }
}
