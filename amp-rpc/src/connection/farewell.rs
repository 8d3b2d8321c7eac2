//! The end of a connection, after everybody who waited for it has gone.

use std::future::Future;
#[cfg(feature = "_tls")]
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::outgoing::Outgoing;
use crate::transport::BoxedStream;

/// How long a peer may take to read the last bytes, and to close its side.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How much of what the peer still sends is read and dropped.
const UNREAD: usize = 1024 * 1024;

/// Writes what is left, closes the sending side, and reads until the peer has closed its own.
///
/// The reading is necessary: when a socket is closed while bytes are unread, the system resets the
/// connection, and the peer may lose the answers that were just written to it. Pipes have no such end;
/// there it would only keep a child alive that its parent waits for.
pub(crate) struct Farewell {
    stream: BoxedStream,
    rest: Outgoing,
    stage: Stage,
    unread: usize,
    timer: Option<Pin<Box<Sleep>>>,
}

enum Stage {
    Write { then_read: bool },
    Shutdown { then_read: bool },
    Read,
}

impl Farewell {
    /// `reads_rest`: the peer has not closed its side yet, and must not be reset.
    pub(super) fn new(stream: BoxedStream, rest: Outgoing, reads_rest: bool) -> Self {
        Self {
            stream,
            rest,
            stage: Stage::Write {
                then_read: reads_rest,
            },
            unread: 0,
            timer: None,
        }
    }

    /// The same where nothing is left to write.
    #[cfg(feature = "_tls")]
    pub(crate) async fn of(stream: BoxedStream, reads_rest: bool) {
        let mut farewell = Self::new(stream, Outgoing::default(), reads_rest);
        poll_fn(|cx| farewell.poll(cx)).await;
    }

    /// Ready when the stream can be dropped.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_stages(cx).is_ready() {
            return Poll::Ready(());
        }
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        timer.as_mut().poll(cx)
    }

    /// How many bytes were written in all.
    pub(super) fn sent(&self) -> u64 {
        self.rest.sent
    }

    /// Whether everything is written and the sending side is closed.
    pub(super) fn is_shut(&self) -> bool {
        matches!(self.stage, Stage::Read)
    }

    fn poll_stages(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.stage {
                Stage::Write { then_read } => {
                    if ready!(self.rest.poll_write(&mut self.stream, cx)).is_err() {
                        return Poll::Ready(());
                    }
                    self.stage = Stage::Shutdown { then_read };
                }
                Stage::Shutdown { then_read } => {
                    let shut = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
                    if shut.is_err() || !then_read {
                        return Poll::Ready(());
                    }
                    self.stage = Stage::Read;
                }
                Stage::Read => {
                    let mut scratch = [0; 4096];
                    let mut buffer = ReadBuf::new(&mut scratch);
                    let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
                    self.unread += buffer.filled().len();
                    if read.is_err() || buffer.filled().is_empty() || self.unread > UNREAD {
                        return Poll::Ready(());
                    }
                }
            }
        }
    }
}
