use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::boundary::{Boundary, CloseReason};
use super::compat::Compat;
use super::reply::{
    BUSY, Reply, TLS_ERROR, UNHANDLED, UNKNOWN, UNKNOWN_ERROR, is_too_long, write_answer,
    write_error,
};
use super::tag::Tag;
use crate::command::RemoteError;
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::excerpt::Excerpt;
use crate::fields::WriteFields;
use crate::schema::{CommandKind, ErrorSchema, Errors};
use crate::wire::{Limits, MAX_VALUE};

/// The half of a conversation that answers what the peer asks.
///
/// ```text
///                 ask of a command that           its answer
///                 switches or starts TLS        was an error
///   ┌─────────┐ ──────────────────────────► ┌──────────┐
///   │ Reading │                             │ Deciding │
///   └─────────┘ ◄────────────────────────── └──────────┘
///     │     ▲                                 │      │
///     │     │ TLS has begun   ┌─────────┐     │      │
///     │     └──────────────── │ Passing │ ◄───┘      │ its answer: Boundary::Switch
///     │                       └─────────┘            ▼
///     │                     Boundary::StartTls   ┌─────────┐
///     └───────────────────────────────────────►  │ Stopped │
///       an answer that closes, a fatal error:    └─────────┘
///       Boundary::Close
/// ```
///
/// This side's own call for TLS or another protocol leads to *passing* and *stopped* in the same way.
///
/// With [`Compat::carry_on_behind_close`], and where the program itself closes, there is a stop between:
/// *closing*, where boxes that were read already are still carried out.
///
/// While it is *deciding*, what the peer has sent behind its ask stays unread: it is boxes when the
/// ask is refused, and something else when it is granted.
#[derive(Debug)]
pub struct Answering {
    compat: Compat,
    limits: Limits,
    phase: Phase,
    /// The number of the next fault, where the peer is to know it.
    fault: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Reading,
    Deciding,
    Passing,
    Closing,
    Stopped,
}

/// An ask of the peer that is to be answered.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The tag to give back; `None` where the peer wants no answer.
    pub tag: Option<Tag>,
    /// What the answer does to the connection.
    pub kind: CommandKind,
}

/// What became of an ask.
#[derive(Clone, Copy)]
pub enum Outcome<'a> {
    /// The responder's answer.
    Answered(&'a dyn WriteFields),
    /// A declared error.
    Declared {
        /// The error's code and whether it is fatal.
        schema: &'a ErrorSchema,
        /// Its description.
        description: &'a str,
    },
    /// An error with a code of the responder's choice.
    Remote(&'a RemoteError),
    /// Any other error, or a panic. In the alternate form (`{:#}`) it may print more, for the log alone.
    Unexpected(&'a dyn fmt::Display),
    /// The arguments are not those of the command, whose name is given.
    BadArguments(&'a [u8], &'a DecodeError),
    /// There is no responder for the command, whose name is given.
    Unhandled(&'a [u8]),
}

/// What happened when an ask was answered.
#[derive(Debug)]
#[must_use]
pub struct Replied {
    /// What has to happen once the outgoing buffer is written.
    pub boundary: Option<Boundary>,
    /// What the operator of this side should know.
    pub fault: Option<Fault>,
}

/// A failure of this side's, for its log. Nothing of it travels unless the command says so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A responder failed with an error that its command does not declare, or panicked.
    Unexpected(String),
    /// A responder's answer could not be encoded.
    BadAnswer(EncodeError),
    /// A command without `_ask` failed, for the reason given; nobody will learn of it.
    FailedTell(String),
}

impl Ask {
    /// An ask with this tag, of a command of this kind.
    pub const fn new(tag: Option<Tag>, kind: CommandKind) -> Self {
        Self { tag, kind }
    }

    /// Whether its answer decides what the bytes behind the ask are.
    pub const fn decides(&self) -> bool {
        self.tag.is_some()
            && matches!(
                self.kind,
                CommandKind::ProtocolSwitch | CommandKind::StartTls
            )
    }
}

impl Answering {
    /// The half of a new conversation.
    pub const fn new(compat: Compat, limits: Limits) -> Self {
        Self {
            compat,
            limits,
            phase: Phase::Reading,
            fault: None,
        }
    }

    /// From now on, an answer of "Unknown Error" has this number behind it, in hexadecimal: what the operator
    /// finds it by in the log.
    pub fn number_fault(&mut self, number: u64) {
        self.fault = Some(number);
    }

    fn unknown_error(&self) -> Cow<'static, str> {
        match self.fault {
            Some(number) => Cow::Owned(format!("{UNKNOWN_ERROR} (fault {number:x})")),
            None => Cow::Borrowed(UNKNOWN_ERROR),
        }
    }

    /// Whether further boxes may be taken from what was read.
    pub fn is_reading(&self) -> bool {
        matches!(self.phase, Phase::Reading | Phase::Closing)
    }

    /// Whether the conversation is over for this half: nothing is answered any more.
    pub fn is_stopped(&self) -> bool {
        self.phase == Phase::Stopped
    }

    /// Closes of this side's own accord: what was read already is still carried out and answered,
    /// until [`stop`](Self::stop).
    pub fn close_here(&mut self) -> Boundary {
        if self.phase != Phase::Stopped {
            self.phase = Phase::Closing;
        }
        Boundary::Close(CloseReason::ClosedHere)
    }

    /// Reads no more until TLS has begun, since the peer has agreed to it. Answers that fall due
    /// meanwhile are for the gate to hold.
    pub fn pass(&mut self) {
        if self.phase != Phase::Stopped {
            self.phase = Phase::Passing;
        }
    }

    /// Stops: later answers are dropped.
    pub fn stop(&mut self) {
        self.phase = Phase::Stopped;
    }

    /// Reads boxes again, now behind the beginning of TLS.
    pub fn tls_began(&mut self) {
        if self.phase == Phase::Passing {
            self.phase = Phase::Reading;
        }
    }

    /// Notes that a responder begins to carry out an ask of the peer.
    #[inline]
    pub fn begin(&mut self, ask: &Ask) {
        if ask.decides() && self.phase == Phase::Reading {
            self.phase = Phase::Deciding;
        }
    }

    /// Answers an ask of a plain command in the usual case. Says whether it did: if not, nothing is written, and
    /// [`reply`](Self::reply) has to be called, which covers all cases.
    #[inline]
    pub fn answer(
        &self,
        tag: &[u8],
        fields: &dyn WriteFields,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> bool {
        self.phase == Phase::Reading && write_answer(tag, fields, self.limits, out, cx).is_ok()
    }

    /// Answers an ask: appends the box, if there is one to send, to `out`, and says what follows.
    ///
    /// `errors` are those that the command declares. Nothing is sent once this half has stopped.
    #[inline]
    pub fn reply(
        &mut self,
        ask: &Ask,
        errors: &Errors,
        outcome: Outcome<'_>,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Replied {
        if let (Some(tag), CommandKind::Plain, Outcome::Answered(fields)) =
            (&ask.tag, ask.kind, outcome)
        {
            if self.answer(tag.as_bytes(), fields, out, cx) {
                return Replied::SILENT;
            }
        }
        self.reply_unusual(ask, errors, outcome, out, cx)
    }

    fn reply_unusual(
        &mut self,
        ask: &Ask,
        errors: &Errors,
        outcome: Outcome<'_>,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Replied {
        if self.phase == Phase::Stopped {
            return Replied::SILENT;
        }
        if let Outcome::Unhandled(name) = outcome {
            if self.compat.close_on_name_not_ascii && !name.is_ascii() {
                return self.close(CloseReason::NameNotAscii, None);
            }
        }
        match &ask.tag {
            Some(tag) => self.reply_to(tag, ask, errors, outcome, out, cx),
            None => self.finish_tell(errors, outcome),
        }
    }

    /// Answers the peer's `StartTLS` in place of a responder: grants it, or answers `TLS_ERROR` where
    /// this side has no TLS.
    pub fn reply_start_tls(
        &mut self,
        ask: &Ask,
        available: bool,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Replied {
        if available {
            return self.reply(ask, Errors::NONE, Outcome::Answered(&()), out, cx);
        }
        let refusal = RemoteError::new(TLS_ERROR, "TLS not available");
        self.reply(ask, Errors::NONE, Outcome::Remote(&refusal), out, cx)
    }

    /// Refuses an ask for TLS or another protocol that crossed such an ask of this side's own.
    ///
    /// The refusal has to be written past the gate, though it is shut: if each side waited for the
    /// other's answer, neither would ever write again.
    pub fn refuse_crossing(
        &mut self,
        ask: &Ask,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Replied {
        let code = match ask.kind {
            CommandKind::StartTls => TLS_ERROR,
            _ => BUSY,
        };
        let refusal = RemoteError::new(code, "this side has asked for the like at the same time");
        self.reply(ask, Errors::NONE, Outcome::Remote(&refusal), out, cx)
    }

    /// Ends an ask that wants no answer.
    fn finish_tell(&mut self, errors: &Errors, outcome: Outcome<'_>) -> Replied {
        let (code, fatal) = match outcome {
            // Nothing is switched, and no TLS begins, without an answer to tell the peer.
            Outcome::Answered(_) => return Replied::SILENT,
            Outcome::Declared { schema, .. } => (&*schema.code, schema.fatal),
            Outcome::Remote(error) => (&error.code[..], error.fatal),
            Outcome::Unexpected(_) => errors
                .catch_all()
                .map_or((UNKNOWN, false), |schema| (&*schema.code, schema.fatal)),
            Outcome::BadArguments(..) => (UNKNOWN, false),
            Outcome::Unhandled(_) => (UNHANDLED, false),
        };
        let fault = Some(Fault::FailedTell(describe_for_log(outcome)));
        if self.compat.close_on_failure_without_ask {
            return self.close(CloseReason::FailureWithoutAsk, fault);
        }
        if fatal {
            let code = code.to_vec();
            return self.close(CloseReason::FatalError { code }, fault);
        }
        Replied {
            boundary: None,
            fault,
        }
    }

    fn reply_to(
        &mut self,
        tag: &Tag,
        ask: &Ask,
        errors: &Errors,
        outcome: Outcome<'_>,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Replied {
        let (error, fault) = match outcome {
            Outcome::Answered(fields) => {
                match write_answer(tag.as_bytes(), fields, self.limits, out, cx) {
                    Ok(()) => return self.answered(ask.kind),
                    Err(error) => {
                        let too_long = is_too_long(&error);
                        let reply = match errors.catch_all() {
                            Some(schema) if !(too_long && self.compat.close_on_answer_too_long) => {
                                Reply::declared(schema, error.to_string())
                            }
                            _ => Reply::unknown(self.unknown_error()),
                        };
                        let fault = Some(Fault::BadAnswer(error));
                        if too_long && self.compat.close_on_answer_too_long {
                            return self.close(CloseReason::AnswerTooLong, fault);
                        }
                        (reply, fault)
                    }
                }
            }
            Outcome::Declared {
                schema,
                description,
            } => (Reply::declared(schema, description), None),
            Outcome::Remote(error) => match errors.catch_all() {
                Some(schema) if self.compat.catch_all_covers_remote_errors => {
                    // What Python's `str` makes of the exception.
                    let code = error.code.escape_ascii();
                    let description = format!("Code<{code}>: {}", error.description);
                    (Reply::declared(schema, description), None)
                }
                _ => (Reply::remote(error), None),
            },
            Outcome::Unexpected(error) => {
                let message = error.to_string();
                let fault = Some(Fault::Unexpected(format!("{error:#}")));
                match errors.catch_all() {
                    Some(schema) => (Reply::declared(schema, message), fault),
                    None => (Reply::unknown(self.unknown_error()), fault),
                }
            }
            Outcome::BadArguments(name, error) => {
                let description = if self.compat.close_on_unknown_error {
                    Cow::Borrowed(UNKNOWN_ERROR)
                } else {
                    Cow::Owned(format!("bad arguments for {}: {error}", Excerpt(name)))
                };
                (Reply::unknown(description), None)
            }
            Outcome::Unhandled(name) => {
                // Twisted quotes the whole name, and breaks when that makes the description too long.
                if self.compat.close_on_answer_too_long
                    && name.escape_ascii().count() > MAX_VALUE - "Unhandled Command: b''".len()
                {
                    return self.close(CloseReason::AnswerTooLong, None);
                }
                (Reply::unhandled(name), None)
            }
        };
        if ask.decides() && self.phase == Phase::Deciding {
            self.phase = Phase::Reading;
        }
        self.reply_error(tag, &error, fault, out)
    }

    /// Follows up on an answer that was written.
    fn answered(&mut self, kind: CommandKind) -> Replied {
        let boundary = match kind {
            CommandKind::Plain => return Replied::SILENT,
            CommandKind::ClosesAfterAnswer => Boundary::Close(CloseReason::ClosingAnswer),
            CommandKind::ProtocolSwitch => Boundary::Switch,
            CommandKind::StartTls => Boundary::StartTls,
        };
        self.phase = match boundary {
            Boundary::StartTls => Phase::Passing,
            _ => Phase::Stopped,
        };
        Replied {
            boundary: Some(boundary),
            fault: None,
        }
    }

    fn reply_error(
        &mut self,
        tag: &Tag,
        reply: &Reply<'_>,
        fault: Option<Fault>,
        out: &mut Vec<u8>,
    ) -> Replied {
        if let Err(error) = write_error(tag, reply, self.limits, out) {
            // A code chosen at run time can be too long to send; the peer must get an answer.
            let unknown = Reply::unknown(self.unknown_error());
            if write_error(tag, &unknown, self.limits, out).is_err() {
                // The tag alone is over the limit on values: this side was given a tiny one.
                return self.close(CloseReason::AnswerTooLong, Some(Fault::BadAnswer(error)));
            }
            return self.close_if_unknown(&unknown, Some(Fault::BadAnswer(error)));
        }
        self.close_if_unknown(reply, fault)
    }

    fn close_if_unknown(&mut self, reply: &Reply<'_>, fault: Option<Fault>) -> Replied {
        if reply.undeclared && self.compat.close_on_unknown_error {
            self.close(CloseReason::UnknownError, fault)
        } else if reply.fatal {
            let code = reply.code.to_vec();
            self.close(CloseReason::FatalError { code }, fault)
        } else {
            Replied {
                boundary: None,
                fault,
            }
        }
    }

    fn close(&mut self, reason: CloseReason, fault: Option<Fault>) -> Replied {
        self.phase = if self.compat.carry_on_behind_close {
            Phase::Closing
        } else {
            Phase::Stopped
        };
        Replied {
            boundary: Some(Boundary::Close(reason)),
            fault,
        }
    }
}

impl Replied {
    /// Nothing but the answer, or nothing at all.
    pub const SILENT: Self = Self {
        boundary: None,
        fault: None,
    };
}

fn describe_for_log(outcome: Outcome<'_>) -> String {
    match outcome {
        Outcome::Answered(_) => String::new(),
        Outcome::Declared {
            schema,
            description,
        } => format!("error {}: {description}", Excerpt(&schema.code)),
        Outcome::Remote(error) => error.to_string(),
        Outcome::Unexpected(error) => format!("{error:#}"),
        Outcome::BadArguments(_, error) => format!("bad arguments: {error}"),
        Outcome::Unhandled(_) => String::from("unhandled command"),
    }
}

impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(_) => f.write_str("Answered"),
            failed => write!(f, "Failed({})", describe_for_log(*failed)),
        }
    }
}
