use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream with faults, around any other: give it to [`Amp::over`](crate::Amp::over).
///
/// Without settings it behaves as the stream within. The settings can be combined:
///
/// ```
/// use std::time::Duration;
///
/// use amp_rpc::test_util::Faulty;
/// use amp_rpc::{Amp, AmpBox, EndReason};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let (one, other) = tokio::io::duplex(1024);
/// let slow = Faulty::new(one).pieces(1).delay(Duration::from_millis(10));
/// let broken = Faulty::new(other).fail_after_read(20);
/// let (client, server) = (Amp::new().over(slow), Amp::new().over(broken));
///
/// client.call_box("Hello", AmpBox::new()).await.unwrap_err();
/// assert!(matches!(server.ended().await, EndReason::Lost(_)));
/// # }
/// ```
#[derive(Debug)]
pub struct Faulty<S> {
    stream: S,
    pieces: usize,
    delay: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    /// How many bytes may still be read and written, and what comes behind them.
    read: Allowed,
    written: Allowed,
}

#[derive(Debug, Clone, Copy)]
struct Allowed {
    bytes: usize,
    then: Then,
}

/// What happens behind the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Fail,
    End,
    Stall,
}

impl Allowed {
    const ALL: Self = Self {
        bytes: usize::MAX,
        then: Then::Stall,
    };

    fn fault(self) -> Option<Then> {
        (self.bytes == 0).then_some(self.then)
    }
}

impl<S> Faulty<S> {
    /// Around this stream, without a fault yet.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            pieces: usize::MAX,
            delay: Duration::ZERO,
            pause: None,
            read: Allowed::ALL,
            written: Allowed::ALL,
        }
    }

    /// Reads and writes at most so many bytes at a time; 1 splits everything at every byte.
    ///
    /// # Panics
    ///
    /// With 0, which could never move anything.
    #[must_use]
    pub fn pieces(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "pieces of no bytes never move anything");
        self.pieces = bytes;
        self
    }

    /// Waits so long before each read.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Behind so many bytes that were read, reading fails: the network is gone.
    #[must_use]
    pub fn fail_after_read(mut self, bytes: usize) -> Self {
        let then = Then::Fail;
        self.read = Allowed { bytes, then };
        self
    }

    /// Behind so many bytes that were read, the peer seems to have closed its side, though it reads on: half a close.
    #[must_use]
    pub fn end_after_read(mut self, bytes: usize) -> Self {
        let then = Then::End;
        self.read = Allowed { bytes, then };
        self
    }

    /// Behind so many bytes that were read, nothing comes any more, and nothing says so.
    #[must_use]
    pub fn stall_after_read(mut self, bytes: usize) -> Self {
        let then = Then::Stall;
        self.read = Allowed { bytes, then };
        self
    }

    /// Behind so many bytes that were written, writing fails: the network is gone.
    #[must_use]
    pub fn fail_after_written(mut self, bytes: usize) -> Self {
        let then = Then::Fail;
        self.written = Allowed { bytes, then };
        self
    }

    /// Behind so many bytes that were written, no more are taken: the peer does not read.
    #[must_use]
    pub fn stall_after_written(mut self, bytes: usize) -> Self {
        let then = Then::Stall;
        self.written = Allowed { bytes, then };
        self
    }
}

fn failure() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "a fault of the test kit's")
}

impl<S: AsyncRead + Unpin> AsyncRead for Faulty<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match this.read.fault() {
            Some(Then::Fail) => return Poll::Ready(Err(failure())),
            Some(Then::End) => return Poll::Ready(Ok(())),
            Some(Then::Stall) => return Poll::Pending,
            None => {}
        }
        if !this.delay.is_zero() {
            let pause = this
                .pause
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(this.delay)));
            ready!(pause.as_mut().poll(cx));
        }
        let most = this.pieces.min(this.read.bytes).min(buffer.remaining());
        let mut piece = vec![0; most.min(64 * 1024)];
        let mut part = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
        this.pause = None;
        this.read.bytes -= part.filled().len();
        buffer.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Faulty<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match this.written.fault() {
            Some(Then::Fail | Then::End) => return Poll::Ready(Err(failure())),
            Some(Then::Stall) => return Poll::Pending,
            None => {}
        }
        let most = bytes.len().min(this.pieces).min(this.written.bytes);
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, &bytes[..most]))?;
        this.written.bytes -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
