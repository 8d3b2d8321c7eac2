//! Boxes as nearly all of them are, dealt with without looking at anything twice.

use std::task::{Context, Poll};

use amp_rpc_core::DecodeError;
use amp_rpc_core::conversation::{
    Answering, Ask, ExpectedAsk, Outcome, Replied, Tag, expect_answer, expect_ask,
};
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::{Decoder, Front};
use bytes::Bytes;

use super::context::ConnectionContext;
use super::dispatch::Dispatch;
use super::log;
use super::outgoing::Outgoing;
use super::replier::Replier;
use super::running::Job;
use super::shared::Shared;
use crate::ask_context::Active;
use crate::peer::Peer;
use crate::responders::Reply;

/// The most bytes of a usual box among others.
const LONGEST: usize = 16 * 1024;
/// How many answers are handed over at most before callers get at the lock.
const AT_ONCE: u64 = 256;

/// The front of the bytes from there on, as far as a usual box can go.
#[inline(always)]
fn front<'a>(
    decoder: &Decoder,
    bytes: &'a [u8],
    at: usize,
    chunk: Option<&'a Bytes>,
) -> Option<Front<'a>> {
    match chunk {
        None => decoder.front(&bytes[at..bytes.len().min(at + LONGEST)]),
        Some(chunk) => Some(decoder.front(&bytes[at..])?.within(chunk)),
    }
}

impl Dispatch {
    /// Deals with the boxes at that place, one after the other, as long as they are usual ones, and says how many bytes they
    /// take. What this does for a box is what is done for any, in less time; it is for bytes that are a peer's. `chunk` is there
    /// when they are one large box alone: its large values become slices of it.
    pub(super) fn usual(&mut self, buffer: &[u8], start: usize, chunk: Option<&Bytes>) -> usize {
        let mut at = start;
        while let Some(length) = self.usual_boxes(buffer, at, chunk) {
            at += length;
        }
        at - start
    }

    /// Deals with one ask, or with the answers that follow each other.
    #[inline]
    fn usual_boxes(&mut self, buffer: &[u8], at: usize, chunk: Option<&Bytes>) -> Option<usize> {
        // The length of the first key tells asks and answers apart.
        match &buffer[at..] {
            [0, 4, ..] if self.takes_asks() => self.usual_ask(buffer, at, chunk),
            [0, 7, ..] if self.wants_more() => {
                if self.deliveries.has_collected() {
                    // Answers keep their order, not least two of them to the same call.
                    self.hand_over(buffer);
                    if !self.wants_more() {
                        return None;
                    }
                }
                self.usual_answers(&buffer[at..], chunk)
            }
            _ => None,
        }
    }

    /// Hands over the answers at the front of the bytes, as many as are usual ones.
    fn usual_answers(&mut self, bytes: &[u8], chunk: Option<&Bytes>) -> Option<usize> {
        if self.shared.descriptors.is_some() {
            return None;
        }
        let mut run = self.deliveries.run(&self.shared);
        let (mut at, mut count) = (0, 0);
        while count < AT_ONCE {
            let front = front(&self.decoder, bytes, at, chunk);
            let Some((call, frame)) = front.and_then(expect_answer) else {
                break;
            };
            let end = at + frame.len();
            if !run.put(call, &bytes[at..end], frame.view().outline(), chunk) {
                break;
            }
            (at, count) = (end, count + 1);
        }
        if count == 0 {
            return None;
        }
        self.own_calls = run.waiting();
        drop(run);
        self.began = true;
        self.shared.counters.boxes_received.add(count);
        Some(at)
    }

    /// Carries out the ask at the front of the bytes and says how many bytes it takes, if it is for a command that was asked for
    /// before, with what that declares and nothing else.
    #[inline]
    fn usual_ask(&mut self, buffer: &[u8], at: usize, chunk: Option<&Bytes>) -> Option<usize> {
        let ask = expect_ask(front(&self.decoder, buffer, at, chunk)?)?;
        let (entry, arguments) = self.pool.of_ask(&ask)?;
        let task = entry.tasks.last_mut()?;
        let waker = self.running.next_waker();
        let shared = &self.shared;
        let mut replier = UsualReplier {
            answering: &mut self.answering,
            outgoing: &mut self.outgoing,
            shared,
            tag: ask.tag,
            is_answered: false,
            replied: None,
        };
        let span =
            (self.span.take()).unwrap_or_else(|| log::ask(ask.command().unwrap_or_default()));
        let mut active = Active::new(span, None, None);
        // Kept here, since what goes through the guard is copied several times.
        let (mut length, mut turn) = (0, Turn::Panicked);
        let mut run = || {
            let mut context = ConnectionContext::new(shared);
            let peer = || Peer::new(shared);
            match task.start_front(&arguments, &peer, &mut context) {
                Ok(taken) => length = taken,
                Err(None) => {
                    turn = Turn::Unexpected;
                    return;
                }
                Err(Some(error)) => {
                    turn = Turn::Malformed(error);
                    return;
                }
            }
            shared.counters.boxes_received.add(1);
            shared.counters.asks_received.add(1);
            turn = match task.poll(&mut Context::from_waker(waker), &mut replier) {
                Poll::Ready(()) => Turn::Done,
                Poll::Pending => Turn::Waits,
            };
        };
        let guarded = active.guard(&mut run);
        let (is_answered, replied) = (replier.is_answered, replier.replied);
        if matches!(turn, Turn::Unexpected) {
            self.span = Some(active.into_span());
            return None;
        }
        if length == 0 {
            // It was not begun. Where the box ends is for the decoder to say.
            length = self.decoder.decode(&buffer[at..]).ok().flatten()?.len();
            self.shared.counters.boxes_received.add(1);
            self.shared.counters.asks_received.add(1);
        }
        self.began = true;
        self.is_used = true;
        match turn {
            Turn::Done if is_answered => {}
            Turn::Waits => self.wait(ask.tag, active),
            turn => {
                let ran = guarded.map(|()| turn.into_result());
                let replied = replied.or_else(|| is_answered.then_some(Replied::SILENT));
                self.end_unusually(&ask, ran, replied);
            }
        }
        Some(length)
    }

    /// Keeps a responder that waits.
    #[inline(never)]
    fn wait(&mut self, tag: &[u8], active: Active) {
        if let Some((task, responder)) = self.pool.take_last() {
            self.running.put_next(Job {
                task,
                ask: usual(tag),
                responder,
                active,
                line: None,
            });
        }
    }

    /// Deals with an ask that began as usual and did not end so.
    #[cold]
    fn end_unusually(
        &mut self,
        ask: &ExpectedAsk<'_>,
        ran: Result<Result<Poll<()>, DecodeError>, String>,
        replied: Option<Replied>,
    ) {
        if let Some((mut task, responder)) = self.pool.take_last() {
            // A task that is not done was dealt with before.
            let command = ask.command().unwrap_or_default();
            let _ = self.ran(&mut task, &usual(ask.tag), command, ran, replied);
            self.pool.give(&responder, task);
        }
    }
}

/// What came of the first turn of an ask.
enum Turn {
    Done,
    Waits,
    /// It is not what its command declares, and nothing was done.
    Unexpected,
    /// An argument cannot be decoded.
    Malformed(DecodeError),
    Panicked,
}

impl Turn {
    fn into_result(self) -> Result<Poll<()>, DecodeError> {
        match self {
            Self::Waits => Ok(Poll::Pending),
            Self::Malformed(error) => Err(error),
            Self::Done | Self::Unexpected | Self::Panicked => Ok(Poll::Ready(())),
        }
    }
}

/// An ask with this tag that is nothing special.
fn usual(tag: &[u8]) -> Ask {
    Ask::new(Some(Tag::new(tag)), CommandKind::Plain)
}

/// Encodes the answer to a usual ask straight into the outgoing buffer. What is no answer goes the general way.
struct UsualReplier<'a> {
    answering: &'a mut Answering,
    outgoing: &'a mut Outgoing,
    shared: &'a Shared,
    tag: &'a [u8],
    /// In the usual way.
    is_answered: bool,
    /// In the general way.
    replied: Option<Replied>,
}

impl UsualReplier<'_> {
    #[cold]
    fn reply_unusually(&mut self, errors: &Errors, outcome: Outcome<'_>) {
        let mut replier = Replier {
            answering: self.answering,
            outgoing: self.outgoing,
            shared: self.shared,
            ask: &usual(self.tag),
            replied: None,
        };
        replier.reply(errors, outcome);
        self.replied = replier.replied;
    }
}

impl Reply for UsualReplier<'_> {
    fn reply(&mut self, errors: &Errors, outcome: Outcome<'_>) {
        if let Outcome::Answered(fields) = outcome {
            self.outgoing.before_answer(self.shared);
            let mut context = ConnectionContext::new(self.shared);
            let answers = &mut self.outgoing.answers;
            let at = answers.len();
            if (self.answering).answer(self.tag, fields, answers, &mut context) {
                context.written(at, &mut self.outgoing.answers_beside);
                self.shared.counters.asks_answered.add(1);
                self.is_answered = true;
                return;
            }
        }
        self.reply_unusually(errors, outcome);
    }
}
