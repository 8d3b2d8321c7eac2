//! Tasks of responders, kept for the next ask.

use crate::responders::{Responder, Task};

/// How many responders a connection keeps tasks for. A locator that makes a new responder for every
/// ask gains nothing from the pool, and must not fill it.
const RESPONDERS: usize = 64;
/// How many tasks it keeps for each.
const TASKS: usize = 64;

/// Tasks that have done their work and can do the next, by their responders.
#[derive(Default)]
pub(super) struct Pool {
    entries: Vec<Entry>,
    /// The entry that was used last: asks for the same command often follow each other.
    last: usize,
}

struct Entry {
    responder: Responder,
    /// The command it carries out, where that is always so.
    command: Vec<u8>,
    tasks: Vec<Box<dyn Task>>,
}

impl Pool {
    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The responder that was used last, if it always carries out this command.
    #[inline]
    pub(super) fn known(&self, command: &[u8]) -> Option<Responder> {
        let entry = self.entries.get(self.last)?;
        (entry.command == command && !command.is_empty()).then(|| entry.responder.clone())
    }

    /// Notes that a responder always carries out this command.
    pub(super) fn learn(&mut self, command: &[u8], responder: &Responder) {
        if let Some(entry) = self.entry(responder) {
            // The same one may stand in several sets, in each with another order.
            entry.responder = responder.clone();
            entry.command.clear();
            entry.command.extend_from_slice(command);
        } else if self.entries.len() < RESPONDERS {
            self.last = self.entries.len();
            self.entries.reserve_exact(1);
            self.entries.push(Entry {
                responder: responder.clone(),
                command: command.to_vec(),
                tasks: Vec::new(),
            });
        }
    }

    /// A task for an ask of `responder`.
    pub(super) fn take(&mut self, responder: &Responder) -> Box<dyn Task> {
        self.entry(responder)
            .and_then(|entry| entry.tasks.pop())
            .unwrap_or_else(|| responder.new_task())
    }

    /// Keeps a task that was reset or is done.
    pub(super) fn give(&mut self, responder: &Responder, task: Box<dyn Task>) {
        if let Some(entry) = self.entry(responder) {
            if entry.tasks.len() < TASKS {
                if entry.tasks.is_empty() {
                    // Most connections need one at a time.
                    entry.tasks.reserve_exact(1);
                }
                entry.tasks.push(task);
            }
        } else if self.entries.len() < RESPONDERS {
            self.entries.push(Entry {
                responder: responder.clone(),
                command: Vec::new(),
                tasks: vec![task],
            });
        } else {
            self.entries.clear();
        }
    }

    /// Drops all tasks, when the connection has nothing to do.
    pub(super) fn clear(&mut self) {
        self.entries = Vec::new();
    }

    fn entry(&mut self, responder: &Responder) -> Option<&mut Entry> {
        let is_last = self
            .entries
            .get(self.last)
            .is_some_and(|entry| entry.responder.is(responder));
        if !is_last {
            let found = self
                .entries
                .iter()
                .position(|entry| entry.responder.is(responder))?;
            self.last = found;
        }
        self.entries.get_mut(self.last)
    }
}
