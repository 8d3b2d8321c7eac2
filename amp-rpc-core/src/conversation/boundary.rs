use alloc::vec::Vec;

use thiserror::Error;

use crate::excerpt::Excerpt;
use crate::wire::{FrameError, Stranger};

/// A point in the stream behind which it is no longer this conversation's plain boxes.
///
/// Everything that belongs before it is in the outgoing buffer when it is reported; bytes that were
/// read behind it belong to whoever comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boundary {
    /// Write what is in the buffer, then close.
    Close(CloseReason),
    /// Write what is in the buffer, then begin TLS.
    StartTls,
    /// Write what is in the buffer, then hand the stream over to another protocol.
    Switch,
}

/// Why this side ends the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// What came is not AMP, or over a limit.
    #[error("the peer sent what is no box: {0}")]
    Frame(#[from] FrameError),
    /// The peer has begun with another protocol than AMP. Says which, and what to do about it.
    #[error("{0}")]
    Stranger(Stranger),
    /// A box came that is neither ask nor answer nor error; Twisted's `NoEmptyBoxes`.
    #[error("the peer sent a box without any of the keys _command, _answer and _error")]
    NoProtocolKeys,
    /// The program on this side closed it; [`Conversation::close_here`](super::Conversation::close_here).
    #[error("the program on this side closed the conversation")]
    ClosedHere,
    /// A responder of this side answered a fatal error.
    #[error("a responder answered the fatal error {}", Excerpt(code))]
    FatalError {
        /// The error's code.
        code: Vec<u8>,
    },
    /// A command was answered whose answer closes the connection.
    #[error("a command was answered whose answer closes the connection")]
    ClosingAnswer,
    /// `UNKNOWN` was answered; [`Compat::close_on_unknown_error`](super::Compat).
    #[error("a call failed with UNKNOWN, which closes the connection as in Twisted")]
    UnknownError,
    /// A command without `_ask` failed; [`Compat::close_on_failure_without_ask`](super::Compat).
    #[error("a command without _ask failed, which closes the connection as in Twisted")]
    FailureWithoutAsk,
    /// A tag that no call has; [`Compat::close_on_unknown_tag`](super::Compat).
    #[error(
        "an answer came with a tag that no call has, which closes the connection as in Twisted"
    )]
    UnknownTag,
    /// An error without code or description; [`Compat::close_on_incomplete_error`](super::Compat).
    #[error("an error came without code or description, which closes the connection as in Twisted")]
    IncompleteError,
    /// The peer decides on TLS or a switch that this side asked for, and meanwhile asks for more than
    /// this side can keep answers to.
    #[error(
        "more answers were due than can wait for the peer to decide on TLS or another protocol"
    )]
    TooMuchHeld,
    /// The peer does not read, and goes on asking although this side can only refuse. For those who carry
    /// the connection: the conversation itself has no queues.
    #[error("the peer goes on asking, but does not read the refusals")]
    NotReading,
    /// More file descriptors came than may be there before a box claims them.
    #[error(
        "the peer sent more than {limit} file descriptors that no box has claimed; \
         Amp::max_unclaimed_descriptors sets how many may wait"
    )]
    TooManyDescriptors {
        /// How many may wait to be claimed.
        limit: usize,
    },
    /// The system could not hand over all file descriptors that came, so it is not known any more which
    /// is which.
    #[error(
        "the system dropped file descriptors that the peer sent: this process has as many open as it \
         may, or more came at once than fit"
    )]
    DescriptorsLost,
    /// An answer that does not fit a box; [`Compat::close_on_answer_too_long`](super::Compat).
    #[error("an answer had a value over 65535 bytes, which closes the connection as in Twisted")]
    AnswerTooLong,
    /// An unknown command; [`Compat::close_on_name_not_ascii`](super::Compat).
    #[error("an unknown command's name was not ASCII, which closes the connection as in Twisted")]
    NameNotAscii,
}
