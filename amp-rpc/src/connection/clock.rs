//! What a connection does because its time has come.

use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use tokio::time::Instant;

use super::carrier::{Carrier, Phase};
use super::desk::Desk;
use super::log;
use super::watch::{Sight, Verdict};
use crate::end::EndReason;

impl Carrier {
    /// Does what is due by the clock; says whether anything was.
    #[inline]
    pub(super) fn turn_clock(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> bool {
        // What the watch waits for only ever moves away, so a timer that was set to it and has not come is early enough.
        let is_early = desk.earliest.is_none() && desk.patience.is_none() && self.timer.is_ahead();
        !is_early && self.set_clock(desk, cx)
    }

    #[inline(never)]
    fn set_clock(&mut self, desk: &mut Desk, cx: &mut Context<'_>) -> bool {
        if !matches!(self.phase, Phase::Open(_) | Phase::Securing(_)) {
            return false;
        }
        let mut moment = self.watch.next();
        if desk.earliest.is_some() || desk.patience.is_some() {
            let moments = [moment, desk.earliest, desk.patience];
            moment = moments.into_iter().flatten().min();
        }
        if self.timer.poll(moment, cx).is_pending() {
            return false;
        }
        self.clock_strikes(desk);
        true
    }

    #[inline(never)]
    fn clock_strikes(&mut self, desk: &mut Desk) {
        let now = Instant::now();
        let extends = self.shared.options.extends();
        let mut state = self.shared.lock();
        let wakers = match desk.earliest {
            Some(earliest) if earliest <= now => state.expire(now, extends),
            _ => Vec::new(),
        };
        let sight = Sight {
            is_paused: !desk.dispatch.wants_more() || !state.asking.is_open(),
            answers: state.known.answers,
            began: desk.dispatch.began,
            is_used: std::mem::take(&mut desk.dispatch.is_used)
                | std::mem::take(&mut state.is_used)
                | state.is_under_way()
                | !desk.dispatch.is_idle(),
        };
        let next = self.watch.next();
        let verdict = self.watch.look(now, &sight, &self.shared.options);
        if matches!(verdict, Some(Verdict::Probe)) {
            state.probe();
        }
        if self.watch.next() != next {
            // A peer that is too busy to answer is not asked more often.
            state.say_what_is_wanted();
        }
        if !state.out.is_empty() {
            self.shared.wrote.store(true, Ordering::Release);
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        match verdict {
            Some(Verdict::End(reason)) => self.begin_end(desk, reason),
            Some(Verdict::Report(silence)) => log::silent(self.shared.addresses(), silence),
            Some(Verdict::Probe) | None => {}
        }
        if desk.patience.take_if(|patience| *patience <= now).is_some() {
            self.begin_end(desk, EndReason::ClosedHere);
        }
    }
}
