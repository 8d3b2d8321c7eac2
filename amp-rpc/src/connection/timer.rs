//! The one timer of a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

/// Wakes the driver at the earliest moment at which something is to be done.
///
/// It is lazy: when that moment moves away, the timer stays as it is, wakes the driver for nothing once,
/// and is set anew then. So a stream of calls with deadlines, each answered in time, sets it once per
/// deadline and not once per call.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// The moment it is set to.
    set: Option<Instant>,
}

impl Timer {
    /// Ready when the moment has come; otherwise the task is woken then, or earlier.
    pub(super) fn poll(&mut self, moment: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(moment) = moment else {
            return Poll::Pending;
        };
        if self.set.is_none_or(|set| set > moment) {
            self.set(moment);
        }
        while let Some(sleep) = &mut self.sleep {
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if self.set.take().is_some_and(|set| set >= moment) {
                return Poll::Ready(());
            }
            self.set(moment);
        }
        Poll::Pending
    }

    fn set(&mut self, moment: Instant) {
        self.set = Some(moment);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(moment),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(moment))),
        }
    }
}
