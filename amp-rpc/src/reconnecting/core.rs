//! What the handles, the calls and the task of a reconnecting peer share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::error::{AttemptError, NotConnected};
use super::options::Options;
use super::state::ReconnectingState;
use crate::connection::Closing;
use crate::peer::Peer;

pub(super) struct Core {
    pub(super) options: Options,
    /// The time that calls of its connections have by default.
    pub(super) call_timeout: Option<Duration>,
    pub(super) state: watch::Sender<ReconnectingState>,
    /// There is a connection, or there will be none: wakes those who wait in the order in which they came.
    connected: Notify,
    pub(super) work: watch::Sender<Work>,
    /// Calls that wait for a connection.
    waiting: AtomicUsize,
}

/// What is still to be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    pub(super) closing: Closing,
    /// Calls under way.
    pub(super) calls: usize,
    /// Those of them that are on no connection.
    pub(super) unplaced: usize,
    /// The last connection is closed.
    pub(super) is_gone: bool,
}

impl Work {
    /// Whether no connection is needed any more.
    pub(super) fn is_done(&self) -> bool {
        match self.closing {
            Closing::No => false,
            Closing::Finish => self.calls == 0,
            Closing::Flush => true,
        }
    }

    /// Whether a connection may finish: every call under way is on it.
    pub(super) fn may_finish(&self) -> bool {
        match self.closing {
            Closing::No => false,
            Closing::Finish => self.unplaced == 0,
            Closing::Flush => true,
        }
    }
}

/// Why there is no connection for a call.
pub(super) enum Unavailable {
    Closed,
    NotConnected(NotConnected),
}

impl Core {
    pub(super) fn new(options: Options, call_timeout: Option<Duration>) -> Self {
        Self {
            options,
            call_timeout,
            state: watch::Sender::new(ReconnectingState::Connecting {
                attempt: 1,
                last_error: None,
            }),
            connected: Notify::new(),
            work: watch::Sender::new(Work {
                closing: Closing::No,
                calls: 0,
                unplaced: 0,
                is_gone: false,
            }),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Goes over to another state.
    pub(super) fn enter(&self, state: ReconnectingState) {
        if matches!(*self.state.borrow(), ReconnectingState::Closed) {
            return;
        }
        let is_final = matches!(
            state,
            ReconnectingState::Connected(_) | ReconnectingState::Closed
        );
        // The old one may hold the last handle to a connection, which is dropped here, outside the lock.
        drop(self.state.send_replace(state));
        if is_final {
            self.connected.notify_waiters();
        }
    }

    pub(super) fn close(&self, how: Closing) {
        self.work.send_if_modified(|work| {
            let more = how > work.closing;
            work.closing = work.closing.max(how);
            more
        });
    }

    /// Waits until there is something to be done for the end, and says how the peer is to end.
    pub(super) async fn until(&self, is_so: impl Fn(&Work) -> bool) -> Closing {
        let mut work = self.work.subscribe();
        // The sender is borrowed meanwhile, so it is not gone.
        match work.wait_for(|work| is_so(work)).await {
            Ok(work) => work.closing,
            Err(_) => Closing::Flush,
        }
    }

    /// Changes the numbers of calls. Only while the peer finishes does anybody wait for them.
    fn count(&self, change: impl FnOnce(&mut Work)) {
        self.work.send_if_modified(|work| {
            change(work);
            work.closing == Closing::Finish
        });
    }

    /// The connection, if one is open; or that there will be none.
    fn ready(&self) -> Option<Result<Peer, Unavailable>> {
        if self.work.borrow().closing == Closing::Flush {
            return Some(Err(Unavailable::Closed));
        }
        let peer = match &*self.state.borrow() {
            ReconnectingState::Connected(peer) => peer.clone(),
            ReconnectingState::Closed => return Some(Err(Unavailable::Closed)),
            _ => return None,
        };
        // The task may not have noticed yet that it has ended.
        peer.end_reason().is_none().then_some(Ok(peer))
    }

    /// Waits for a connection that is open, without a limit. Cancel-safe.
    pub(super) async fn connected(&self) -> Option<Peer> {
        loop {
            let connected = self.connected.notified();
            if let Some(ready) = self.ready() {
                return ready.ok();
            }
            connected.await;
        }
    }

    /// A connection for a call, for which it waits as the options say. `waited` is how long it has waited before.
    pub(super) async fn connection(&self, waited: &mut Duration) -> Result<Peer, Unavailable> {
        if let Some(ready) = self.ready() {
            return ready;
        }
        if self.options.fails_fast() {
            let last_error = self.last_error();
            let error = NotConnected::FailedFast { last_error };
            return Err(Unavailable::NotConnected(error));
        }
        let Some(_place) = Place::take(self) else {
            return Err(Unavailable::NotConnected(NotConnected::QueueFull {
                max: self.options.max_waiting(),
                last_error: self.last_error(),
            }));
        };
        let limit = self.options.max_wait();
        let began = Instant::now();
        let connected = timeout(limit.saturating_sub(*waited), self.connected()).await;
        *waited = waited.saturating_add(began.elapsed());
        match connected {
            Ok(Some(peer)) => Ok(peer),
            Ok(None) => Err(Unavailable::Closed),
            Err(_) => Err(Unavailable::NotConnected(NotConnected::WaitedTooLong {
                limit,
                last_error: self.last_error(),
            })),
        }
    }

    fn last_error(&self) -> Option<AttemptError> {
        let peer = match &*self.state.borrow() {
            ReconnectingState::Connected(peer) => peer.clone(),
            state => return state.last_error().cloned(),
        };
        // It has ended, which the task has not noticed yet.
        peer.end_reason().map(AttemptError::Ended)
    }
}

/// A place among the calls that wait for a connection.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(core: &'a Core) -> Option<Self> {
        let max = core.options.max_waiting();
        let more = |waiting| (waiting < max).then_some(waiting + 1);
        core.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Self(&core.waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call under way, for those who wait until there is none.
pub(super) struct UnderWay<'a> {
    core: &'a Core,
    is_placed: bool,
}

impl<'a> UnderWay<'a> {
    pub(super) fn new(core: &'a Core) -> Self {
        core.count(|work| {
            work.calls += 1;
            work.unplaced += 1;
        });
        Self {
            core,
            is_placed: false,
        }
    }

    /// Notes that a connection has it now.
    pub(super) fn place(&mut self) {
        if !self.is_placed {
            self.is_placed = true;
            self.core.count(|work| work.unplaced -= 1);
        }
    }

    /// Notes that the connection has ended.
    pub(super) fn displace(&mut self) {
        if self.is_placed {
            self.is_placed = false;
            self.core.count(|work| work.unplaced += 1);
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let unplaced = usize::from(!self.is_placed);
        self.core.count(|work| {
            work.calls -= 1;
            work.unplaced -= unplaced;
        });
    }
}
