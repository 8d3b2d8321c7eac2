//! Messages as they nearly always are, recognized by their first bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::tag::CallId;
use crate::wire::{Decoder, Frame, Front, MAX_VALUE, RawValue, protocol};

/// Recognizes asks for one command that begin with a tag and the command's name, as all do that bring nothing besides
/// their arguments, unless these have keys that precede the protocol's.
///
/// What it recognizes, [`Message::of`](super::Message::of) takes for the same.
#[derive(Debug, Clone)]
pub struct ExpectedAsk {
    /// The pair with the command's name, as it stands on the wire.
    pair: Box<[u8]>,
}

impl ExpectedAsk {
    /// For the command of this name; `None` where that is too long to be sent.
    pub fn new(command: &[u8]) -> Option<Self> {
        let length = u16::try_from(command.len())
            .ok()
            .filter(|length| usize::from(*length) <= MAX_VALUE)?;
        let mut pair = Vec::from(protocol::COMMAND.prefixed());
        pair.extend_from_slice(&length.to_be_bytes());
        pair.extend_from_slice(command);
        Some(Self { pair: pair.into() })
    }

    /// The command's name.
    pub fn command(&self) -> &[u8] {
        &self.pair[protocol::COMMAND.prefixed().len() + 2..]
    }

    /// The tag of such an ask, and the front where its arguments begin.
    #[inline]
    pub fn read<'a>(&self, mut front: Front<'a>) -> Option<(RawValue<'a>, Front<'a>)> {
        let tag = front.value(protocol::ASK)?;
        front.pair(&self.pair)?;
        Some((tag, front))
    }
}

/// The box at the front of the buffer, with the call that it answers, if it begins with a tag of this side's and has no other
/// key of the protocol's, as nearly every answer does.
#[inline]
pub fn expect_answer<'a>(decoder: &Decoder, input: &'a [u8]) -> Option<(CallId, Frame<'a>)> {
    let mut front = decoder.front(input)?;
    let tag = front.value(protocol::ANSWER)?;
    let call = CallId::parse(&tag)?;
    Some((call, front.others()?))
}

/// Where the fields of an answer begin, if its tag is its first pair. `bytes` is a box that a decoder has found.
#[inline]
pub fn front_of_answer(bytes: &[u8]) -> Option<Front<'_>> {
    let mut front = Front::found(bytes);
    front.value(protocol::ANSWER)?;
    Some(front)
}
