use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::answering::{Answering, Ask, Outcome, Replied};
use super::asking::{AskRefused, Asking, Effect, Head, Received};
use super::boundary::{Boundary, CloseReason};
use super::compat::Compat;
use super::message::Message;
use super::tag::{CallId, Tag};
use crate::command::RemoteError;
use crate::context::Context;
use crate::error::DecodeError;
use crate::fields::WriteFields;
use crate::schema::{CommandKind, Errors};
use crate::shared::Shared;
use crate::wire::{BoxView, Decoder, Limits, RawValue};

/// Both halves of a conversation over a stream of bytes, in one piece and without I/O.
///
/// For programs that have their own event loop, and for tests. The caller keeps what was read in a
/// buffer and gives it to [`receive`](Self::receive) until nothing more comes; every method appends
/// what has to be sent to `out`. `T` is what the caller keeps with each of its calls.
#[derive(Debug)]
pub struct Conversation<T> {
    compat: Compat,
    decoder: Decoder,
    /// A box has come: what follows is no stranger to AMP.
    began: bool,
    asking: Asking<T>,
    answering: Answering,
    /// Calls that wait for the gate, in their order.
    waiting: VecDeque<OwnCall<T>>,
    /// Answers on their way through the gate; empty between calls.
    answers: Vec<u8>,
}

/// A call of this side.
pub struct OwnCall<T> {
    /// The command's name.
    pub command: Shared<[u8]>,
    /// What its answer does to the connection.
    pub kind: CommandKind,
    /// Its arguments.
    pub fields: Box<dyn WriteFields + Send>,
    /// What the caller keeps with it; `None` for a call that wants no answer.
    pub data: Option<T>,
}

impl<T> fmt::Debug for OwnCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnCall({})", crate::Excerpt(&self.command))
    }
}

/// What a received box means.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a, T> {
    /// The peer calls a command: find its responder and [`accept`](Conversation::accept) it.
    Ask {
        /// The tag to give back; `None` where the peer wants no answer.
        tag: Option<Tag>,
        /// The command's name.
        command: RawValue<'a>,
        /// The box with the arguments.
        fields: BoxView<'a>,
    },
    /// A call of this side was answered.
    Answered {
        /// What the caller kept with it.
        data: T,
        /// The box with the answer.
        fields: BoxView<'a>,
        /// What follows, where the answer was to a command that brings a boundary about.
        boundary: Option<Boundary>,
    },
    /// A call of this side failed.
    Failed {
        /// What the caller kept with it.
        data: T,
        /// The peer's error; `None` where it lacked its code or description.
        error: Option<RemoteError>,
        /// Calls that waited for what this error refuses, and that were not sent: for TLS all of them.
        unsent: Vec<(T, AskRefused)>,
        /// What follows.
        boundary: Option<Boundary>,
    },
    /// An answer came that nobody waits for any more, or that belongs to no call.
    Ignored,
    /// The conversation cannot go on.
    Boundary(Boundary),
}

impl<T> Conversation<T> {
    /// A conversation at its beginning.
    pub fn new(compat: Compat, limits: Limits) -> Self {
        Self {
            compat,
            decoder: Decoder::new(limits),
            began: false,
            asking: Asking::new(limits),
            answering: Answering::new(compat, limits),
            waiting: VecDeque::new(),
            answers: Vec::new(),
        }
    }

    /// Takes the next box from `input` and says what it means, and how many bytes it was.
    ///
    /// `None` when more bytes are needed, when the bytes have to wait until the peer's ask for TLS
    /// or another protocol is answered, and when they belong to whoever comes behind a boundary.
    pub fn receive<'a>(
        &mut self,
        input: &'a [u8],
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Option<(usize, Event<'a, T>)> {
        if !self.answering.is_reading() {
            return None;
        }
        let frame = match self.decoder.decode(input) {
            Ok(frame) => frame?,
            Err(error) => {
                let stranger = error.stranger().filter(|_| !self.began);
                let reason = stranger.map_or_else(|| error.into(), CloseReason::Stranger);
                return Some((input.len(), self.close(reason)));
            }
        };
        self.began = true;
        let view = frame.view();
        let event = match Message::of(&view) {
            None => self.close(CloseReason::NoProtocolKeys),
            Some(Message::Ask { tag, command, .. }) => Event::Ask {
                tag: tag.map(|tag| Tag::new(&tag)),
                command,
                fields: view,
            },
            Some(Message::Answer { tag }) => self.answer_received(&tag, view, out),
            Some(Message::Error {
                tag,
                code,
                description,
            }) => {
                let error = code.zip(description).map(|(code, description)| {
                    RemoteError::new(&code[..], String::from_utf8_lossy(&description))
                });
                self.error_received(&tag, error, out, cx)
            }
        };
        Some((frame.len(), event))
    }

    fn answer_received<'a>(
        &mut self,
        tag: &[u8],
        fields: BoxView<'a>,
        out: &mut Vec<u8>,
    ) -> Event<'a, T> {
        match self.asking.received(tag, false, out) {
            Received::Call { id, effect } => {
                let boundary = match effect {
                    Effect::Agreed(boundary) => {
                        match boundary {
                            Boundary::StartTls => self.answering.pass(),
                            _ => self.answering.stop(),
                        }
                        Some(boundary)
                    }
                    Effect::None | Effect::Refused(_) => None,
                };
                match self.take(id) {
                    Some(data) => Event::Answered {
                        data,
                        fields,
                        boundary,
                    },
                    None => Event::Ignored,
                }
            }
            Received::Late => Event::Ignored,
            Received::Unknown => self.unknown_tag(),
        }
    }

    fn error_received<'a>(
        &mut self,
        tag: &[u8],
        error: Option<RemoteError>,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Event<'a, T> {
        match self.asking.received(tag, true, out) {
            Received::Call { id, effect } => {
                let unsent = match effect {
                    Effect::Refused(CommandKind::StartTls) => (self.waiting.drain(..))
                        .filter_map(|call| Some((call.data?, AskRefused::TlsRefused)))
                        .collect(),
                    Effect::Refused(_) => self.send_waiting(out, cx),
                    Effect::None | Effect::Agreed(_) => Vec::new(),
                };
                let boundary = (error.is_none() && self.compat.close_on_incomplete_error)
                    .then(|| self.closing(CloseReason::IncompleteError));
                match self.take(id) {
                    Some(data) => Event::Failed {
                        data,
                        error,
                        unsent,
                        boundary,
                    },
                    None => Event::Ignored,
                }
            }
            Received::Late => Event::Ignored,
            Received::Unknown => self.unknown_tag(),
        }
    }

    fn take(&mut self, id: CallId) -> Option<T> {
        self.asking.calls.answered(id)?;
        self.asking.calls.remove(id)
    }

    fn unknown_tag<'a>(&mut self) -> Event<'a, T> {
        if self.compat.close_on_unknown_tag {
            self.close(CloseReason::UnknownTag)
        } else {
            Event::Ignored
        }
    }

    fn close<'a>(&mut self, reason: CloseReason) -> Event<'a, T> {
        Event::Boundary(self.closing(reason))
    }

    fn closing(&mut self, reason: CloseReason) -> Boundary {
        self.answering.stop();
        Boundary::Close(reason)
    }

    /// Gives up a call of this side that was written, and gives back what was kept with it. The peer's answer
    /// will be [ignored](Event::Ignored).
    ///
    /// `None` when it was answered or given up already, and for an ask for TLS or another protocol that is undecided:
    /// others wait for its answer.
    pub fn abandon(&mut self, id: CallId) -> Option<T> {
        if self.asking.is_decided_by(id) {
            return None;
        }
        self.asking.calls.remove(id)
    }

    /// Whether an ask of this side for TLS or another protocol waits for its answer.
    pub fn is_undecided(&self) -> bool {
        self.asking.is_undecided()
    }

    /// Begins to carry out an ask of the peer: reads its arguments, or answers for a responder that
    /// does not exist (`kind` is `None`) or whose arguments cannot be read.
    ///
    /// # Errors
    ///
    /// When the ask is answered already: what follows from that.
    pub fn accept<A>(
        &mut self,
        event: (Option<Tag>, &[u8], &BoxView<'_>),
        kind: Option<CommandKind>,
        read: impl FnOnce(&BoxView<'_>, &mut dyn Context) -> Result<A, DecodeError>,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Result<(Ask, A), Replied> {
        let (tag, command, fields) = event;
        let ask = Ask {
            tag,
            kind: kind.unwrap_or_default(),
        };
        if kind.is_none() {
            let outcome = Outcome::Unhandled(command);
            return Err(self.reply(&ask, Errors::NONE, outcome, out, cx));
        }
        match read(fields, cx) {
            Ok(arguments) => {
                self.answering.begin(&ask);
                Ok((ask, arguments))
            }
            Err(error) => {
                let outcome = Outcome::BadArguments(command, &error);
                Err(self.reply(&ask, Errors::NONE, outcome, out, cx))
            }
        }
    }

    /// Answers an ask of the peer.
    pub fn reply(
        &mut self,
        ask: &Ask,
        errors: &Errors,
        outcome: Outcome<'_>,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Replied {
        if ask.decides() && self.asking.is_undecided() {
            return self.answering.refuse_crossing(ask, out, cx);
        }
        let replied = self
            .answering
            .reply(ask, errors, outcome, &mut self.answers, cx);
        self.asking.release_answers(&mut self.answers, out);
        self.after(replied)
    }

    /// Answers the peer's `StartTLS` where no responder of the application's does.
    pub fn reply_start_tls(
        &mut self,
        ask: &Ask,
        available: bool,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Replied {
        if ask.decides() && self.asking.is_undecided() {
            return self.answering.refuse_crossing(ask, out, cx);
        }
        let replied = self
            .answering
            .reply_start_tls(ask, available, &mut self.answers, cx);
        self.asking.release_answers(&mut self.answers, out);
        self.after(replied)
    }

    fn after(&mut self, replied: Replied) -> Replied {
        if let Some(Boundary::StartTls | Boundary::Switch) = replied.boundary {
            self.asking.pass();
        }
        replied
    }

    /// Makes a call, or lets it wait for its turn while this side's own ask for TLS or another
    /// protocol is under way. The id is that of a call that was written and wants an answer.
    ///
    /// # Errors
    ///
    /// Gives the call back with the reason: nothing was written.
    pub fn call(
        &mut self,
        mut call: OwnCall<T>,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Result<Option<CallId>, (OwnCall<T>, AskRefused)> {
        match self.write(&mut call, out, cx) {
            Err(AskRefused::Shut) => {
                self.waiting.push_back(call);
                Ok(None)
            }
            result => result.map_err(|refused| (call, refused)),
        }
    }

    /// Writes a call; takes its data only when that succeeds.
    fn write(
        &mut self,
        call: &mut OwnCall<T>,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Result<Option<CallId>, AskRefused> {
        let OwnCall {
            command,
            kind,
            fields,
            data,
        } = call;
        if data.is_none() {
            self.asking.tell(command, &**fields, out, cx)?;
            return Ok(None);
        }
        let take = |place: &mut Option<T>| *place = data.take();
        self.asking
            .ask(Head::new(command, *kind), &**fields, take, out, cx)
            .map(Some)
    }

    /// Writes the calls that waited for the gate; returns those that cannot be written.
    fn send_waiting(&mut self, out: &mut Vec<u8>, cx: &mut dyn Context) -> Vec<(T, AskRefused)> {
        let mut unsent = Vec::new();
        while let Some(mut call) = self.waiting.pop_front() {
            match self.write(&mut call, out, cx) {
                Ok(_) => {}
                Err(AskRefused::Shut) => {
                    self.waiting.push_front(call);
                    break;
                }
                Err(refused) => unsent.extend(call.data.map(|data| (data, refused))),
            }
        }
        unsent
    }

    /// Goes on behind the beginning of TLS: what waited for it is appended to `out`. Returns the
    /// calls that cannot be written.
    pub fn tls_began(&mut self, out: &mut Vec<u8>, cx: &mut dyn Context) -> Vec<(T, AskRefused)> {
        self.answering.tls_began();
        self.asking.tls_began(out);
        self.send_waiting(out, cx)
    }

    /// Goes on behind [`Boundary::Switch`], when the stream belongs to another protocol: nothing is
    /// written any more. Gives back what is kept with the calls that were not written yet; those
    /// under way end with the connection, as in Twisted.
    pub fn switched(&mut self) -> Vec<T> {
        self.answering.stop();
        self.asking.end();
        self.waiting
            .drain(..)
            .filter_map(|call| call.data)
            .collect()
    }

    /// Closes the conversation because the program on this side wants to. What was read already is
    /// still carried out and answered; behind that, [`end`](Self::end) it.
    pub fn close_here(&mut self) -> Boundary {
        self.answering.close_here()
    }

    /// Ends what was read already behind a boundary of [`Boundary::Close`]; answers that fall due
    /// later are dropped.
    pub fn stop(&mut self) {
        self.answering.stop();
    }

    /// Ends the conversation and gives back what is kept with the calls that were not answered, in
    /// the order of their slots, then of their waiting.
    pub fn end(&mut self) -> Vec<T> {
        self.answering.stop();
        self.asking.end();
        let calls = core::mem::take(&mut self.asking.calls).into_waiting();
        let waiting = self.waiting.drain(..).filter_map(|call| call.data);
        calls.chain(waiting).collect()
    }

    /// Whether this side still takes boxes.
    pub fn is_reading(&self) -> bool {
        self.answering.is_reading()
    }
}
