use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use amp_rpc_core::conversation::CloseReason;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixStream;

use super::Exchange;

/// The most descriptors that a system puts into one message.
const AT_ONCE: usize = 253;

/// How much is read at once. The space for it is filled with zeros first where it is new.
const MOST: usize = 64 * 1024;

/// A Unix socket that carries descriptors beside its bytes.
///
/// It lies below TLS and other protocols: descriptors are counted, and it does not matter which bytes
/// they come with as long as those are early enough.
#[derive(Debug)]
pub(crate) struct CarryingStream {
    socket: UnixStream,
    exchange: Arc<Exchange>,
}

impl CarryingStream {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            exchange: Arc::new(Exchange::new()),
        }
    }

    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }

    /// Reads once, and keeps the descriptors that come along.
    fn read(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(buffer)];
        let message = recvmsg(&self.socket, &mut parts, &mut control, close_on_exec::FLAG)?;
        let mut descriptors = (control.drain())
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
                _ => None,
            })
            .flatten()
            .inspect(close_on_exec::set)
            .peekable();
        let bytes = message.bytes;
        let any = descriptors.peek().is_some();
        if any {
            self.exchange.received(descriptors).map_err(into_io)?;
        }
        if message.flags.contains(ReturnFlags::CTRUNC) && !self.exchange.has_ended() {
            return Err(into_io(CloseReason::DescriptorsLost));
        }
        Ok(Received { bytes, any })
    }

    /// Sends the next descriptor that is due with one byte; `None` when there is none.
    fn send_next(&self, bytes: &[u8]) -> Option<io::Result<()>> {
        let byte = [IoSlice::new(bytes.get(..1)?)];
        self.exchange.send_next(|descriptor| {
            self.socket.try_io(Interest::WRITABLE, || {
                send(&self.socket, &byte, descriptor.as_fd())
            })
        })
    }
}

/// What one read brought.
struct Received {
    bytes: usize,
    /// Descriptors came along.
    any: bool,
}

#[cfg(feature = "process")]
impl AsFd for CarryingStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsyncRead for CarryingStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wanted = buffer.remaining().min(MOST);
        loop {
            ready!(self.socket.poll_read_ready(cx))?;
            let space = buffer.initialize_unfilled_to(wanted);
            let mut received = Received {
                bytes: 0,
                any: false,
            };
            let read = self.socket.try_io(Interest::READABLE, || {
                received = self.read(space)?;
                if DRAINED_WHEN_SHORT && (1..wanted).contains(&received.bytes) && !received.any {
                    // Nothing is left to read. The socket is to be noted as not ready, which saves the
                    // system call that would tell the same.
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            });
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && received.bytes == 0 => {}
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                _ => {
                    buffer.advance(received.bytes);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncWrite for CarryingStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut written = 0;
        while self.exchange.is_due() && written < bytes.len() {
            match self.socket.poll_write_ready(cx)? {
                Poll::Ready(()) => {}
                Poll::Pending if written > 0 => return Poll::Ready(Ok(written)),
                Poll::Pending => return Poll::Pending,
            }
            match self.send_next(&bytes[written..]) {
                Some(Ok(())) => written += 1,
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Some(Err(error)) => return Poll::Ready(Err(not_sent(&error))),
                None => break,
            }
        }
        if written > 0 {
            return Poll::Ready(Ok(written));
        }
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.exchange.is_due() {
            let part = parts.iter().find(|part| !part.is_empty());
            return self.poll_write(cx, part.map_or(&[][..], |part| part));
        }
        Pin::new(&mut self.socket).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl Drop for CarryingStream {
    fn drop(&mut self) {
        self.exchange.close();
    }
}

fn send(socket: &UnixStream, byte: &[IoSlice<'_>], descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    // There is room for exactly this one.
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, byte, &mut control, NO_SIGNAL)?;
    Ok(())
}

fn not_sent(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("a file descriptor could not be sent: {error}"),
    )
}

/// The reason comes out of the connection again as [`EndReason::Ended`](crate::EndReason::Ended).
fn into_io(reason: CloseReason) -> io::Error {
    io::Error::other(reason)
}

/// Whether a read that fills only a part of the space has emptied the socket, as `epoll` promises.
/// A read also ends behind a byte that came with descriptors.
const DRAINED_WHEN_SHORT: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Descriptors that come are closed in programs that this process starts.
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
))]
mod close_on_exec {
    use super::{OwnedFd, RecvFlags};

    pub(super) const FLAG: RecvFlags = RecvFlags::CMSG_CLOEXEC;

    pub(super) fn set(_descriptor: &OwnedFd) {}
}

/// The same where there is no flag for it: it is set right behind.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
)))]
mod close_on_exec {
    use super::{OwnedFd, RecvFlags};

    pub(super) const FLAG: RecvFlags = RecvFlags::empty();

    pub(super) fn set(descriptor: &OwnedFd) {
        // It cannot fail: the descriptor is open.
        let _ = rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC);
    }
}

// A peer that has gone is an error, not a signal; the standard library sees to that elsewhere.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: SendFlags = SendFlags::empty();
