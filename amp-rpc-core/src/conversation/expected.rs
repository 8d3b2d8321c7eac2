//! Messages as they nearly always are, recognized by their first bytes.

use super::tag::CallId;
use crate::wire::{Decoder, Frame, Front, Prefix};

const ASK: &Prefix<8> = &Prefix::new(b"\0\x04_ask\0\0");
const COMMAND: &Prefix<12> = &Prefix::new(b"\0\x08_command\0\0");
const ANSWER: &Prefix<11> = &Prefix::new(b"\0\x07_answer\0\0");

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
    let tag = front.short_value(ASK)?;
    let command = front.short_value(COMMAND)?;
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
    let call = CallId::parse(front.short_value(ANSWER)?)?;
    Some((call, front.others()?))
}

/// Where the fields of an answer begin, if its tag is its first pair. `bytes` is a box that a decoder has found.
#[inline]
pub fn front_of_answer(bytes: &[u8]) -> Option<Front<'_>> {
    let mut front = Front::found(bytes);
    front.short_value(ANSWER)?;
    Some(front)
}
