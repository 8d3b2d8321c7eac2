//! How connections and calls end, in the terms of the notation.

use amp_rpc_core::conversation::CloseReason;
use amp_rpc_core::dynamic::Values;

use crate::notation::{Cause, ErrorKind, Expected, Loss};
use crate::translate::are_same;

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// This side closed it.
    Here(CloseReason),
    /// The transport did.
    Lost(Loss),
}

impl End {
    /// The cause's name in the notation.
    pub(super) fn cause(&self) -> Option<Cause> {
        let Self::Here(reason) = self else {
            return None;
        };
        Some(match reason {
            CloseReason::Frame(_) | CloseReason::Stranger(_) => Cause::KeyTooLong,
            CloseReason::NoProtocolKeys => Cause::NoProtocolKeys,
            CloseReason::ClosedHere => Cause::ResponderClosed,
            CloseReason::FatalError { .. } => Cause::FatalError,
            CloseReason::ClosingAnswer => Cause::ClosingAnswer,
            CloseReason::UnknownError => Cause::UnknownError,
            CloseReason::FailureWithoutAsk => Cause::FailureWithoutAsk,
            CloseReason::UnknownTag => Cause::UnknownTag,
            CloseReason::IncompleteError => Cause::IncompleteErrorBox,
            CloseReason::AnswerTooLong => Cause::AnswerTooLong,
            CloseReason::NameNotAscii => Cause::CommandNameNotAscii,
            _ => return None,
        })
    }

    /// Python's class of the reason that a connection ends with in this way.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Lost(Loss::ConnectionLost) => "ConnectionLost",
            Self::Lost(Loss::ConnectionDone) => "ConnectionDone",
            Self::Here(CloseReason::UnknownTag | CloseReason::IncompleteError) => "KeyError",
            Self::Here(CloseReason::NoProtocolKeys) => "NoEmptyBoxes",
            Self::Here(CloseReason::NameNotAscii) => "UnicodeDecodeError",
            Self::Here(_) => "ConnectionDone",
        }
    }

    /// Python's class of the reason that calls under way fail with.
    /// `tls_unproven`: TLS was begun and nothing has come over it.
    pub(super) fn class_for_calls(&self, tls_unproven: bool) -> &'static str {
        match (self, self.class()) {
            (Self::Here(CloseReason::Frame(_) | CloseReason::Stranger(_)), _) => "TooLong",
            (_, "ConnectionDone" | "ConnectionLost") if tls_unproven => "PeerVerifyError",
            (_, class) => class,
        }
    }
}

/// How a call of this side ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    Result(Values),
    Declared {
        label: String,
        description: String,
    },
    UnknownRemote {
        description: String,
    },
    Unhandled {
        description: String,
    },
    BadAnswer,
    /// The peer's error has no code or no description. In Twisted such a call never ends.
    HalfError,
    /// Nothing was sent, since a required argument is missing.
    Incomplete,
    /// Nothing was sent, since the arguments or the moment do not allow it.
    Local,
    Ended(&'static str),
    /// The stream belongs to another protocol.
    Switched,
    /// No answer was wanted.
    None,
}

/// Classes of exceptions that are not about the answer to a call.
const NOT_OF_ANSWERS: [&str; 3] = ["InvalidSignature", "TooLong", "NoEmptyBoxes"];

/// Whether a call ended as it should, in the step in which it should.
pub(super) fn is_expected(wanted: &Expected, got: Option<&(Outcome, usize)>) -> bool {
    let Some((outcome, at)) = got else {
        return matches!(wanted, Expected::Pending { .. });
    };
    let is_text = |wanted: &Option<String>, got: &String| wanted.as_ref().is_none_or(|w| w == got);
    match wanted {
        Expected::Pending { .. } => *outcome == Outcome::HalfError,
        Expected::Result { result, step } => {
            step == at && matches!(outcome, Outcome::Result(values) if are_same(result, values))
        }
        Expected::None { step } => {
            // Nobody waits for such a call, so nobody minds that it was not sent.
            step == at && matches!(outcome, Outcome::None | Outcome::Ended(_))
        }
        Expected::LocalError { step, .. } => {
            let local = [Outcome::Local, Outcome::Incomplete, Outcome::Switched];
            step == at && local.contains(outcome)
        }
        Expected::Error {
            kind,
            step,
            error,
            description,
            class,
        } => {
            let class = class.as_deref().unwrap_or_default();
            let same = match (kind, outcome) {
                (
                    ErrorKind::Declared,
                    Outcome::Declared {
                        label,
                        description: text,
                    },
                ) => is_text(error, label) && is_text(description, text),
                (ErrorKind::UnknownRemote, Outcome::UnknownRemote { description: text })
                | (ErrorKind::UnhandledCommand, Outcome::Unhandled { description: text }) => {
                    is_text(description, text)
                }
                (ErrorKind::ConnectionLost, Outcome::Ended(got)) => {
                    class.is_empty() || class == *got
                }
                (ErrorKind::Other, Outcome::Ended(got)) => class == *got,
                (ErrorKind::Other, Outcome::BadAnswer | Outcome::HalfError) => {
                    !NOT_OF_ANSWERS.contains(&class)
                }
                // Twisted's `StartTLS` cannot be made without TLS.
                (ErrorKind::Other, Outcome::Local) => class == "RuntimeError",
                (ErrorKind::Other, Outcome::Incomplete) => class == "InvalidSignature",
                _ => false,
            };
            same && step == at
        }
    }
}
