//! The one timer of a connection.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep};

/// Wakes the driver at the earliest moment at which something is to be done.
///
/// It is lazy: when that moment moves away, the timer stays as it is, wakes the driver for nothing once,
/// and is set anew then. So a stream of calls with deadlines, each answered in time, sets it once per
/// deadline and not once per call.
///
/// A driver stays in its task, so once the timer was polled it knows whom to wake.
#[derive(Default)]
pub(super) struct Timer {
    /// It knows the moment it is set to; once that has come, it is set to none.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Whether it is set to a moment that has not come.
    #[inline]
    pub(super) fn is_ahead(&self) -> bool {
        self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed())
    }

    /// Ready when the moment has come; otherwise the task is woken then, or earlier.
    pub(super) fn poll(&mut self, moment: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(moment) = moment else {
            return Poll::Pending;
        };
        let is_new = self.sleep.is_none();
        let sleep = (self.sleep).get_or_insert_with(|| Box::pin(tokio::time::sleep_until(moment)));
        if !is_new {
            let has_come = sleep.is_elapsed();
            if !has_come && sleep.deadline() <= moment {
                return Poll::Pending;
            }
            if has_come && sleep.deadline() >= moment {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(moment);
        }
        // Otherwise it might be pending without knowing whom to wake.
        pin!(unconstrained(sleep)).poll(cx)
    }
}
