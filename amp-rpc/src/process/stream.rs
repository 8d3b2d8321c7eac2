//! The bytes from and to a program.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::channel::Channel;
use super::reaper::Reaper;

/// How long to wait, when a program says no more, for how it ended. It may have closed only what it
/// writes to, and live.
const STATUS: Duration = Duration::from_millis(200);

/// How often to wait as long, when it has closed what it reads from too: most likely it is ending.
const TIMES: u32 = 5;

/// A program that this process has started ended without success. Twisted's `ProcessTerminated`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} (process {pid}) ended: {status}", program.display())]
#[non_exhaustive]
pub struct ProgramEnded {
    /// The program, as it was named to start it.
    pub program: PathBuf,
    /// The id that the process had.
    pub pid: u32,
    /// What it returned, or the signal that killed it.
    pub status: ExitStatus,
}

/// A stream from and to a program. Its end is the program's: an error unless it succeeded.
pub(super) struct ProgramStream {
    channel: Channel,
    reaper: Reaper,
    /// The program says no more.
    is_read: bool,
    /// Each direction may be polled by a task of its own.
    read_end: Option<Ending>,
    write_end: Option<Ending>,
    waited: u32,
}

/// Waits for how the program ended, for some time.
type Ending = Pin<Box<dyn Future<Output = Option<io::Result<ExitStatus>>> + Send>>;

impl ProgramStream {
    pub(super) fn new(channel: Channel, reaper: Reaper) -> Self {
        Self {
            channel,
            reaper,
            is_read: false,
            read_end: None,
            write_end: None,
            waited: 0,
        }
    }

    fn ending(&self) -> Ending {
        let reaper = self.reaper.clone();
        Box::pin(async move { timeout(STATUS, reaper.wait()).await.ok() })
    }

    /// The error that a program leaves behind which has not succeeded.
    fn failure(&self, end: Option<io::Result<ExitStatus>>) -> Option<io::Error> {
        let status = end?.ok()?;
        let ended = ProgramEnded {
            program: self.reaper.program().to_owned(),
            pid: self.reaper.pid(),
            status,
        };
        (!status.success()).then(|| io::Error::other(ended))
    }
}

impl AsyncRead for ProgramStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_read {
            return Poll::Ready(Ok(()));
        }
        if this.read_end.is_none() {
            let before = buffer.filled().len();
            match ready!(this.channel.poll_read(cx, buffer)) {
                Ok(()) if buffer.filled().len() > before || buffer.remaining() == 0 => {
                    return Poll::Ready(Ok(()));
                }
                // A socket whose other end is closed with unread bytes reports an error.
                Ok(()) => {}
                Err(error) if is_gone(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            this.read_end = Some(this.ending());
        }
        while let Some(ending) = &mut this.read_end {
            let end = ready!(ending.as_mut().poll(cx));
            this.waited += 1;
            if end.is_none() && this.waited < TIMES && this.channel.is_abandoned() {
                this.read_end = Some(this.ending());
                continue;
            }
            this.read_end = None;
            this.is_read = true;
            if let Some(failure) = this.failure(end) {
                return Poll::Ready(Err(failure));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ProgramStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.write_end.is_none() {
            match ready!(this.channel.poll_write(cx, bytes)) {
                Err(error) if is_gone(&error) && !this.is_read => {
                    this.write_end = Some(this.ending());
                }
                written => return Poll::Ready(written),
            }
        }
        // What the program said before it ended is still read meanwhile.
        let Some(ending) = &mut this.write_end else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let end = ready!(ending.as_mut().poll(cx));
        this.write_end = None;
        let failure = this.failure(end);
        Poll::Ready(Err(
            failure.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())
        ))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.channel.close_writing();
        this.reaper.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ProgramStream {
    fn drop(&mut self) {
        self.reaper.end();
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}
