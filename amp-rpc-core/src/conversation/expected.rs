//! Messages as they nearly always are, recognized by their first bytes.

use super::tag::CallId;
use crate::wire::{CommandPair, Frame, Front, Prefix};

/// What may be an ask that begins with a tag and its command's name, as all do that bring nothing besides their arguments, unless
/// these have keys that precede the protocol's.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedAsk<'a> {
    /// The tag to give back.
    pub tag: &'a [u8],
    rest: Front<'a>,
}

impl<'a> ExpectedAsk<'a> {
    /// Where its arguments begin, if it is for that command. If these have no key of the protocol's,
    /// [`Message::of`](super::Message::of) takes the box for this ask, too.
    #[inline(always)]
    pub fn arguments_of(&self, command: &CommandPair) -> Option<Front<'a>> {
        let mut rest = self.rest;
        rest.skip(command)?;
        Some(rest)
    }

    /// The command's name, if that comes next and has at most 255 bytes.
    #[inline]
    pub fn command(&self) -> Option<&'a [u8]> {
        let mut rest = self.rest;
        rest.short_value(Prefix::COMMAND)
    }
}

/// The ask at the front of a buffer, if that begins with a tag as an ask does.
#[inline(always)]
pub fn expect_ask(mut front: Front<'_>) -> Option<ExpectedAsk<'_>> {
    let tag = front.short_value(Prefix::ASK)?;
    Some(ExpectedAsk { tag, rest: front })
}

/// The box at the front of a buffer, with the call that it answers, if it begins with a tag of this side's and has no other
/// key of the protocol's, as nearly every answer does.
#[inline]
pub fn expect_answer(mut front: Front<'_>) -> Option<(CallId, Frame<'_>)> {
    let call = CallId::parse(front.short_value(Prefix::ANSWER)?)?;
    Some((call, front.others()?))
}

/// Where the fields of an answer begin, if its tag is its first pair. `bytes` is a box that a decoder has found.
#[inline]
pub fn front_of_answer(bytes: &[u8]) -> Option<Front<'_>> {
    let mut front = Front::found(bytes);
    front.short_value(Prefix::ANSWER)?;
    Some(front)
}
