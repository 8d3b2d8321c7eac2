use serde::Deserialize;

use super::behavior::Behavior;
use super::fields::FieldNote;
use super::file::Level;
use super::text::{Hex, Name, Ordered};
use super::value::ValueNote;

/// A transcript of one side of a connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationCase {
    /// Unique.
    pub id: String,
    /// For people.
    pub why: String,
    /// How binding it is.
    pub level: Level,
    /// The schemas.
    pub commands: Vec<CommandNote>,
    /// Which errors are kinds of which.
    #[serde(default)]
    pub error_parents: Ordered<String, String>,
    /// Who carries the commands out.
    #[serde(default)]
    pub responders: Ordered<Name, Behavior>,
    /// Responders on the level of boxes, by their names in capitals.
    #[serde(default)]
    pub string_responders: Ordered<Name, Behavior>,
    /// What happens.
    pub steps: Vec<Step>,
    /// Whether the outcome depends on how the peer's bytes are cut.
    pub recv_split: Split,
    /// What the responders were given.
    pub seen: Vec<Seen>,
    /// How this side's calls ended.
    pub calls: Ordered<String, Expected>,
    /// Whether the connection was closed at the end.
    pub closed: bool,
    /// Python's class of the reason.
    pub end_reason: Option<String>,
    /// What the other protocol has got.
    pub inner_received: Option<Hex>,
    /// Whether descriptions of errors stand as `(free text)`.
    #[serde(default)]
    pub free_description: bool,
    /// Tags of this side's calls that occur.
    #[serde(default)]
    pub own_tags: Vec<Name>,
    /// Whether TLS can be started; left out: yes.
    pub tls_available: Option<bool>,
}

/// A command's schema.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandNote {
    /// Its name on the wire.
    pub name: Name,
    /// What its answer does.
    #[serde(default)]
    pub kind: Kind,
    /// The arguments.
    pub arguments: Vec<FieldNote>,
    /// The response.
    pub response: Vec<FieldNote>,
    /// Declared errors, from label to code.
    #[serde(default)]
    pub errors: Ordered<String, Name>,
    /// Those behind which this side closes.
    #[serde(default)]
    pub fatal_errors: Ordered<String, Name>,
    /// Left out: yes.
    pub requires_answer: Option<bool>,
    /// Left out: no.
    #[serde(default)]
    pub closes_after_answer: bool,
}

/// What a command's answer does to the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing.
    #[default]
    Command,
    /// Another protocol takes it over.
    ProtocolSwitch,
    /// TLS begins.
    StartTls,
}

/// One step: what happens, and what was recorded of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The peer's bytes.
    pub recv: Option<Hex>,
    /// This side calls.
    pub call: Option<CallNote>,
    /// A responder that deferred goes on.
    pub resolve: Option<Resolve>,
    /// The transport reports the end.
    pub lose: Option<Loss>,
    /// Bytes written in plain text.
    #[serde(default)]
    pub output: Hex,
    /// Bytes written over TLS.
    #[serde(default)]
    pub output_tls: Hex,
    /// What else happened.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Whether this side closed.
    #[serde(default)]
    pub closes: bool,
    /// Why.
    pub close_cause: Option<Cause>,
    /// The exception in Twisted.
    #[serde(rename = "raised")]
    pub _raised: Option<String>,
    /// Whether the output may never leave.
    #[serde(default)]
    pub output_may_be_lost: bool,
    /// Whether the connection was closed before.
    #[serde(default)]
    pub unread: bool,
}

/// A call of this side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallNote {
    /// Unique in the case.
    pub id: String,
    /// The command's name.
    pub command: Name,
    /// Its arguments.
    pub arguments: Ordered<Name, ValueNote>,
    /// Whether the program handles an error of the call; left out: yes.
    pub handles_errors: Option<bool>,
}

/// A responder that deferred goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// The number it deferred with.
    pub n: u64,
    /// What it does now.
    pub with: Behavior,
}

/// How the transport ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Loss {
    /// The peer closed it.
    ConnectionDone,
    /// The network failed.
    ConnectionLost,
}

/// What else happens in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// TLS begins.
    StartsTls,
    /// Another protocol takes over.
    Switched,
    /// It does not: this side's call for it failed.
    SwitchRefused,
    /// The other protocol lost its connection.
    InnerLost,
}

/// Why Twisted closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the notation names them")]
pub enum Cause {
    UnknownError,
    FatalError,
    ClosingAnswer,
    FailureWithoutAsk,
    UnknownTag,
    IncompleteErrorBox,
    NoProtocolKeys,
    KeyTooLong,
    AnswerTooLong,
    CommandNameNotAscii,
    CallerDidNotHandle,
    ResponderClosed,
}

/// Whether the outcome depends on how the peer's bytes are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// The same when they come one at a time.
    Any,
    /// It depends.
    Exact,
}

/// What a responder was given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The command.
    pub command: Name,
    /// Its arguments.
    pub arguments: Ordered<Name, ValueNote>,
    /// In which step.
    pub step: usize,
}

/// How a call of this side ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "outcome", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the notation names them")]
pub enum Expected {
    Result {
        result: Ordered<Name, ValueNote>,
        step: usize,
    },
    Error {
        kind: ErrorKind,
        step: usize,
        error: Option<String>,
        description: Option<String>,
        class: Option<String>,
    },
    LocalError {
        step: usize,
        class: Option<String>,
    },
    None {
        step: usize,
    },
    Pending {
        step: Option<usize>,
    },
}

/// The kinds of errors of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the notation names them")]
pub enum ErrorKind {
    Declared,
    UnknownRemote,
    UnhandledCommand,
    ConnectionLost,
    Other,
}

impl Expected {
    /// The step in which the call ends.
    pub fn step(&self) -> Option<usize> {
        match self {
            Self::Result { step, .. }
            | Self::Error { step, .. }
            | Self::LocalError { step, .. }
            | Self::None { step } => Some(*step),
            Self::Pending { .. } => None,
        }
    }
}
