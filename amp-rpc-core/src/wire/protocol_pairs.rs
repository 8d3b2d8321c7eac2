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

    pub(super) fn get(&self, index: usize) -> Option<(Key<'_>, &[u8])> {
        match (self, index) {
            (Self::Ask { tag, .. }, 0) => Some((protocol::ASK, tag.as_bytes())),
            (Self::Ask { command, .. }, 1) => Some((protocol::COMMAND, command)),
            (Self::Answer { tag }, 0) => Some((protocol::ANSWER, tag)),
            (Self::List(pairs), index) => pairs.get(index).copied(),
            _ => None,
        }
    }
}
