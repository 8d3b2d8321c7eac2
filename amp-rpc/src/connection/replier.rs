//! Answers on their way from a responder to what is written.

use std::fmt;

use amp_rpc_core::conversation::{Answering, Ask, BUSY, Boundary, Outcome, Replied};
use amp_rpc_core::schema::{CommandKind, Errors};

use super::context::ConnectionContext;
use super::crossing::Asker;
use super::log;
use super::outgoing::Outgoing;
use super::shared::Shared;
use crate::responders::Reply;

/// Encodes a responder's outcome straight into the outgoing buffer.
pub(super) struct Replier<'a> {
    pub(super) answering: &'a mut Answering,
    pub(super) outgoing: &'a mut Outgoing,
    pub(super) shared: &'a Shared,
    pub(super) ask: &'a Ask,
    pub(super) replied: Option<Replied>,
}

impl Replier<'_> {
    /// Notes that the responder begins to carry the ask out.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.answering.begin(self.ask);
    }
}

impl Reply for Replier<'_> {
    fn reply(&mut self, errors: &Errors, outcome: Outcome<'_>) {
        let counters = &self.shared.counters;
        let is_answer = matches!(outcome, Outcome::Answered(_));
        match outcome {
            // It may not be possible.
            Outcome::Answered(_) => {}
            Outcome::Remote(error) if error.code == BUSY => counters.asks_refused.add(1),
            Outcome::Declared { .. } | Outcome::Remote(_) => counters.asks_failed.add(1),
            Outcome::BadArguments(..) => counters.asks_malformed.add(1),
            Outcome::Unhandled(_) => counters.asks_unhandled.add(1),
            // It is a fault, and counted as one.
            Outcome::Unexpected(_) => {}
        }
        if self.ask.decides() {
            let replied = self.decide(errors, outcome);
            if is_answer && crosses(&replied) {
                counters.asks_answered.add(1);
            }
            self.replied = Some(replied);
            return;
        }
        if self.ask.tag.is_some() {
            self.outgoing.before_answer(self.shared);
        }
        let mut context = ConnectionContext::new(self.shared);
        let Outgoing {
            answers,
            answers_beside,
            ..
        } = self.outgoing;
        let at = answers.len();
        let replied = self
            .answering
            .reply(self.ask, errors, outcome, answers, &mut context);
        context.written(at, answers_beside);
        if is_answer && replied.fault.is_none() {
            counters.asks_answered.add(1);
        }
        self.replied = Some(replied);
        if self.ask.kind == CommandKind::ProtocolSwitch {
            // It wanted no answer, so nothing is switched.
            let unused = self.shared.lock().forget_on_switch();
            drop(unused);
        }
    }
}

impl Replier<'_> {
    /// Answers an ask for TLS or another protocol. Nothing may be written behind a grant, so no call
    /// may come between the answer and the shutting of the gate.
    #[cold]
    fn decide(&mut self, errors: &Errors, outcome: Outcome<'_>) -> Replied {
        let printed;
        let outcome = match outcome {
            Outcome::Unexpected(error) => {
                printed = Printed::of(error);
                Outcome::Unexpected(&printed)
            }
            outcome => outcome,
        };
        let mut has_no_tls = false;
        let mut state = self.shared.lock();
        self.outgoing.commit_all(self.shared, &mut state);
        let is_granted = matches!(outcome, Outcome::Answered(_));
        let is_switch = self.ask.kind == CommandKind::ProtocolSwitch;
        let mut context = ConnectionContext::new(self.shared);
        let answers = &mut self.outgoing.answers;
        let at = answers.len();
        if state.asking.is_undecided() {
            let replied = (self.answering).refuse_crossing(self.ask, answers, &mut context);
            self.outgoing.release_refusal();
            self.shared.counters.asks_refused.add(u64::from(is_granted));
            let unused = state.forget_on_switch();
            drop(state);
            drop(unused);
            return replied;
        }
        let replied = if is_granted && is_switch && !state.has_on_switch() {
            let nobody = "the responder granted a switch, but nobody takes the stream: it has to call \
                          Peer::on_switch";
            let outcome = Outcome::Unexpected(&nobody);
            (self.answering).reply(self.ask, errors, outcome, answers, &mut context)
        } else if is_granted && !is_switch && !self.shared.can_start_tls(&state, Asker::Peer) {
            self.shared.counters.asks_failed.add(1);
            has_no_tls = true;
            (self.answering).reply_start_tls(self.ask, false, answers, &mut context)
        } else {
            (self.answering).reply(self.ask, errors, outcome, answers, &mut context)
        };
        context.written(at, &mut self.outgoing.answers_beside);
        self.outgoing.commit_all(self.shared, &mut state);
        let unused = if crosses(&replied) {
            state.asking.pass();
            None
        } else {
            state.forget_on_switch()
        };
        drop(state);
        drop(unused);
        if has_no_tls {
            log::no_tls(self.shared.addresses());
        }
        replied
    }
}

/// What an error prints, in both forms: to print it is the program's code, which should not run under the lock.
struct Printed {
    short: String,
    long: String,
}

impl Printed {
    fn of(error: &dyn fmt::Display) -> Self {
        Self {
            short: error.to_string(),
            long: format!("{error:#}"),
        }
    }
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() {
            &self.long
        } else {
            &self.short
        })
    }
}

/// Whether the stream goes on as something else behind it.
fn crosses(replied: &Replied) -> bool {
    matches!(
        replied.boundary,
        Some(Boundary::StartTls | Boundary::Switch)
    )
}
