use alloc::vec::Vec;
use core::fmt;

use super::protocol_pairs::PROTOCOL_ROOM;
use super::{BoxWriter, Limits, Need, ProtocolPairs, Room};

/// A box at the end of a buffer, to be written in room that is made for all of it at once.
///
/// Nothing has to be asked for each pair then. It is for boxes whose fields take little room, which they know before they are
/// written, under keys in ascending order and behind the protocol's; others are for a [`BoxWriter`].
pub struct AtOnce<'a> {
    out: &'a mut Vec<u8>,
    limits: Limits,
    protocol: ProtocolPairs<'a>,
}

impl<'a> AtOnce<'a> {
    #[inline(always)]
    pub(crate) fn new(out: &'a mut Vec<u8>, limits: Limits, protocol: ProtocolPairs<'a>) -> Self {
        Self {
            out,
            limits,
            protocol,
        }
    }

    /// Has `fill` put pairs that need so much, where there may be a box of that size, and says whether it did.
    #[inline(always)]
    pub fn put(&mut self, need: Need, fill: impl FnOnce(&mut Room<'_>)) -> bool {
        let Self {
            out,
            limits,
            protocol,
        } = self;
        if !need.fits(limits.value_bytes) || !protocol.fits(limits.value_bytes) {
            return false;
        }
        let total = PROTOCOL_ROOM + need.total() + 2;
        if total > limits.box_bytes {
            return false;
        }
        let start = out.len();
        out.resize(start + total, 0);
        let mut room = Room::new(&mut out[start..]);
        room.begin(protocol);
        fill(&mut room);
        let end = room.end();
        out.truncate(start + end);
        true
    }

    /// A writer of the same box, for any fields.
    #[inline(always)]
    pub(crate) fn into_writer(self) -> BoxWriter<'a> {
        BoxWriter::with_protocol(self.out, self.limits, self.protocol)
    }
}

impl fmt::Debug for AtOnce<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtOnce").finish_non_exhaustive()
    }
}
