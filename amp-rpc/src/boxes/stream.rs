use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use amp_rpc_core::AmpBox;
use amp_rpc_core::wire::Limits;
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::receiver::{BoxReceiver, run};
use super::sender::BoxSender;
use crate::end::EndReason;
use crate::transport::Transport;

/// How many boxes wait for a program that does not ask for them.
const AHEAD: usize = 16;

/// The boxes of a connection as a stream: the same as a [`BoxReceiver`], as a loop.
///
/// A program that does not ask for boxes makes the peer wait: little is read ahead.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use amp_rpc::{AmpBox, Boxes};
///
/// let (left, right) = tokio::io::duplex(64);
/// let (mut reflector, sender) = Boxes::over(left);
/// tokio::spawn(async move {
///     while let Some(message) = reflector.next().await {
///         sender.send(&message)?;
///     }
///     Ok::<(), amp_rpc::SendBoxError>(())
/// });
///
/// let (mut boxes, sender) = Boxes::over(right);
/// let hello = AmpBox::from([("greeting", "hello")]);
/// sender.send(&hello)?;
/// assert_eq!(boxes.next().await, Some(hello));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Boxes {
    boxes: mpsc::Receiver<AmpBox>,
    sender: BoxSender,
}

impl Boxes {
    /// Receives boxes over any stream, with the default limits. Reading and writing happen in a task of
    /// their own. Dropping the `Boxes` closes the connection.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; the runtime must have its time driver enabled.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> (Self, BoxSender) {
        Self::start(Transport::over(stream), Limits::DEFAULT)
    }

    pub(crate) fn start(transport: Transport, limits: Limits) -> (Self, BoxSender) {
        let (to, boxes) = mpsc::channel(AHEAD);
        let sender = BoxSender::new(limits);
        let queue = Queue {
            to,
            room: Room::Unknown,
        };
        tokio::spawn(run(transport, sender.clone(), queue));
        let this = Self {
            boxes,
            sender: sender.clone(),
        };
        (this, sender)
    }

    /// The next box; `None` when the connection has ended. Cancel-safe: no box is lost.
    pub async fn next(&mut self) -> Option<AmpBox> {
        poll_fn(|cx| self.boxes.poll_recv(cx)).await
    }

    /// Why the connection has ended; `None` while it is open.
    pub fn end_reason(&self) -> Option<EndReason> {
        self.sender.end_reason()
    }
}

/// The receiver behind a [`Boxes`]: a bounded queue.
struct Queue {
    to: mpsc::Sender<AmpBox>,
    /// The room for the next box.
    room: Room,
}

type Reserve = Pin<Box<dyn Future<Output = Option<mpsc::OwnedPermit<AmpBox>>> + Send>>;

enum Room {
    Unknown,
    Waiting(Reserve),
    Ready(mpsc::OwnedPermit<AmpBox>),
    /// Nobody asks for boxes any more.
    Closed,
}

impl BoxReceiver for Queue {
    fn start_receiving_boxes(&mut self, _sender: BoxSender) {}

    fn box_received(&mut self, message: AmpBox) {
        if let Room::Ready(permit) = std::mem::replace(&mut self.room, Room::Unknown) {
            permit.send(message);
        }
    }

    fn stop_receiving_boxes(&mut self, _reason: EndReason) {}

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.room {
                Room::Ready(_) | Room::Closed => return Poll::Ready(()),
                Room::Unknown => {
                    let to = self.to.clone();
                    let reserve = async move { to.reserve_owned().await.ok() };
                    self.room = Room::Waiting(Box::pin(reserve));
                }
                Room::Waiting(reserve) => {
                    self.room = match ready!(reserve.as_mut().poll(cx)) {
                        Some(permit) => Room::Ready(permit),
                        None => Room::Closed,
                    };
                }
            }
        }
    }
}

impl Drop for Boxes {
    fn drop(&mut self) {
        self.sender.close();
    }
}

impl Stream for Boxes {
    type Item = AmpBox;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AmpBox>> {
        self.boxes.poll_recv(cx)
    }
}
