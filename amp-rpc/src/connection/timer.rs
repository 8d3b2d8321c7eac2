//! The one timer of a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};

/// Wakes the driver at the earliest moment at which something is to be done.
///
/// It is lazy: when that moment moves away, the timer stays as it is, wakes the driver for nothing once,
/// and is set anew then. So a stream of calls with deadlines, each answered in time, sets it once per
/// deadline and not once per call.
#[derive(Default)]
pub(super) struct Timer {
    /// It knows the moment it is set to; once that has come, it is set to none.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Ready when the moment has come; otherwise the task is woken then, or earlier.
    pub(super) fn poll(&mut self, moment: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(moment) = moment else {
            return Poll::Pending;
        };
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if sleep.deadline() > moment || sleep.is_elapsed() {
                    sleep.as_mut().reset(moment);
                }
                sleep
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(moment))),
        };
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= moment {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(moment);
        }
    }
}
