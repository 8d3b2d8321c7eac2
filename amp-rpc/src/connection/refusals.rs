//! Refusals on their way out, which a peer should read.

use std::collections::VecDeque;

/// Refusals that are not written yet: how many bytes, and where they end in all that is written.
///
/// Those near each other are kept as one.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    groups: VecDeque<Group>,
    bytes: usize,
}

#[derive(Debug)]
struct Group {
    begin: u64,
    end: u64,
    bytes: usize,
}

/// How far a group of them reaches.
const NEAR: u64 = 64 * 1024;

impl Refusals {
    /// How many bytes of them are not written.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds one of so many bytes, which ends at that place in all that is written.
    pub(super) fn add(&mut self, bytes: usize, end: u64) {
        self.bytes += bytes;
        match self.groups.back_mut() {
            Some(last) if end < last.begin + NEAR => {
                last.end = end;
                last.bytes += bytes;
            }
            _ => self.groups.push_back(Group {
                begin: end.saturating_sub(bytes as u64),
                end,
                bytes,
            }),
        }
    }

    /// Notes that so many bytes are written in all.
    #[inline]
    pub(super) fn written(&mut self, sent: u64) {
        while let Some(group) = self.groups.front() {
            if group.end > sent {
                return;
            }
            self.bytes -= group.bytes;
            self.groups.pop_front();
        }
    }

    /// Gives memory back that another connection need not have.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_count_that_are_not_written() {
        let mut refusals = Refusals::default();
        let mut end = 0;
        for _ in 0..10_000 {
            end += 100;
            refusals.add(40, end);
        }
        assert_eq!(refusals.bytes(), 400_000);
        assert!(refusals.groups.len() <= 16, "{}", refusals.groups.len());
        refusals.written(500_000);
        // What is left of a group counts as a whole.
        assert!((200_000..=200_000 + 40 * 656).contains(&refusals.bytes()));
        refusals.written(end);
        assert_eq!(refusals.bytes(), 0);
        refusals.add(7, end + 7);
        assert_eq!(refusals.bytes(), 7);
    }
}
