//! Asks that wait for others of their kind, where a set of responders wants one at a time.

use std::collections::{HashMap, VecDeque};

use amp_rpc_core::conversation::Tag;
use bytes::Bytes;

use crate::ask_context::Active;
use crate::descriptors::Reading;
use crate::responders::Responder;

/// For how many lines room is kept on a desk that is given back.
const KEPT: usize = 64;

/// The lines of one connection: in each, one ask is carried out and the others wait, in the order in which they came.
#[derive(Default)]
pub(super) struct Lines {
    lines: HashMap<Line, VecDeque<Held>>,
    held: usize,
}

/// Which line an ask stands in: a set of responders, and a key of the program's.
pub(super) type Line = (usize, Vec<u8>);

/// An ask that waits.
pub(super) struct Held {
    pub(super) tag: Option<Tag>,
    /// The whole box.
    pub(super) frame: Bytes,
    pub(super) responder: Responder,
    pub(super) active: Active,
    /// Keeps the descriptors that came with it.
    pub(super) _reading: Option<Reading>,
}

impl Lines {
    /// Whether an ask may start at once. Then its line is taken, until it [leaves](Self::leave).
    pub(super) fn enter(&mut self, line: &Line) -> bool {
        if self.lines.contains_key(line) {
            return false;
        }
        self.lines.insert(line.clone(), VecDeque::new());
        true
    }

    /// Lets an ask wait in a line that is taken.
    pub(super) fn hold(&mut self, line: Line, held: Held) {
        self.lines.entry(line).or_default().push_back(held);
        self.held += 1;
    }

    /// The next ask of a line whose ask is done, if one waits; otherwise the line is free.
    pub(super) fn leave(&mut self, line: &Line) -> Option<Held> {
        let next = self.lines.get_mut(line)?.pop_front();
        match next {
            Some(_) => self.held -= 1,
            None => drop(self.lines.remove(line)),
        }
        next
    }

    /// How many asks wait.
    pub(super) fn len(&self) -> usize {
        self.held
    }

    /// Notes that nobody waits for the answer to an ask. It is taken out where that stops its responder.
    pub(super) fn cancel_one(&mut self, tag: &[u8]) {
        let has_tag = |held: &Held| (held.tag.as_ref()).is_some_and(|it| it.as_bytes() == tag);
        for line in self.lines.values_mut() {
            let Some(place) = line.iter().position(has_tag) else {
                continue;
            };
            line[place].active.cancel();
            if line[place].responder.stops_when_canceled() {
                line.remove(place);
                self.held -= 1;
            }
            return;
        }
    }

    /// Tells all asks that wait that nobody waits for their answers.
    pub(super) fn cancel(&mut self) {
        let held = self.lines.values_mut().flatten();
        held.for_each(|held| held.active.cancel());
    }

    /// Gives much memory back, when no ask waits.
    pub(super) fn rest(&mut self) {
        if self.lines.capacity() > KEPT {
            self.lines = HashMap::new();
        }
    }

    /// Drops all asks that wait.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.held = 0;
    }
}
