//! Tasks of responders, kept for the next ask.

use amp_rpc_core::conversation::ExpectedAsk;
use amp_rpc_core::schema::CommandKind;
use amp_rpc_core::wire::{CommandPair, Front};

use crate::responders::{Responder, Task};

/// How many responders a connection keeps tasks for. A locator that makes a new responder for every
/// ask gains nothing from the pool, and must not fill it.
const RESPONDERS: usize = 64;
/// How many tasks it keeps for each.
const TASKS: usize = 64;
/// How many of them stay with a connection that has nothing to do.
const RESTING: usize = 4;

/// Tasks that have done their work and can do the next, by their responders.
#[derive(Default)]
pub(super) struct Pool {
    entries: Vec<Entry>,
    /// The entry that was used last: asks for the same command often follow each other.
    last: usize,
}

pub(super) struct Entry {
    pub(super) responder: Responder,
    /// The command that it carries out, where that is always so.
    command: Option<CommandPair>,
    /// These asks are carried out at once, and their answers do nothing to the connection.
    is_plain: bool,
    /// Tasks that have nothing to do.
    pub(super) tasks: Vec<Box<dyn Task>>,
    /// How many of them nobody needed since the pool last changed hands.
    unneeded: usize,
}

impl Entry {
    /// Where the arguments of an ask begin, if it is for this responder and is carried out at once.
    #[inline(always)]
    fn arguments_of<'a>(&self, ask: &ExpectedAsk<'a>) -> Option<Front<'a>> {
        match &self.command {
            Some(command) if self.is_plain => ask.arguments_of(command),
            _ => None,
        }
    }

    fn take(&mut self) -> Option<Box<dyn Task>> {
        let task = self.tasks.pop()?;
        self.unneeded = self.unneeded.min(self.tasks.len());
        Some(task)
    }

    fn keep(&mut self, most: usize) {
        self.tasks.truncate(most);
        self.unneeded = self.unneeded.min(self.tasks.len());
    }
}

impl Pool {
    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry that was used last.
    pub(super) fn last(&mut self) -> Option<&mut Entry> {
        self.entries.get_mut(self.last)
    }

    /// A task of the entry that was used last, with its responder.
    pub(super) fn take_last(&mut self) -> Option<(Box<dyn Task>, Responder)> {
        let entry = self.last()?;
        Some((entry.take()?, entry.responder.clone()))
    }

    /// The entry of a responder that always carries out this command.
    pub(super) fn of(&mut self, command: &[u8]) -> Option<&mut Entry> {
        let is_of = |entry: &Entry| {
            let known = entry.command.as_ref();
            known.is_some_and(|known| known.name() == command)
        };
        if !self.entries.get(self.last).is_some_and(is_of) {
            self.last = self.entries.iter().position(is_of)?;
        }
        self.entries.get_mut(self.last)
    }

    /// The entry of a responder that always carries out the command of this ask, at once, and where the arguments begin.
    #[inline]
    pub(super) fn of_ask<'a>(&mut self, ask: &ExpectedAsk<'a>) -> Option<(&mut Entry, Front<'a>)> {
        let last = self.entries.get(self.last);
        let arguments = match last.and_then(|entry| entry.arguments_of(ask)) {
            Some(arguments) => arguments,
            None => self.find_of_ask(ask)?,
        };
        Some((self.last()?, arguments))
    }

    #[inline(never)]
    fn find_of_ask<'a>(&mut self, ask: &ExpectedAsk<'a>) -> Option<Front<'a>> {
        let mut entries = self.entries.iter().enumerate();
        let (found, arguments) =
            entries.find_map(|(at, entry)| Some((at, entry.arguments_of(ask)?)))?;
        self.last = found;
        Some(arguments)
    }

    /// Notes that a responder always carries out this command.
    pub(super) fn learn(&mut self, command: &[u8], responder: &Responder) {
        let command = CommandPair::new(command);
        let is_plain = responder.order().is_none() && responder.kind() == CommandKind::Plain;
        if let Some(entry) = self.entry(responder) {
            // The same one may stand in several sets, in each with another order.
            entry.responder = responder.clone();
            entry.command = command;
            entry.is_plain = is_plain;
        } else if self.entries.len() < RESPONDERS {
            self.last = self.entries.len();
            self.entries.reserve_exact(1);
            self.entries.push(Entry {
                responder: responder.clone(),
                command,
                is_plain,
                tasks: Vec::new(),
                unneeded: 0,
            });
        }
    }

    /// A task for an ask of `responder`.
    pub(super) fn take(&mut self, responder: &Responder) -> Box<dyn Task> {
        self.entry(responder)
            .and_then(Entry::take)
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
                command: None,
                is_plain: false,
                tasks: vec![task],
                unneeded: 0,
            });
        } else {
            self.entries.clear();
        }
    }

    /// Drops what a burst of asks has left, when the connection that it stays with has nothing to do.
    pub(super) fn rest(&mut self) {
        for entry in &mut self.entries {
            entry.keep(RESTING);
        }
    }

    /// Drops one of those that were not needed since this was last called, where others were, when other connections may go on
    /// with the pool. What a burst of asks needed is there for the next one, and goes by and by where only smaller ones come.
    pub(super) fn settle(&mut self) {
        for entry in &mut self.entries {
            let kept = entry.tasks.len();
            if (1..kept).contains(&entry.unneeded) && kept > RESTING {
                entry.keep(kept - 1);
            }
            entry.unneeded = entry.tasks.len();
        }
    }

    /// Drops all tasks, when the connection has ended.
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

#[cfg(test)]
mod tests {
    use amp_rpc_core::AmpBox;

    use super::{Pool, RESTING};
    use crate::{Failure, Locator, Peer, Responder, Responders};

    fn responder() -> Responder {
        let responders = Responders::new().on_box("Echo", async |message: AmpBox, _: Peer| {
            Ok::<_, Failure>(message)
        });
        responders.locate(b"Echo").unwrap()
    }

    /// So many asks at once, for a connection that then has nothing to do; says how many tasks the pool has.
    fn burst(pool: &mut Pool, responder: &Responder, asks: usize) -> usize {
        let tasks: Vec<_> = (0..asks).map(|_| pool.take(responder)).collect();
        tasks
            .into_iter()
            .for_each(|task| pool.give(responder, task));
        pool.settle();
        pool.entry(responder).unwrap().tasks.len()
    }

    #[test]
    fn what_a_burst_needed_stays_for_the_next_one_and_goes_by_and_by() {
        let (mut pool, responder) = (Pool::default(), responder());
        assert_eq!(burst(&mut pool, &responder, 16), 16);
        assert_eq!(burst(&mut pool, &responder, 16), 16);
        // The connection had something else to do.
        assert_eq!(burst(&mut pool, &responder, 0), 16);
        assert_eq!(burst(&mut pool, &responder, 1), 15);
        assert_eq!(burst(&mut pool, &responder, 15), 15);
        for _ in 0..16 {
            burst(&mut pool, &responder, 1);
        }
        assert_eq!(burst(&mut pool, &responder, 1), RESTING);
    }
}
