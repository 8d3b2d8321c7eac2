//! Bytes on their way in: read, and cut into boxes.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use amp_rpc_core::wire::SHARED_FROM;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::buffers;
use crate::transport::BoxedStream;

/// A box from this size on is cut off the buffer, so that its values can be handed on without
/// copying them; but for those that have no large values and are taken among others.
const LARGE: usize = SHARED_FROM;
/// How much is read at once while large boxes come.
const BULK: usize = 256 * 1024;

/// What was read and is not a whole box yet.
///
/// Small boxes are decoded in a buffer of the thread's, so that an idle connection holds none, and one that waits for the
/// rest of a small box no more than what has come of it. Once a large box has begun to come, the connection has a buffer of
/// its own, off which boxes are cut without copying them, for as long as each read brings a large box.
#[derive(Default)]
pub(super) struct Incoming {
    rest: BytesMut,
    /// Large boxes come.
    is_bulk: bool,
    /// How many bytes were read in all.
    pub(super) received: u64,
}

/// What a read brought.
pub(super) enum Read {
    /// Bytes.
    Some,
    /// The peer has closed its side.
    End,
}

/// What the reader's owner makes of the bytes at the front of the buffer.
pub(super) enum Step {
    /// A box of so many bytes was dealt with.
    Took(usize),
    /// A box of so many bytes is there that is large: it should be cut off.
    Large(usize),
    /// More bytes are needed, or none are wanted now.
    Wait,
}

/// Deals with boxes, one after the other.
pub(super) trait Consumer {
    /// Looks at the bytes that are there, from `at` on. `shared` is there when they are one large box alone,
    /// cut off the buffer.
    fn step(&mut self, buffer: &[u8], at: usize, shared: Option<&Bytes>) -> Step;

    /// Takes what it needs out of the buffer, which goes on to other uses. Says whether it wants more boxes.
    fn settle(&mut self, buffer: &[u8]) -> bool;
}

impl Incoming {
    /// Whether bytes are kept that may hold whole boxes.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether large boxes come.
    pub(super) fn is_bulk(&self) -> bool {
        self.is_bulk
    }

    /// Reads once and gives the consumer what there is.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut BoxedStream,
        cx: &mut Context<'_>,
        consumer: &mut dyn Consumer,
    ) -> Poll<io::Result<Read>> {
        if self.is_bulk || self.rest.len() > LARGE {
            return self.poll_read_bulk(stream, cx, consumer);
        }
        buffers::with_read_buffer(|buffer| {
            let kept = self.rest.len();
            buffer[..kept].copy_from_slice(&self.rest);
            let mut read = ReadBuf::new(buffer);
            read.set_filled(kept);
            match Pin::new(stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
            let bytes = read.filled();
            if bytes.len() == kept {
                return Poll::Ready(Ok(Read::End));
            }
            self.received += (bytes.len() - kept) as u64;
            self.rest.clear();
            let mut at = 0;
            let mut is_large = false;
            while at < bytes.len() {
                match consumer.step(bytes, at, None) {
                    Step::Took(length) => at += length,
                    Step::Large(_) => {
                        is_large = true;
                        break;
                    }
                    Step::Wait => break,
                }
            }
            consumer.settle(bytes);
            self.rest.extend_from_slice(&bytes[at..]);
            if is_large {
                // The first ones are copied, all at once.
                self.consume(consumer);
            }
            Poll::Ready(Ok(Read::Some))
        })
    }

    fn poll_read_bulk(
        &mut self,
        stream: &mut BoxedStream,
        cx: &mut Context<'_>,
        consumer: &mut dyn Consumer,
    ) -> Poll<io::Result<Read>> {
        self.make_room();
        let read = match pin!(stream.read_buf(&mut self.rest)).poll(cx) {
            Poll::Ready(Ok(read)) => read,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                self.rest();
                return Poll::Pending;
            }
        };
        if read == 0 {
            return Poll::Ready(Ok(Read::End));
        }
        self.received += read as u64;
        self.is_bulk = false;
        self.consume(consumer);
        if !self.is_bulk && self.rest.len() <= LARGE {
            let small = BytesMut::from(&*self.rest);
            buffers::give_chunk(std::mem::replace(&mut self.rest, small));
        }
        Poll::Ready(Ok(Read::Some))
    }

    /// Sees to it that there is room to read on behind what is kept.
    fn make_room(&mut self) {
        let kept = self.rest.len();
        // No more than a few times what a peer has sent that may have announced a lot.
        let size = match self.is_bulk {
            true => BULK.max(2 * kept),
            false => BULK.min(4 * kept).max(2 * kept),
        };
        let room = size - kept;
        // Where nothing has to be copied, more of a buffer is used before another one is taken.
        let enough = if kept == 0 { room / 4 } else { room / 2 };
        if self.rest.capacity() - kept >= enough || self.rest.try_reclaim(room) {
            return;
        }
        let least = if kept == 0 { enough } else { size };
        let mut chunk = buffers::take_chunk(size, least);
        chunk.extend_from_slice(&self.rest);
        buffers::give_chunk(std::mem::replace(&mut self.rest, chunk));
    }

    /// Gives the consumer what is kept.
    pub(super) fn consume(&mut self, consumer: &mut dyn Consumer) {
        let mut at = 0;
        while at < self.rest.len() {
            match consumer.step(&self.rest, at, None) {
                Step::Took(length) => at += length,
                Step::Large(length) => {
                    // Those may have been the answers for the sake of which it was to be read.
                    if !consumer.settle(&self.rest) {
                        break;
                    }
                    self.rest.advance(at);
                    at = 0;
                    self.is_bulk = true;
                    let large = self.rest.split_to(length).freeze();
                    consumer.step(&large, 0, Some(&large));
                }
                Step::Wait => break,
            }
        }
        consumer.settle(&self.rest);
        self.rest.advance(at);
    }

    /// Takes what is kept, for whoever goes on with the stream.
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.rest).freeze()
    }

    /// Leaves nothing for another connection.
    pub(super) fn leave(&mut self) {
        self.rest();
        self.is_bulk = false;
    }

    /// Gives the buffer back, when there is nothing in it to wait with.
    fn rest(&mut self) {
        if self.rest.is_empty() && self.rest.capacity() > 0 {
            buffers::give_chunk(std::mem::take(&mut self.rest));
        }
    }
}

/// Whether a box of this size is worth cutting off.
pub(super) fn is_large(length: usize) -> bool {
    length >= LARGE
}
