//! The task of an accepted connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::connections::Entry;
use crate::connection::Driver;

/// Sets a connection up, then carries it.
///
/// A future of its own kind, since a task is as large for its whole life as all that it ever holds at a time: what sets a
/// connection up is in a box, which goes when it is done.
pub(super) struct Carry {
    stage: Stage,
    /// The connection's place, which is left when its task is gone.
    _entry: Entry,
}

enum Stage {
    SettingUp(SettingUp),
    Carrying(Carrying),
}

/// What carries a connection that is set up.
pub(crate) enum Carrying {
    /// In the task itself, which is an allocation less.
    Driver(Driver),
    Other(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// Yields what carries the connection; `None` where it ended before.
pub(super) type SettingUp = Pin<Box<dyn Future<Output = Option<Carrying>> + Send>>;

impl Carry {
    pub(super) fn new(setting_up: SettingUp, entry: Entry) -> Self {
        Self {
            stage: Stage::SettingUp(setting_up),
            _entry: entry,
        }
    }
}

impl Future for Carry {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.stage {
                Stage::SettingUp(setting_up) => match ready!(setting_up.as_mut().poll(cx)) {
                    Some(carrying) => self.stage = Stage::Carrying(carrying),
                    None => return Poll::Ready(()),
                },
                Stage::Carrying(carrying) => return Pin::new(carrying).poll(cx),
            }
        }
    }
}

impl Future for Carrying {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut *self {
            Self::Driver(driver) => Pin::new(driver).poll(cx),
            Self::Other(other) => other.as_mut().poll(cx),
        }
    }
}
