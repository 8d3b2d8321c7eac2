//! What connects this process with a program.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;

use crate::descriptors::{CarryingStream, Exchange};

/// This side's ends.
#[derive(Debug)]
pub(super) enum Channel {
    Socket(CarryingStream),
    Pipes {
        reading: pipe::Receiver,
        /// A pipe is closed by dropping it.
        writing: Option<pipe::Sender>,
    },
}

impl Channel {
    /// What it carries beside its bytes, where it can.
    pub(super) fn descriptors(&self) -> Option<Arc<Exchange>> {
        match self {
            Self::Socket(socket) => Some(Arc::clone(socket.exchange())),
            Self::Pipes { .. } => None,
        }
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Socket(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Pipes { reading, .. } => Pin::new(reading).poll_read(cx, buffer),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Socket(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Pipes {
                writing: Some(writing),
                ..
            } => Pin::new(writing).poll_write(cx, bytes),
            Self::Pipes { writing: None, .. } => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Closes the direction to the program, which reads the end.
    pub(super) fn close_writing(&mut self) {
        match self {
            // It fails when the other end is closed, which is as good.
            Self::Socket(socket) => {
                let _ = rustix::net::shutdown(socket.as_fd(), rustix::net::Shutdown::Write);
            }
            Self::Pipes { writing, .. } => *writing = None,
        }
    }

    /// Whether nobody reads any more what is written here.
    pub(super) fn is_abandoned(&self) -> bool {
        let descriptor = match self {
            Self::Socket(socket) => socket.as_fd(),
            Self::Pipes {
                writing: Some(writing),
                ..
            } => writing.as_fd(),
            Self::Pipes { writing: None, .. } => return true,
        };
        // What is asked for is reported without being named.
        let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::empty())];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut polled, Some(&now)).is_ok()
            && polled[0]
                .revents()
                .intersects(PollFlags::ERR | PollFlags::HUP)
    }
}
