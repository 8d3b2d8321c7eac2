//! A stream of bytes that carries boxes for a receiver.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use amp_rpc_core::conversation::CloseReason;
use amp_rpc_core::wire::Decoder;
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Sleep;

use super::receiver::{BoxReceiver, guarded};
use super::sender::BoxSender;
use crate::connection::{Doorway, Visitor, turn_away};
use crate::end::EndReason;
use crate::transport::{Addresses, BoxedStream, Transport};

/// How much is read at once.
const READ: usize = 16 * 1024;

/// How long a peer may take to read what is left when this side closes, and then to close its own.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of what the peer still sends at the end is read and dropped.
const UNREAD: usize = 1024 * 1024;

/// One task owns it. Dropping it ends the sender, whatever was the cause.
pub(super) struct Connection {
    stream: BoxedStream,
    addresses: Addresses,
    doorway: Doorway,
    sender: BoxSender,
    decoder: Decoder,
    reading: BytesMut,
    /// What was taken from the sender's queue; the next is taken when all of it is written.
    writing: Vec<u8>,
    written: usize,
    /// Runs once this side closes.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    pub(super) fn new(transport: Transport, sender: BoxSender) -> Self {
        let addresses = transport.addresses.clone();
        Self {
            stream: transport.into_stream(),
            addresses,
            doorway: Doorway::default(),
            decoder: Decoder::new(sender.limits()),
            sender,
            reading: BytesMut::new(),
            writing: Vec::new(),
            written: 0,
            patience: None,
        }
    }

    pub(super) fn sender(&self) -> BoxSender {
        self.sender.clone()
    }

    /// Reads and writes in turns, so that two full sides never wait for each other.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl BoxReceiver,
    ) -> Poll<EndReason> {
        loop {
            let sent = self.poll_send(cx);
            if let Poll::Ready(Err(error)) = sent {
                return Poll::Ready(error.into());
            }
            if self.sender.is_closing(cx) && (sent.is_ready() || self.poll_patience(cx).is_ready())
            {
                return Poll::Ready(EndReason::ClosedHere);
            }
            if let Err(reason) = ready!(self.poll_receive(cx, receiver)) {
                return Poll::Ready(reason);
            }
        }
    }

    /// Writes what is queued. What is queued later wakes the task.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write(cx))?;
        self.writing = self.sender.take(cx);
        ready!(self.poll_write(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.writing.len() {
            let rest = &self.writing[self.written..];
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        // Not only cleared: an idle connection holds no buffer for writing.
        self.writing = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        patience.as_mut().poll(cx)
    }

    /// Gives the receiver the boxes that are there; reads when there are none. Ready when it has done
    /// something.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl BoxReceiver,
    ) -> Poll<Result<(), EndReason>> {
        let mut delivered = false;
        // Their answers leave together.
        while let Poll::Ready(next) = self.poll_deliver(cx, receiver) {
            if !next? {
                return if delivered {
                    Poll::Ready(Ok(()))
                } else {
                    self.poll_read(cx)
                };
            }
            delivered = true;
        }
        if delivered {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    /// Gives the receiver a box if a whole one is there, and says whether. Pending while the receiver
    /// takes none, or while so much is queued that its answer should wait.
    fn poll_deliver(
        &mut self,
        cx: &mut Context<'_>,
        receiver: &mut impl BoxReceiver,
    ) -> Poll<Result<bool, EndReason>> {
        if self.sender.is_full() {
            return Poll::Pending;
        }
        ready!(guarded(|| receiver.poll_ready(cx))?);
        if self.reading.is_empty() {
            return Poll::Ready(Ok(false));
        }
        match self.doorway.look(&self.reading) {
            Visitor::Peer => {}
            Visitor::Unknown => return Poll::Ready(Ok(false)),
            Visitor::Stranger(stranger) => {
                return Poll::Ready(Err(turn_away(stranger, &self.addresses).into()));
            }
        }
        let frame = self.decoder.decode(&self.reading);
        let Some(frame) = frame.map_err(CloseReason::from)? else {
            return Poll::Ready(Ok(false));
        };
        let (message, length) = (frame.view().to_owned(), frame.len());
        self.reading.advance(length);
        guarded(|| receiver.box_received(message))?;
        Poll::Ready(Ok(true))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EndReason>> {
        self.reading.reserve(READ);
        match ready!(pin!(self.stream.read_buf(&mut self.reading)).poll(cx))? {
            0 => Poll::Ready(Err(EndReason::ClosedByPeer)),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Ends the sender. What is queued is left for the [`farewell`](Self::farewell).
    pub(super) fn end(&mut self, reason: EndReason) {
        self.writing.append(&mut self.sender.end(reason));
    }

    /// Writes what is left, closes the sending side, and reads until the peer has closed its own: a
    /// socket that is closed with bytes unread is reset, and the peer may lose what was just written.
    pub(super) async fn farewell(mut self, reason: &EndReason) {
        if matches!(reason, EndReason::Lost(_)) {
            return;
        }
        let peer_sends = !matches!(reason, EndReason::ClosedByPeer);
        // Errors and a peer without end come to the same: nobody reads any more.
        let _ = tokio::time::timeout(PATIENCE, self.part(peer_sends)).await;
    }

    async fn part(&mut self, peer_sends: bool) -> io::Result<()> {
        poll_fn(|cx| self.poll_write(cx)).await?;
        self.stream.shutdown().await?;
        let mut unread = 0;
        while peer_sends && unread <= UNREAD {
            self.reading.clear();
            self.reading.reserve(READ);
            match self.stream.read_buf(&mut self.reading).await? {
                0 => break,
                count => unread += count,
            }
        }
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // It keeps an earlier reason.
        self.sender.end(EndReason::ClosedHere);
    }
}
