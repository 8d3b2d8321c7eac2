//! The task that owns a connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use super::carrier::{Carrier, Phase, Turn};
use super::desk::{Desk, Left};
use super::located::Located;
use super::shared::{Carried, Closing, Shared};
use crate::end::EndReason;

/// How often the driver goes round before it lets other tasks run.
const ROUNDS: usize = 16;
/// How much it reads before it lets other tasks run. Tokio looks at the sockets after every few dozen turns, so all that
/// is read in them may come before a small box on another connection.
const READ_IN_A_ROW: u64 = 64 * 1024;

/// The future that carries a connection: it reads, starts responders and polls them, hands answers to
/// callers, and writes.
///
/// It has its [`Carrier`] take one turn after the other until nothing is left to do.
///
/// It is small, since idle connections consist of little else: what it works with is on a [`Desk`].
pub(crate) struct Driver {
    seat: Seat,
    carrier: Carrier,
}

/// Where a driver is.
enum Seat {
    At(Box<Desk>),
    /// It has nothing to do, though calls may wait for their answers; or it lets others run.
    Away(Left),
    /// It is on its way from one to the other, or done.
    Between,
}

/// How a driver sleeps.
enum Break {
    /// Something is under way that stays on its desk.
    AtDesk,
    /// Nothing is, or only calls that wait for their answers.
    Away,
}

impl Driver {
    pub(crate) fn new(carried: Carried, shared: Arc<Shared>, locator: Arc<Located>) -> Self {
        Self {
            seat: Seat::Away(Left::new(locator)),
            carrier: Carrier::new(carried, shared),
        }
    }
}

impl Seat {
    /// Gives the desk back, which is clear.
    fn leave(&mut self, rests: bool) {
        let Self::At(desk) = std::mem::replace(self, Self::Between) else {
            return;
        };
        if let Some(left) = desk.leave(rests) {
            *self = Self::Away(left);
        }
    }
}

impl Carrier {
    /// Whether the driver may do without its desk while others run: many connections then get by with few desks.
    fn may_leave(&self, desk: &Desk) -> bool {
        !self.shared.reserved.is_reserved()
            && matches!(self.phase, Phase::Open(_))
            && !desk.incoming.is_bulk()
            && desk.is_clear()
    }

    /// Prepares to sleep; `None` when there is something to do after all.
    fn sleep(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> Option<Break> {
        if !desk.dispatch.sleep(cx.waker()) {
            return None;
        }
        #[cfg(feature = "metrics")]
        self.publisher.publish(&self.shared.counters);
        let mut state = self.shared.lock();
        let is_open = matches!(self.phase, Phase::Open(_));
        if !is_open && !matches!(self.phase, Phase::Securing(_)) {
            return Some(Break::AtDesk);
        }
        if self.shared.wrote.load(Ordering::Acquire) && desk.dispatch.outgoing.is_empty() {
            return None;
        }
        let may_finish = state.closing == Closing::Finish
            && is_open
            && !state.is_under_way()
            && desk.dispatch.is_idle();
        let is_sooner = state
            .earliest
            .is_some_and(|at| desk.earliest.is_none_or(|set| at < set));
        if state.closing != desk.closing || may_finish || is_sooner {
            return None;
        }
        let reserved = &self.shared.reserved;
        state.rest(reserved);
        let is_away =
            !reserved.is_reserved() && is_open && desk.may_rest(&state) && desk.is_clear();
        if !is_away && desk.dispatch.outgoing.is_clear() {
            desk.dispatch.outgoing.give_large();
        }
        match &mut state.sleeping {
            Some(known) => known.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Some(if is_away { Break::Away } else { Break::AtDesk })
    }

    /// Goes round at a desk until there is nothing to do, or others should run.
    fn work(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> Poll<Option<Break>> {
        let enough = desk.incoming.received + READ_IN_A_ROW;
        let mut looks = std::mem::take(&mut self.was_interrupted);
        for _ in 0..ROUNDS {
            match self.turn(desk, cx, std::mem::take(&mut looks)) {
                Turn::Busy if desk.incoming.received >= enough => break,
                Turn::Busy => {}
                Turn::Yield => break,
                Turn::Idle => {
                    looks = true;
                    if matches!(self.phase, Phase::Gone) && desk.dispatch.is_idle() {
                        return Poll::Ready(None);
                    }
                    if self.turn_clock(desk, cx) {
                        continue;
                    }
                    if let Some(rest) = self.sleep(desk, cx) {
                        return Poll::Ready(Some(rest));
                    }
                }
            }
        }
        // Much comes in; what is due by the clock does not wait until it ends.
        self.turn_clock(desk, cx);
        Poll::Pending
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { seat, carrier } = &mut *self;
        let span = carrier.span.clone();
        let _entered = span.enter();
        if !matches!(seat, Seat::At(_)) {
            let Seat::Away(left) = std::mem::replace(seat, Seat::Between) else {
                return Poll::Ready(());
            };
            *seat = Seat::At(Desk::take(&carrier.shared, left));
        }
        let Seat::At(desk) = seat else {
            return Poll::Ready(());
        };
        match carrier.work(desk, cx) {
            Poll::Ready(Some(Break::AtDesk)) => {}
            Poll::Pending => {
                carrier.was_interrupted = true;
                cx.waker().wake_by_ref();
                if carrier.may_leave(desk) {
                    seat.leave(false);
                }
            }
            Poll::Ready(Some(Break::Away)) => seat.leave(true),
            Poll::Ready(None) => {
                *seat = Seat::Between;
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl Drop for Driver {
    /// A driver that is dropped, as when its runtime shuts down, ends the connection for its callers.
    fn drop(&mut self) {
        let Carrier { shared, .. } = &self.carrier;
        let mut state = shared.lock();
        let ended = match state.end {
            Some(_) => None,
            None => Some(state.end(EndReason::ClosedHere)),
        };
        drop(state);
        if let Some(ended) = ended {
            shared.tell_end();
            ended.tell();
        }
        shared.tell_closed();
        #[cfg(feature = "metrics")]
        self.carrier
            .publisher
            .publish(&self.carrier.shared.counters);
    }
}
