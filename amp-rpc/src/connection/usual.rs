//! Boxes as nearly all of them are, dealt with without looking at anything twice.

use std::task::{Context, Poll};

use amp_rpc_core::DecodeError;
use amp_rpc_core::conversation::{
    Answering, Ask, ExpectedAsk, Outcome, Replied, Tag, expect_answer, expect_ask,
};
use amp_rpc_core::schema::{CommandKind, Errors};

use super::context::ConnectionContext;
use super::deliveries::{AnswerKind, Place};
use super::dispatch::Dispatch;
use super::log;
use super::outgoing::Outgoing;
use super::replier::Replier;
use super::running::Job;
use super::shared::Shared;
use crate::ask_context::Active;
use crate::peer::Peer;
use crate::responders::Reply;

/// The most bytes of a usual box. None of its values is large enough to be handed on without a copy.
const LONGEST: usize = 16 * 1024;

impl Dispatch {
    /// Deals with the boxes at that place, one after the other, as long as they are usual ones, and says how many bytes they
    /// take. What this does for a box is what is done for any, in less time; it is for bytes that are a peer's.
    pub(super) fn usual(&mut self, buffer: &[u8], start: usize) -> usize {
        let mut at = start;
        while let Some(length) = self.usual_box(buffer, at) {
            at += length;
        }
        at - start
    }

    #[inline]
    fn usual_box(&mut self, buffer: &[u8], at: usize) -> Option<usize> {
        let end = buffer.len().min(at + LONGEST);
        let bytes = &buffer[at..end];
        // The length of the first key tells asks and answers apart.
        match bytes {
            [0, 4, ..] if self.takes_asks() => self.usual_ask(bytes),
            [0, 7, ..] if self.wants_more() => self.usual_answer(buffer, at, bytes),
            _ => None,
        }
    }

    #[inline]
    fn usual_answer(&mut self, buffer: &[u8], at: usize, bytes: &[u8]) -> Option<usize> {
        let (call, frame) = expect_answer(&self.decoder, bytes)?;
        self.began = true;
        self.shared.counters.boxes_received.add(1);
        let place = Place::At { buffer, at };
        self.answer_received(Some(call), place, &frame, AnswerKind::Answer);
        Some(frame.len())
    }

    /// Carries out the ask at the front of the bytes and says how many bytes it takes, if it is for a command that was asked for
    /// before, with what that declares and nothing else.
    #[inline]
    fn usual_ask(&mut self, bytes: &[u8]) -> Option<usize> {
        let ExpectedAsk {
            tag,
            command,
            arguments,
        } = expect_ask(self.decoder.front(bytes)?)?;
        let entry = self.pool.of(command).filter(|entry| entry.is_plain)?;
        let task = entry.tasks.last_mut()?;
        let waker = self.running.next_waker();
        let shared = &self.shared;
        let mut replier = UsualReplier {
            answering: &mut self.answering,
            outgoing: &mut self.outgoing,
            shared,
            tag,
            is_answered: false,
            replied: None,
        };
        let span = self.span.take().unwrap_or_else(|| log::ask(command));
        let mut active = Active::new(span, None, None);
        let mut length = 0;
        let mut run = || {
            let mut context = ConnectionContext::new(shared);
            let peer = || Peer::new(shared);
            let (taken, called) = task.start_front(&arguments, &peer, &mut context)?;
            length = taken;
            shared.counters.boxes_received.add(1);
            shared.counters.asks_received.add(1);
            Some(called.map(|()| task.poll(&mut Context::from_waker(waker), &mut replier)))
        };
        let ran = match active.guard(&mut run) {
            Ok(Some(ran)) => Ok(ran),
            Ok(None) => {
                self.span = Some(active.into_span());
                return None;
            }
            Err(panic) => Err(panic),
        };
        let (is_answered, replied) = (replier.is_answered, replier.replied);
        if length == 0 {
            // It panicked before it had begun. Where the box ends is for the decoder to say.
            length = self.decoder.decode(bytes).ok().flatten()?.len();
            self.shared.counters.boxes_received.add(1);
            self.shared.counters.asks_received.add(1);
        }
        self.began = true;
        self.is_used = true;
        match ran {
            Ok(Ok(Poll::Ready(()))) if is_answered => {}
            Ok(Ok(Poll::Pending)) => self.wait(tag, active),
            ran => {
                let replied = replied.or_else(|| is_answered.then_some(Replied::SILENT));
                self.end_unusually(tag, command, ran, replied);
            }
        }
        Some(length)
    }

    /// Keeps a responder that waits.
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
        tag: &[u8],
        command: &[u8],
        ran: Result<Result<Poll<()>, DecodeError>, String>,
        replied: Option<Replied>,
    ) {
        if let Some((mut task, responder)) = self.pool.take_last() {
            // A task that is not done was dealt with before.
            let _ = self.ran(&mut task, &usual(tag), command, ran, replied);
            self.pool.give(&responder, task);
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
