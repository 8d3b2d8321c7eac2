use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use amp_rpc_core::wire::Limits;
use amp_rpc_core::{AmpBox, EncodeError};
use thiserror::Error;

use crate::end::EndReason;

/// How many bytes may wait to be written before [`BoxSender::ready`] waits and nothing more is read.
pub(super) const QUEUED: usize = 1024 * 1024;

/// Sends boxes over a connection that a [`BoxReceiver`](super::BoxReceiver) or
/// [`Boxes`](super::Boxes) receives from. Twisted's `IBoxSender`. Cheap to clone.
///
/// Boxes leave in the order in which they are sent.
#[derive(Clone)]
pub struct BoxSender {
    queue: Arc<Mutex<Queue>>,
    limits: Limits,
}

/// What waits to be written, and who waits for it.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    closing: bool,
    end: Option<EndReason>,
    /// The task that writes, while it sleeps.
    writer: Option<Waker>,
    /// Those who wait for room or for the end.
    waiting: Vec<Waker>,
}

/// Why a box was not sent.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SendBoxError {
    /// The box has no form on the wire; nothing of it was sent.
    #[error("the box cannot be sent")]
    Local(#[source] EncodeError),
    /// The connection has ended, or is being closed.
    #[error("the connection has ended")]
    Ended(#[source] EndReason),
}

impl BoxSender {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            queue: Arc::default(),
            limits,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a box to be written. Does not wait: a receiver that answers each box with one stays
    /// within bounds, since nothing is read while much is queued; others await
    /// [`ready`](Self::ready) first.
    ///
    /// # Errors
    ///
    /// When the box cannot be encoded, or the connection has ended.
    pub fn send(&self, message: &AmpBox) -> Result<(), SendBoxError> {
        let mut queue = self.lock();
        if let Some(reason) = &queue.end {
            return Err(SendBoxError::Ended(reason.clone()));
        }
        if queue.closing {
            return Err(SendBoxError::Ended(EndReason::ClosedHere));
        }
        message
            .write_to(&mut queue.bytes, self.limits)
            .map_err(SendBoxError::Local)?;
        let writer = queue.writer.take();
        drop(queue);
        if let Some(writer) = writer {
            writer.wake();
        }
        Ok(())
    }

    /// Waits until less than 1 MiB is queued, or the connection has ended. Cancel-safe.
    pub async fn ready(&self) {
        poll_fn(|cx| {
            let mut queue = self.lock();
            if queue.end.is_some() || queue.bytes.len() < QUEUED {
                return Poll::Ready(());
            }
            queue.wait(cx.waker());
            Poll::Pending
        })
        .await;
    }

    /// Closes the connection once what is queued is written.
    pub fn close(&self) {
        let mut queue = self.lock();
        queue.closing = true;
        let writer = queue.writer.take();
        drop(queue);
        if let Some(writer) = writer {
            writer.wake();
        }
    }

    /// What is queued, to be written now. Whoever takes it is woken when there is more.
    pub(super) fn take(&self, cx: &Context<'_>) -> Vec<u8> {
        let mut queue = self.lock();
        queue.watch(cx);
        Self::empty(queue)
    }

    /// Whether as much is queued as may be.
    pub(super) fn is_full(&self) -> bool {
        self.lock().bytes.len() >= QUEUED
    }

    /// Whether the connection is to be closed behind what is queued. Whoever asks is woken when it is.
    pub(super) fn is_closing(&self, cx: &Context<'_>) -> bool {
        let mut queue = self.lock();
        queue.watch(cx);
        queue.closing
    }

    /// Refuses all further boxes; gives back what is queued. Of several reasons, the first stays.
    pub(super) fn end(&self, reason: EndReason) -> Vec<u8> {
        let mut queue = self.lock();
        queue.end.get_or_insert(reason);
        queue.writer = None;
        Self::empty(queue)
    }

    /// Takes the bytes, and wakes those who wait for that, without the lock.
    fn empty(mut queue: MutexGuard<'_, Queue>) -> Vec<u8> {
        let bytes = std::mem::take(&mut queue.bytes);
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
        bytes
    }

    pub(super) fn end_reason(&self) -> Option<EndReason> {
        self.lock().end.clone()
    }
}

impl Queue {
    fn watch(&mut self, cx: &Context<'_>) {
        match &mut self.writer {
            Some(writer) => writer.clone_from(cx.waker()),
            None => self.writer = Some(cx.waker().clone()),
        }
    }

    fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|known| known.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }
}

impl fmt::Debug for BoxSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.lock();
        f.debug_struct("BoxSender")
            .field("queued", &queue.bytes.len())
            .field("end", &queue.end)
            .finish()
    }
}
