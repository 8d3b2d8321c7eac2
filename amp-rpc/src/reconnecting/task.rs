//! The task that connects again and again.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::time::{Instant, sleep, timeout};

use super::backoff::Waits;
use super::core::{Core, Work};
use super::error::AttemptError;
use super::log;
use super::options::Hook;
use super::race::{Won, race};
use super::state::ReconnectingState;
use crate::amp::Amp;
use crate::connection::Closing;
use crate::end::EndReason;
use crate::endpoint::ConnectEndpoint;
use crate::peer::Peer;
use crate::responders::guard;

/// What every attempt needs.
pub(super) struct Task {
    pub(super) core: Arc<Core>,
    pub(super) amp: Amp,
    pub(super) endpoint: ConnectEndpoint,
    pub(super) hook: Option<Hook>,
}

impl Task {
    pub(super) async fn run(self) {
        let _end = End(&self.core);
        let mut left = Left::default();
        self.connect(&mut left).await;
        // Calls learn at once that there will be no other connection.
        self.core.enter(ReconnectingState::Closed);
        left.finish(&self.core).await;
    }

    /// Connects, again and again, until no connection is needed any more.
    async fn connect(&self, left: &mut Left) {
        let mut waits = Waits::new(self.core.options.backoff.clone());
        let mut attempt = 1;
        let mut last_error = None;
        loop {
            self.core.enter(ReconnectingState::Connecting {
                attempt,
                last_error: last_error.take(),
            });
            let Won::Second(attempted) = race(self.done(), self.attempt()).await else {
                return;
            };
            let error = match attempted {
                Ok(connection) => {
                    log::connected(&self.endpoint);
                    let (stayed, is_good) = self.stay(connection, &mut waits).await;
                    if is_good {
                        attempt = 0;
                    }
                    match stayed {
                        Stayed::Left(connection) => {
                            left.keep(connection);
                            AttemptError::Left
                        }
                        Stayed::Ended(reason) => AttemptError::Ended(reason),
                    }
                }
                Err(error) => error,
            };
            if self.core.work.borrow().is_done() {
                return;
            }
            if attempt == 0 && matches!(error, AttemptError::Left) {
                // The service goes on elsewhere: nothing was lost that would need a pause.
                attempt = 1;
                continue;
            }
            let delay = waits.next();
            log::failed(&self.endpoint, &error, delay, attempt);
            self.core.enter(ReconnectingState::Waiting {
                attempt,
                delay,
                last_error: error.clone(),
            });
            if let Won::First(_) = race(self.done(), sleep(delay)).await {
                return;
            }
            last_error = Some(error);
            attempt = attempt.saturating_add(1);
        }
    }

    /// Waits until no connection is needed any more.
    async fn done(&self) {
        self.core.until(Work::is_done).await;
    }

    /// Connects, and makes the connection ready.
    async fn attempt(&self) -> Result<Fresh, AttemptError> {
        let connected = self.endpoint.connect().await;
        let transport = connected.map_err(|error| AttemptError::Connect(Arc::new(error)))?;
        let peer = guard(|| self.amp.start(transport))
            .map_err(|message| AttemptError::Panicked { message })?;
        let connection = Fresh(peer);
        let Some(hook) = &self.hook else {
            return Ok(connection);
        };
        let mut running = guard(|| hook(connection.0.clone()))
            .map_err(|message| AttemptError::Panicked { message })?;
        // A panic ends the attempt, not the task.
        let guarded = poll_fn(|cx| match guard(|| running.as_mut().poll(cx)) {
            Ok(polled) => polled.map(|done| done.map_err(|error| AttemptError::Hook(error.into()))),
            Err(message) => Err(AttemptError::Panicked { message }).into(),
        });
        let limit = self.core.options.hook_timeout();
        match race(timeout(limit, guarded), connection.0.ended()).await {
            Won::First(Ok(done)) => done?,
            Won::First(Err(_)) => return Err(AttemptError::HookTimedOut { limit }),
            Won::Second(reason) => return Err(AttemptError::Ended(reason)),
        }
        Ok(connection)
    }

    /// Lets calls use a connection until it ends or its peer leaves, and says whether it had lasted.
    async fn stay(&self, connection: Fresh, waits: &mut Waits) -> (Stayed, bool) {
        let began = Instant::now();
        let peer = connection.0.clone();
        self.core.enter(ReconnectingState::Connected(peer.clone()));
        let may_finish = self.core.until(Work::may_finish);
        let reason = match race(peer.leaving(), may_finish).await {
            Won::First(()) => match peer.end_reason() {
                Some(reason) => reason,
                None => {
                    let is_good = waits.has_lasted(began.elapsed());
                    return (Stayed::Left(connection), is_good);
                }
            },
            Won::Second(closing) => {
                if closing == Closing::Finish {
                    peer.finish();
                }
                let closes = self.core.until(|work| work.closing == Closing::Flush);
                if let Won::Second(_) = race(peer.ended(), closes).await {
                    peer.close();
                }
                peer.ended().await
            }
        };
        let is_good = waits.has_lasted(began.elapsed());
        if self.core.work.borrow().is_done() {
            // Calls learn at once that there will be no other connection.
            self.core.enter(ReconnectingState::Closed);
            peer.closed().await;
        }
        (Stayed::Ended(reason), is_good)
    }
}

/// How a connection ended for new calls.
enum Stayed {
    Ended(EndReason),
    /// Its peer takes no new ones, and still answers those under way.
    Left(Fresh),
}

/// Connections whose peers have left: they end by themselves, or with the reconnecting peer.
#[derive(Default)]
struct Left(Vec<Fresh>);

impl Left {
    fn keep(&mut self, connection: Fresh) {
        connection.0.finish();
        self.0.retain(|kept| kept.0.end_reason().is_none());
        self.0.push(connection);
    }

    /// Waits until they have ended, or the reconnecting peer is to close at once.
    async fn finish(&self, core: &Core) {
        for connection in &self.0 {
            let closes = core.until(|work| work.closing == Closing::Flush);
            race(connection.0.closed(), closes).await;
        }
    }
}

/// A connection of this task's, which is closed when it is done with it, whoever else holds it: it failed to become
/// ready, or it has ended.
struct Fresh(Peer);

impl Drop for Fresh {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Tells everybody of the end, also when the runtime shuts down.
struct End<'a>(&'a Core);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.enter(ReconnectingState::Closed);
        self.0.work.send_modify(|work| {
            work.closing = Closing::Flush;
            work.is_gone = true;
        });
    }
}
