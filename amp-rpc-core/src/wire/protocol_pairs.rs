use super::{Key, Short, protocol};

/// Pairs of the protocol's keys, in ascending order.
#[derive(Clone, Copy)]
pub(crate) enum ProtocolPairs<'a> {
    /// Those of an ask that has no others, which is nearly every one.
    Ask { tag: Short, command: &'a [u8] },
    /// That of an answer.
    Answer { tag: &'a [u8] },
    /// Any.
    List(&'a [(Key<'a>, &'a [u8])]),
}

impl<'a> ProtocolPairs<'a> {
    #[inline]
    pub(super) fn len(self) -> usize {
        match self {
            Self::Ask { .. } => 2,
            Self::Answer { .. } => 1,
            Self::List(pairs) => pairs.len(),
        }
    }

    /// One of them. `room` is where a value lies that was none of anybody's before.
    pub(super) fn get<'b>(
        &'b self,
        index: usize,
        room: &'b mut [u8; Short::ROOM],
    ) -> Option<(Key<'b>, &'b [u8])> {
        match (self, index) {
            (Self::Ask { tag, .. }, 0) => {
                *room = tag.room();
                Some((protocol::ASK, &room[..tag.len()]))
            }
            (Self::Ask { command, .. }, 1) => Some((protocol::COMMAND, command)),
            (Self::Answer { tag }, 0) => Some((protocol::ANSWER, tag)),
            (Self::List(pairs), index) => pairs.get(index).copied(),
            _ => None,
        }
    }

    /// Whether one of them has that key.
    pub(super) fn has(&self, key: Key<'_>) -> bool {
        let mut room = [0; Short::ROOM];
        (0..self.len()).any(|index| self.get(index, &mut room).is_some_and(|it| it.0 == key))
    }
}
