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
    /// When to look next whether something was received.
    keepalive: Option<Instant>,
    /// What few programs ask for.
    rare: Option<Box<Rare>>,
    /// Something was received since it was last looked at.
    pub(super) heard: bool,
    /// A sign of life was asked for since.
    probed: bool,
    /// That there was none was reported.
    reported: bool,
    /// It was used since the last look at that.
    used: bool,
}

/// Moments that only some options lead to.
struct Rare {
    /// When to look next whether it was used.
    idle: Option<Instant>,
    /// By when the first box has to be there.
    first_box: Option<Instant>,
}

/// The moment in so long. What is too far away for the clock is as good as never.
fn in_time(every: Duration) -> Option<Instant> {
    Instant::now().checked_add(every)
}

/// Whether it is time to look; then the next time is set.
fn is_due(next: &mut Instant, every: Duration, now: Instant) -> bool {
    let is_due = *next <= now;
    if is_due {
        *next = now + every;
    }
    is_due
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
        let idle = options.idle_timeout.and_then(in_time);
        let first_box = (options.first_box_timeout)
            .filter(|_| side == Side::Accepting)
            .and_then(in_time);
        Self {
            keepalive: options.keepalive().and_then(in_time),
            rare: (idle.is_some() || first_box.is_some())
                .then(|| Box::new(Rare { idle, first_box })),
            heard: false,
            probed: false,
            reported: false,
            used: false,
        }
    }

    /// When to look next.
    #[inline]
    pub(super) fn next(&self) -> Option<Instant> {
        match &self.rare {
            None => self.keepalive,
            Some(rare) => [self.keepalive, rare.idle, rare.first_box]
                .into_iter()
                .flatten()
                .min(),
        }
    }

    /// Looks.
    pub(super) fn look(
        &mut self,
        now: Instant,
        sight: &Sight,
        options: &Options,
    ) -> Option<Verdict> {
        self.used |= sight.is_used;
        if let Some(rare) = &mut self.rare {
            if let (Some(by), Some(limit)) = (rare.first_box, options.first_box_timeout) {
                if sight.began {
                    rare.first_box = None;
                } else if by <= now {
                    return Some(Verdict::End(EndReason::NothingReceived(limit)));
                }
            }
            if let (Some(next), Some(every)) = (&mut rare.idle, options.idle_timeout) {
                if is_due(next, every, now) && !std::mem::take(&mut self.used) {
                    return Some(Verdict::End(EndReason::Idle(every)));
                }
            }
        }
        let every = options.keepalive()?;
        if !is_due(self.keepalive.as_mut()?, every, now) {
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
        let silence = every * 2;
        if sight.answers {
            return Some(Verdict::End(EndReason::Silent(silence)));
        }
        let is_news = !std::mem::replace(&mut self.reported, true);
        is_news.then_some(Verdict::Report(silence))
    }
}
