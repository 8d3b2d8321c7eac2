//! Silence: peers that are gone, connections that nobody uses.

use std::time::Duration;

use tokio::time::Instant;

use super::options::Options;
use crate::end::EndReason;
use crate::transport::Side;

/// Watches a connection for silence.
///
/// It looks at the clock only when a time is over. In between it is told what happened, which costs as
/// little as setting a flag.
pub(super) struct Watch {
    keepalive: Option<Pace>,
    /// Something was received since it was last looked at.
    pub(super) heard: bool,
    /// A sign of life was asked for since.
    probed: bool,
    /// That there was none was reported.
    reported: bool,
    idle: Option<Pace>,
    /// It was used since the last look at that.
    used: bool,
    /// By when the first box has to be there, and how long that is.
    first_box: Option<(Instant, Duration)>,
}

/// Something to look at again and again.
#[derive(Clone, Copy)]
struct Pace {
    next: Instant,
    every: Duration,
}

impl Pace {
    fn new(every: Duration) -> Option<Self> {
        // What is too far away for the clock is as good as never.
        let next = Instant::now().checked_add(every)?;
        Some(Self { next, every })
    }

    /// Whether it is time; then the next one is set.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.next <= now;
        if is_due {
            self.next = now + self.every;
        }
        is_due
    }
}

/// What a connection is like when it is looked at.
pub(super) struct Sight {
    /// The peer may be silent: this side reads nothing now, or may not write.
    pub(super) is_paused: bool,
    /// The peer has answered a sign of life before.
    pub(super) answers: bool,
    /// A whole box has come.
    pub(super) began: bool,
    /// Something is under way, or was since the last look.
    pub(super) is_used: bool,
}

/// What silence leads to.
pub(super) enum Verdict {
    /// Ask for a sign of life.
    Probe,
    /// Tell the operator, who may know of a peer that never answers.
    Report(Duration),
    End(EndReason),
}

impl Watch {
    pub(super) fn new(options: &Options, side: Side) -> Self {
        let first_box = (options.first_box_timeout)
            .filter(|_| side == Side::Accepting)
            .and_then(|limit| Some((Instant::now().checked_add(limit)?, limit)));
        Self {
            keepalive: options.keepalive.and_then(Pace::new),
            heard: false,
            probed: false,
            reported: false,
            idle: options.idle_timeout.and_then(Pace::new),
            used: false,
            first_box,
        }
    }

    /// When to look next.
    pub(super) fn next(&self) -> Option<Instant> {
        let paces = self
            .keepalive
            .iter()
            .chain(&self.idle)
            .map(|pace| pace.next);
        paces.chain(self.first_box.map(|(by, _)| by)).min()
    }

    /// Looks.
    pub(super) fn look(&mut self, now: Instant, sight: &Sight) -> Option<Verdict> {
        if let Some((by, limit)) = self.first_box {
            if sight.began {
                self.first_box = None;
            } else if by <= now {
                return Some(Verdict::End(EndReason::NothingReceived(limit)));
            }
        }
        self.used |= sight.is_used;
        if let Some(idle) = &mut self.idle {
            if idle.is_due(now) && !std::mem::take(&mut self.used) {
                return Some(Verdict::End(EndReason::Idle(idle.every)));
            }
        }
        let keepalive = self.keepalive.as_mut()?;
        if !keepalive.is_due(now) {
            return None;
        }
        if std::mem::take(&mut self.heard) || sight.is_paused {
            (self.probed, self.reported) = (false, false);
            return None;
        }
        if !self.probed {
            self.probed = true;
            return Some(Verdict::Probe);
        }
        let silence = keepalive.every * 2;
        if sight.answers {
            return Some(Verdict::End(EndReason::Silent(silence)));
        }
        let is_news = !std::mem::replace(&mut self.reported, true);
        is_news.then_some(Verdict::Report(silence))
    }
}
