//! What both sides can do beyond AMP, where both are this crate.

use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Duration;

use amp_rpc_core::NoContext;
use amp_rpc_core::conversation::{CallId, Head, TimeLeft};
use amp_rpc_core::schema::CommandKind;
use tokio::time::Instant;

use super::payload::{Payload, Received};
use super::shared::{CallSlot, Shared, State, wake};
use crate::{Command, Fields};

/// What begins the names of the commands that are the connection's own.
pub(super) const PREFIX: &[u8] = b"_amp-rpc";

/// Asks what the peer can do, and says what this side can. Peers that do not know it answer that they do not, which is an
/// answer too.
#[derive(Command)]
#[amp(name = "_amp-rpc", response = Abilities, crate = crate)]
struct Probe {
    abilities: Option<Vec<String>>,
}

/// The names of what a side can do.
#[derive(Default, Fields)]
#[amp(crate = crate)]
pub(super) struct Abilities {
    abilities: Vec<String>,
}

/// Tells the peer that nobody waits for the answer to an ask any more.
#[derive(Command)]
#[amp(name = "_amp-rpc.cancel", no_answer, crate = crate)]
struct Cancel {
    /// Of the ask.
    tag: Vec<u8>,
}

/// Tells the peer that this side finishes, and takes no new asks.
#[derive(Command)]
#[amp(name = "_amp-rpc.leave", no_answer, crate = crate)]
struct Leave {}

const DEADLINE: &str = "deadline";
const CANCEL: &str = "cancel";
const LEAVE: &str = "leave";
const TRACEPARENT: &str = "traceparent";

/// A box for the connection itself.
pub(super) enum Own {
    /// The peer asks what this side can do, and says what it can.
    Probe(Abilities),
    /// Nobody waits for the answer to the ask with this tag.
    Cancel(Vec<u8>),
    /// The peer finishes.
    Leave,
}

impl Own {
    /// What an ask of the peer's with such a name is; `None` where it is unknown.
    pub(super) fn of(command: &[u8], view: &amp_rpc_core::wire::BoxView<'_>) -> Option<Self> {
        if command == Probe::NAME {
            let abilities = Probe::from_box(view, &mut NoContext).ok()?.abilities;
            return Some(Self::Probe(Abilities {
                abilities: abilities.unwrap_or_default(),
            }));
        }
        if command == Cancel::NAME {
            let cancel = Cancel::from_box(view, &mut NoContext).ok()?;
            return Some(Self::Cancel(cancel.tag));
        }
        if command == Leave::NAME {
            return Some(Self::Leave);
        }
        None
    }
}

impl Abilities {
    /// Those of this crate.
    pub(super) fn own() -> Self {
        Self {
            abilities: [CANCEL, DEADLINE, LEAVE, TRACEPARENT]
                .map(String::from)
                .into(),
        }
    }
}

/// What is known of the peer.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The probe that is not answered yet.
    probe: Option<CallId>,
    /// It was asked what it can do.
    asked: bool,
    /// It has answered a probe.
    pub(super) answers: bool,
    deadline: bool,
    cancel: bool,
    leave: bool,
    traceparent: bool,
    /// The peer finishes: it has said so.
    pub(super) leaves: bool,
    /// The peer was told that this side finishes.
    told_leave: bool,
    /// Somebody wants to know when the peer finishes.
    is_wanted: bool,
    /// Calls that were given up before that was known, if there were any.
    given_up: Option<Box<GivenUp>>,
}

#[derive(Debug, Default)]
struct GivenUp(Vec<CallId>);

impl Known {
    /// Whether the peer is asked for the first time, and has not answered.
    pub(super) fn is_untried(&self) -> bool {
        self.probe.is_some() && !self.answers
    }

    /// Whether this is the probe that is not answered yet.
    #[inline]
    pub(super) fn is_probe(&self, id: CallId) -> bool {
        self.probe == Some(id)
    }
}

/// How many of these are kept. It only spares the peer work.
const GIVEN_UP: usize = 256;

impl State {
    /// How many calls of the program's wait for their answers.
    pub(super) fn calls_waiting(&self) -> usize {
        self.asking.calls.waiting() - usize::from(self.known.probe.is_some())
    }

    /// Whether no call is kept, of the program's.
    pub(super) fn has_no_calls(&self) -> bool {
        self.asking.calls.len() == usize::from(self.known.probe.is_some())
    }

    /// Asks the peer what it can do; also a sign of life. Says whether anything was written.
    pub(super) fn probe(&mut self) -> bool {
        let Self { asking, out, .. } = self;
        if self.known.probe.is_some() {
            return false;
        }
        let slot = |place: &mut Option<CallSlot>| *place = Some(CallSlot::default());
        let head = Head::new(Probe::NAME, CommandKind::Plain);
        let probe = Probe {
            abilities: Some(Abilities::own().abilities),
        };
        let asked = asking.ask(head, &probe, slot, out, &mut NoContext);
        self.known.probe = asked.ok();
        self.known.asked |= self.known.probe.is_some();
        self.known.probe.is_some()
    }

    /// Nobody waits for the answer to a probe any more, since the connection has ended.
    pub(super) fn forget_probe(&mut self) {
        if let Some(id) = self.known.probe.take() {
            self.asking.calls.remove(id);
        }
    }

    /// Takes the answer to a probe, whatever it is.
    pub(super) fn probe_answered(&mut self, id: CallId, answer: &Received) {
        self.asking.calls.remove(id);
        self.known.probe = None;
        self.known.answers = true;
        match answer {
            Received::Answer(payload) => {
                self.known.learn(&read_abilities(payload));
                for id in self.known.given_up.take().unwrap_or_default().0 {
                    self.tell_canceled(id);
                }
            }
            // It may be busy now, and say more another time.
            Received::Error(payload) if is_busy(payload) => self.known.asked = false,
            _ => {}
        }
        self.known.given_up = None;
    }

    /// Finds out what the peer can do, if that is not known and would be of use.
    #[inline]
    pub(super) fn learn_for(&mut self, has_metadata: bool) {
        if has_metadata && !self.known.asked && self.asking.is_open() {
            self.probe();
        }
    }

    /// Takes what a peer says of itself that asks.
    pub(super) fn probed(&mut self, abilities: &Abilities) {
        if !abilities.abilities.is_empty() {
            self.known.asked = true;
            self.known.learn(abilities);
        }
    }

    /// Tells the peer that this side finishes, if it has said that it wants to know. Says whether anything was written.
    pub(super) fn tell_leave(&mut self) -> bool {
        if !self.known.leave || self.known.told_leave || !self.asking.is_open() {
            return false;
        }
        let Self { asking, out, .. } = self;
        let told = asking.tell(Leave::NAME, &Leave {}, out, &mut NoContext);
        self.known.told_leave = told.is_ok();
        self.known.told_leave
    }

    /// Lets the peer know that this side wants to be told when it finishes, if somebody wants that and the peer does not know. It
    /// cannot be said while the gate is shut, and a peer that was busy may not have heard. Says whether anything was
    /// written.
    pub(super) fn say_what_is_wanted(&mut self) -> bool {
        self.known.is_wanted && !self.known.asked && self.asking.is_open() && self.probe()
    }

    /// The time left for a call, where the peer wants to know it.
    #[inline]
    pub(super) fn time_left(&self, deadline: Option<Instant>) -> Option<TimeLeft> {
        let deadline = deadline.filter(|_| self.known.deadline)?;
        let left = deadline.saturating_duration_since(Instant::now());
        Some(TimeLeft::new(left.max(Duration::from_millis(1))))
    }

    /// Whether the peer wants to know the caller's span.
    #[inline]
    pub(super) fn wants_span(&self) -> bool {
        self.known.traceparent
    }

    /// Tells the peer that nobody waits for the answer to a call any more, if it wants to know. Says
    /// whether anything was written.
    pub(super) fn tell_canceled(&mut self, id: CallId) -> bool {
        if !self.asking.is_open() {
            return false;
        }
        if !self.known.asked || self.known.probe.is_some() {
            let GivenUp(given_up) = &mut **self.known.given_up.get_or_insert_default();
            if given_up.len() < GIVEN_UP {
                given_up.push(id);
            }
            return self.probe();
        }
        if !self.known.cancel {
            return false;
        }
        let cancel = Cancel {
            tag: id.tag().as_bytes().to_vec(),
        };
        let Self { asking, out, .. } = self;
        let told = asking.tell(Cancel::NAME, &cancel, out, &mut NoContext);
        told.is_ok()
    }
}

impl Shared {
    /// Lets the peer know that this side wants to be told when it finishes, unless it may know already.
    pub(crate) fn want_to_know(&self) {
        if !self.options.extends() {
            return;
        }
        let mut state = self.lock();
        state.known.is_wanted = true;
        let driver = if state.say_what_is_wanted() {
            self.wrote.store(true, Ordering::Release);
            state.sleeping.take()
        } else {
            None
        };
        drop(state);
        wake(driver);
    }

    /// Takes a call out of the table whose answer nobody wants any more.
    pub(crate) fn abandon(&self, id: CallId) {
        let mut wakers = Vec::new();
        let mut state = self.lock();
        let is_waiting = state.asking.calls.is_waiting(id);
        let slot = state.asking.calls.remove(id);
        self.counters.calls_given_up.add(u64::from(is_waiting));
        if is_waiting && self.options.extends() && state.tell_canceled(id) {
            self.wrote.store(true, Ordering::Release);
            wakers.extend(state.sleeping.take());
        }
        state.grant_room(self.options.max_queued, &mut wakers);
        wakers.extend(state.driver_to_finish());
        if state.sleeping.is_some() {
            state.rest(&self.reserved);
        }
        drop(state);
        // Dropping a waker may run foreign code: not under the lock.
        drop(slot);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Known {
    fn learn(&mut self, abilities: &Abilities) {
        let has = |name: &str| abilities.abilities.iter().any(|ability| ability == name);
        (self.deadline, self.cancel) = (has(DEADLINE), has(CANCEL));
        (self.leave, self.traceparent) = (has(LEAVE), has(TRACEPARENT));
    }
}

fn read_abilities(payload: &Payload) -> Abilities {
    Abilities::from_box(&payload.view(), &mut NoContext).unwrap_or_default()
}

fn is_busy(payload: &Payload) -> bool {
    let code = payload.view().get(b"_error_code");
    code.is_some_and(|code| code[..] == *amp_rpc_core::conversation::BUSY)
}
