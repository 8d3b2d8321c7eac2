//! Messages as they nearly always are, recognized by their first bytes.

use super::tag::CallId;
use crate::wire::{Decoder, Frame, Front, protocol};

/// An ask that begins with a tag and its command's name, as all do that bring nothing besides their arguments, unless these have
/// keys that precede the protocol's.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedAsk<'a> {
    /// The tag to give back.
    pub tag: &'a [u8],
    /// The command's name.
    pub command: &'a [u8],
    /// Where its arguments begin. If these have no key of the protocol's, [`Message::of`](super::Message::of) takes the box for
    /// this ask, too.
    pub arguments: Front<'a>,
}

/// The ask at the front of a buffer, if there is one of that kind.
#[inline]
pub fn expect_ask(mut front: Front<'_>) -> Option<ExpectedAsk<'_>> {
    let tag = front.value(protocol::ASK)?.as_bytes();
    let command = front.value(protocol::COMMAND)?.as_bytes();
    Some(ExpectedAsk {
        tag,
        command,
        arguments: front,
    })
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
