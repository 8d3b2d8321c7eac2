//! How a call can end other than with its answer.

use std::fmt;

use amp_rpc_core::{CommandError, DecodeError, EncodeError, Excerpt, NoErrors, RemoteError};
use thiserror::Error;

use crate::end::EndReason;
use crate::reconnecting::NotConnected;

/// How a call ended other than with its answer; `E` has the errors that the command declares.
#[derive(Error)]
#[non_exhaustive]
pub enum CallError<E = NoErrors>
where
    E: CommandError,
{
    /// An error that the command declares. The connection stays, unless it is fatal: then the peer
    /// closes it.
    #[error("the peer answered with an error: {description}")]
    Declared {
        /// The error.
        #[source]
        error: E,
        /// What the peer says of it.
        description: String,
    },
    /// The peer has no such command. Twisted's `UnhandledCommand`.
    #[error(
        "the peer has no responder for the command {}: {description}",
        Excerpt(command)
    )]
    Unhandled {
        /// The command's name.
        command: Vec<u8>,
        /// What the peer says of it.
        description: String,
    },
    /// An error that the command does not declare, such as `UNKNOWN`. Twisted's `UnknownRemoteError`.
    #[error("the peer answered with an error that the command does not declare")]
    Remote(#[source] Box<RemoteError>),
    /// The answer is not what the command declares. The connection stays.
    #[error(transparent)]
    BadAnswer(BadAnswer),
    /// The command cannot be sent as it is. Nothing was sent.
    #[error(transparent)]
    Local(LocalError),
    /// The time for the call is over: see [`Call::timeout`](crate::Call::timeout). The connection stays.
    #[error("no answer to {} came in time", Excerpt(command))]
    TimedOut {
        /// The command's name.
        command: Box<[u8]>,
        /// Whether it was sent, so that the peer may have carried it out.
        was_sent: bool,
    },
    /// The connection ended before the answer came, or before the call was made.
    #[error("the connection ended before the answer came")]
    Ended(#[source] EndReason),
    /// There was no connection on which a [`ReconnectingPeer`](crate::ReconnectingPeer) could send the
    /// command. Nothing was sent.
    #[error(transparent)]
    NotConnected(NotConnected),
}

/// Names are printed as text.
impl<E: CommandError> fmt::Debug for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared { error, description } => f
                .debug_struct("Declared")
                .field("error", error)
                .field("description", description)
                .finish(),
            Self::Unhandled {
                command,
                description,
            } => f
                .debug_struct("Unhandled")
                .field("command", &Excerpt(command))
                .field("description", description)
                .finish(),
            Self::Remote(error) => f.debug_tuple("Remote").field(error).finish(),
            Self::BadAnswer(error) => error.fmt(f),
            Self::Local(error) => error.fmt(f),
            Self::TimedOut { command, was_sent } => f
                .debug_struct("TimedOut")
                .field("command", &Excerpt(command))
                .field("was_sent", was_sent)
                .finish(),
            Self::Ended(reason) => f.debug_tuple("Ended").field(reason).finish(),
            Self::NotConnected(why) => f.debug_tuple("NotConnected").field(why).finish(),
        }
    }
}

/// An answer that cannot be read: which command's, which key, what was expected.
#[derive(Clone, PartialEq, Eq)]
pub struct BadAnswer {
    pub(crate) command: Box<[u8]>,
    pub(crate) problem: AnswerProblem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AnswerProblem {
    Fields(DecodeError),
    IncompleteError,
}

impl BadAnswer {
    /// The key whose value is wrong or missing; `None` where the peer sent an error without its code
    /// or description.
    pub fn key(&self) -> Option<&[u8]> {
        match &self.problem {
            AnswerProblem::Fields(error) => error.key(),
            AnswerProblem::IncompleteError => None,
        }
    }
}

impl fmt::Debug for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BadAnswer({self})")
    }
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad answer to {}: ", Excerpt(&self.command))?;
        match &self.problem {
            AnswerProblem::Fields(error) => error.fmt(f),
            AnswerProblem::IncompleteError => f.write_str("an error without code or description"),
        }
    }
}

impl std::error::Error for BadAnswer {}

/// A command that cannot be sent: which, which argument, and why.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalError {
    pub(crate) command: Box<[u8]>,
    pub(crate) problem: LocalProblem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LocalProblem {
    Encode(EncodeError),
    TlsAlready,
    TlsRefused,
    NoTls,
    NoTaker,
    OneConnection,
}

impl LocalError {
    /// What is wrong with which argument; `None` where it is not about an argument.
    pub fn encode_error(&self) -> Option<&EncodeError> {
        match &self.problem {
            LocalProblem::Encode(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Debug for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalError({self})")
    }
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot send {}: ", Excerpt(&self.command))?;
        match &self.problem {
            LocalProblem::Encode(error) => error.fmt(f),
            LocalProblem::TlsAlready => f.write_str("TLS was started on this connection before"),
            LocalProblem::TlsRefused => f.write_str("it waited for TLS, which the peer refused"),
            LocalProblem::NoTls => f.write_str(
                "this side has no TLS; set it with Peer::set_tls or Amp::tls, and with a certificate \
                 where this side is the one that accepted the connection",
            ),
            LocalProblem::NoTaker => f.write_str(
                "its answer hands the stream over; call it with Peer::switch, over a stream of bytes",
            ),
            LocalProblem::OneConnection => f.write_str(
                "it changes one connection, and a reconnecting peer has many; call it on the Peer that \
                 the function given to Reconnecting::on_connect gets",
            ),
        }
    }
}

impl std::error::Error for LocalError {}

/// Why a command could not be sent with `tell`.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum TellError {
    /// The command cannot be sent as it is. Nothing was sent.
    #[error(transparent)]
    Local(LocalError),
    /// There was no room in time: see [`Tell::timeout`](crate::Tell::timeout). Nothing was sent.
    #[error("the command could not be queued in time: the peer reads too slowly")]
    TimedOut,
    /// The connection has ended.
    #[error("the connection has ended")]
    Ended(#[source] EndReason),
    /// There was no connection on which a [`ReconnectingPeer`](crate::ReconnectingPeer) could send the
    /// command. Nothing was sent.
    #[error(transparent)]
    NotConnected(NotConnected),
}
