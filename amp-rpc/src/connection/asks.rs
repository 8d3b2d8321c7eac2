//! Asks of the peer, from their box to their responder.

use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use amp_rpc_core::conversation::{Ask, BUSY, CloseReason, Metadata, Outcome, Replied, Tag};
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::{BoxView, Decoder, Limits};
use amp_rpc_core::{DecodeError, NoContext, RemoteError};
use bytes::Bytes;
use tokio::time::Instant;

use super::context::ConnectionContext;
use super::dispatch::Dispatch;
use super::extensions::{Abilities, Own, PREFIX};
use super::lines::{Held, Line};
use super::log;
use super::outgoing::Outgoing;
use super::running::Job;
use crate::ask_context::Active;
use crate::descriptors::Exchange;
use crate::peer::Peer;
use crate::responders::{Responder, Task, guard};

/// How many bytes of refusals a peer may leave unread: more than all calls take that a peer of this crate can have under
/// way.
const UNREAD_REFUSALS: usize = 8 * 1024 * 1024;

/// The name of Twisted's command that begins TLS.
const START_TLS: &[u8] = b"StartTLS";

impl Dispatch {
    pub(super) fn ask_received(
        &mut self,
        tag: Option<Tag>,
        command: &[u8],
        metadata: &Metadata<'_>,
        view: &BoxView<'_>,
        frame: &[u8],
    ) {
        self.shared.counters.asks_received.add(1);
        // Where nobody was told of such keys, they are a program's own.
        let none = Metadata::default();
        let extends = self.shared.options.extends();
        let metadata = if extends { metadata } else { &none };
        if command.starts_with(PREFIX) && extends {
            if let Some(own) = Own::of(command, view) {
                return self.own_received(tag, own);
            }
        }
        if self.refuses() {
            return self.refuse(tag, command);
        }
        self.is_used = true;
        if let Some(known) = self.pool.of(command) {
            let responder = known.responder.clone();
            return self.ask_located(tag, responder, command, metadata, view, frame);
        }
        let located = match guard(|| self.locator.as_ref()?.locate(command)) {
            Ok(located) => located,
            Err(panic) => {
                let ask = Ask::new(tag, CommandKind::Plain);
                let message = format!("the locator panicked: {panic}");
                self.reply_with(
                    &ask,
                    Some(command),
                    Errors::NONE,
                    Outcome::Unexpected(&message),
                );
                return;
            }
        };
        let Some(responder) = located else {
            if command == START_TLS {
                // Every peer of Twisted's has it, and needs no responder for it.
                let ask = Ask::new(tag, CommandKind::StartTls);
                return self.reply_with(&ask, Some(command), Errors::NONE, Outcome::Answered(&()));
            }
            let ask = Ask::new(tag, CommandKind::Plain);
            self.reply_with(
                &ask,
                Some(command),
                Errors::NONE,
                Outcome::Unhandled(command),
            );
            return;
        };
        if self.is_fixed && !command.starts_with(PREFIX) {
            self.pool.learn(command, &responder);
        }
        self.ask_located(tag, responder, command, metadata, view, frame);
    }

    /// Carries an ask out, or lets it wait for its turn.
    fn ask_located(
        &mut self,
        tag: Option<Tag>,
        responder: Responder,
        command: &[u8],
        metadata: &Metadata<'_>,
        view: &BoxView<'_>,
        frame: &[u8],
    ) {
        if !metadata.is_sound() {
            self.shared.counters.bad_metadata.add(1);
        }
        let span = self.span.take().unwrap_or_else(|| log::ask(command));
        let active = Active::new(span, deadline(metadata), metadata.span());
        let ask = Ask::new(tag, responder.kind());
        // What decides on TLS or a switch cannot wait: the bytes behind it depend on it.
        let order = responder.order().filter(|_| !ask.decides()).cloned();
        let Some(order) = order else {
            self.start(ask, responder, active, command, view, None);
            return;
        };
        let key = match guard(|| order.key(view)) {
            Ok(key) => key,
            Err(panic) => {
                let message = format!("the function that gives an ask its line panicked: {panic}");
                self.reply_with(
                    &ask,
                    Some(command),
                    Errors::NONE,
                    Outcome::Unexpected(&message),
                );
                return;
            }
        };
        let line = (order.id(), key);
        if self.lines.enter(&line) {
            let done = self.start(ask, responder, active, command, view, Some(line));
            self.next_in(done);
        } else {
            let held = Held {
                tag: ask.tag,
                frame: Bytes::copy_from_slice(frame),
                responder,
                active,
                _reading: (self.shared.descriptors.as_ref()).and_then(Exchange::reading),
            };
            self.lines.hold(line, held);
        }
    }

    /// Starts the asks that wait in a line, one after the other, as long as each is done at once.
    pub(super) fn next_in(&mut self, line: Option<Line>) {
        let mut done = line;
        while let Some(line) = done {
            let Some(held) = self.lines.leave(&line) else {
                return;
            };
            done = self.start_held(held, line);
        }
    }

    fn start_held(&mut self, held: Held, line: Line) -> Option<Line> {
        let Held {
            tag,
            frame,
            responder,
            active,
            _reading,
        } = held;
        // The limits were checked when it came.
        let limits = Limits::DEFAULT.box_bytes(usize::MAX).box_pairs(usize::MAX);
        let Ok(Some(read)) = Decoder::new(limits).decode(&frame) else {
            return Some(line);
        };
        let view = read.view().within(&frame);
        let ask = Ask::new(tag, responder.kind());
        let command = view.get(b"_command");
        let command = command
            .as_ref()
            .map_or(&[][..], |command| command.as_bytes());
        self.start(ask, responder, active, command, &view, Some(line))
    }

    /// Starts a responder. Gives the line back when it is done at once.
    fn start(
        &mut self,
        ask: Ask,
        responder: Responder,
        mut active: Active,
        command: &[u8],
        view: &BoxView<'_>,
        line: Option<Line>,
    ) -> Option<Line> {
        let mut task = self.pool.take(&responder);
        let (place, waker) = self.running.next();
        let (mut replier, shared) = self.replier(&ask);
        let ask_context = active.known().cloned();
        let peer = || Peer::within(shared, ask_context.as_ref());
        let mut run = || {
            task.start(view, &peer, &mut ConnectionContext::new(shared))?;
            replier.begin();
            Ok(task.poll(&mut Context::from_waker(&waker), &mut replier))
        };
        let ran: Result<Result<Poll<()>, DecodeError>, String> = active.guard(&mut run);
        let replied = replier.replied;
        match self.ran(&mut task, &ask, command, ran, replied) {
            Poll::Ready(()) => {
                self.running.leave(place, waker);
                self.pool.give(&responder, task);
                line
            }
            Poll::Pending => {
                let job = Job {
                    task,
                    ask,
                    responder,
                    active,
                    line,
                };
                self.running.put(place, job, waker);
                None
            }
        }
    }

    /// Deals with what came of starting a responder.
    pub(super) fn ran(
        &mut self,
        task: &mut Box<dyn Task>,
        ask: &Ask,
        command: &[u8],
        ran: Result<Result<Poll<()>, DecodeError>, String>,
        replied: Option<Replied>,
    ) -> Poll<()> {
        let polled = match ran {
            Ok(Ok(polled)) => Ok(polled),
            Ok(Err(error)) => {
                self.reply_with(
                    ask,
                    Some(command),
                    Errors::NONE,
                    Outcome::BadArguments(command, &error),
                );
                Ok(Poll::Ready(()))
            }
            Err(panic) => Err(panic),
        };
        self.polled(task, ask, Some(command), polled, replied)
    }

    /// Carries out what is for the connection itself.
    #[cold]
    fn own_received(&mut self, tag: Option<Tag>, own: Own) {
        match own {
            Own::Probe(_) if self.is_overloaded() => self.refuse(tag, PREFIX),
            Own::Probe(theirs) => {
                let mut state = self.shared.lock();
                state.probed(&theirs);
                if self.finishing && state.tell_leave() {
                    self.shared.wrote.store(true, Ordering::Release);
                }
                drop(state);
                let ask = Ask::new(tag, CommandKind::Plain);
                let abilities = Abilities::own();
                self.reply_with(
                    &ask,
                    Some(PREFIX),
                    Errors::NONE,
                    Outcome::Answered(&abilities),
                );
            }
            Own::Leave => self.shared.peer_leaves(),
            Own::Cancel(tag) => {
                self.shared.counters.asks_canceled.add(1);
                self.lines.cancel_one(&tag);
                if let Some((place, mut job, waker)) = self.running.cancel_one(&tag) {
                    job.task.reset();
                    self.running.leave(place, waker);
                    self.pool.give(&job.responder, job.task);
                    self.next_in(job.line);
                }
            }
        }
    }

    /// Refuses an ask for which there is no room. A peer that does not read the refusals may not go on
    /// for ever.
    #[cold]
    fn refuse(&mut self, tag: Option<Tag>, command: &[u8]) {
        let ask = Ask::new(tag, CommandKind::Plain);
        let why = if self.finishing {
            "this side is closing the connection, and takes no new calls on it"
        } else {
            "too much is under way on this connection"
        };
        let busy = RemoteError::new(BUSY, why);
        if self.outgoing.len() > self.shared.options.max_queued {
            // Callers should not get past their bound with it, and none needs to come before it.
            self.outgoing.begin_answer();
        } else {
            self.outgoing.before_answer(&self.shared);
        }
        let Outgoing { answers, .. } = &mut self.outgoing;
        let before = answers.len();
        let outcome = Outcome::Remote(&busy);
        let replied = (self.answering).reply(&ask, Errors::NONE, outcome, answers, &mut NoContext);
        let bytes = answers.len() - before;
        self.shared.counters.asks_refused.add(1);
        self.follow(Some(command), replied);
        let end = self.outgoing.sent + self.outgoing.len() as u64;
        self.refusals.add(bytes, end);
        if self.refusals.bytes() > UNREAD_REFUSALS {
            self.close(CloseReason::NotReading);
        }
    }
}

/// When the caller of an ask stops waiting, if it says so.
fn deadline(metadata: &Metadata<'_>) -> Option<Instant> {
    // What cannot be read is ignored.
    let left = metadata.time_left().ok()??;
    Instant::now().checked_add(left)
}
