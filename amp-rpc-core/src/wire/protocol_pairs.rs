use super::{Key, Prefix, Short, protocol};

/// The longest name of a command, or tag of the peer's, that [`ProtocolPairs::put`] takes where there is nothing besides.
const LONGEST: usize = 32;

/// How much room that gets, which is all that others may take.
pub(super) const PROTOCOL_ROOM: usize = 8 + Short::ROOM + 12 + LONGEST;

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
    /// Whether these can be put in that room, and none of their values is longer than the limit.
    #[inline(always)]
    pub(super) fn fits(&self, value_bytes: usize) -> bool {
        let longest = match self {
            Self::Ask { tag, command } => tag.len().max(command.len()),
            Self::Answer { tag } => tag.len(),
            Self::List([]) => 0,
            Self::List(pairs) => return list_fits(pairs, value_bytes),
        };
        longest <= value_bytes.min(LONGEST)
    }

    /// Puts those that fit at the front of that much room. Says where they end.
    #[inline(always)]
    pub(super) fn put(&self, place: &mut [u8; PROTOCOL_ROOM]) -> usize {
        match *self {
            Self::Ask { tag, command } => {
                let (second, name) = (8 + tag.len(), 8 + tag.len() + 12);
                Prefix::ASK.put(place, tag.len());
                // All its room, since that is a size that is known.
                place[8..8 + Short::ROOM].copy_from_slice(&tag.room());
                Prefix::COMMAND.put(&mut place[second..], command.len());
                place[name..][..command.len()].copy_from_slice(command);
                name + command.len()
            }
            Self::Answer { tag } => {
                Prefix::ANSWER.put(place, tag.len());
                place[11..][..tag.len()].copy_from_slice(tag);
                11 + tag.len()
            }
            Self::List([]) => 0,
            Self::List(pairs) => put_list(pairs, place),
        }
    }

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

#[inline(never)]
fn list_fits(pairs: &[(Key<'_>, &[u8])], value_bytes: usize) -> bool {
    let sizes = (pairs.iter()).map(|(key, value)| key.prefixed().len() + 2 + value.len());
    sizes.sum::<usize>() <= PROTOCOL_ROOM
        && pairs.iter().all(|(_, value)| value.len() <= value_bytes)
}

#[inline(never)]
fn put_list(pairs: &[(Key<'_>, &[u8])], place: &mut [u8; PROTOCOL_ROOM]) -> usize {
    let mut end = 0;
    for (key, value) in pairs {
        let length = (value.len() as u16).to_be_bytes();
        for part in [key.prefixed(), &length, value] {
            place[end..][..part.len()].copy_from_slice(part);
            end += part.len();
        }
    }
    end
}
