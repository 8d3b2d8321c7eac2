//! Which cases may differ from Twisted, and why.
//!
//! Rules speak of levels, types, causes and shapes, never of single cases, and never excuse a case of
//! level `core`. The guide's "Differences from Twisted" lists them.

use amp_rpc_core::wire;

use crate::conversations::Mode;
use crate::notation::{
    BehaviorKind, Cause, CommandNote, ConversationCase, Event, Expected, Kind, Level, Name,
    Returned, Split, TypeNote, ValueNote,
};
use crate::translate;
use crate::types::{self, Problem};

/// A reason to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name in reports.
    pub name: &'static str,
    /// Why.
    pub why: &'static str,
}

/// Boxes behind `StartTLS`.
pub const PLAIN_BEHIND_TLS: Rule = Rule {
    name: "plain boxes behind StartTLS",
    why: "What came in plain text behind StartTLS is never carried out as if it had come over TLS.",
};

/// Errors that nobody handles.
pub const IGNORED_ERROR: Rule = Rule {
    name: "a caller that ignores an error",
    why: "An error that a caller does not look at ends its call, not the connection.",
};

/// Answers with more fields than declared.
pub const UNDECLARED_FIELD: Rule = Rule {
    name: "an answer with a field that is not declared",
    why: "A field that a command does not declare is an error of this side's program, not left out in silence.",
};

/// Requests behind what closes the connection.
pub const BEHIND_CLOSING: Rule = Rule {
    name: "requests behind what closes the connection",
    why: "Requests that came in the same read behind a fatal error or a closing answer are not carried out.",
};

/// Codes chosen at run time.
pub const RUN_TIME_CODE: Rule = Rule {
    name: "a code chosen at run time under a catch-all",
    why: "A responder that chooses a code means it, also where its command declares an error for all others.",
};

/// Lists that end within an element.
pub const CUT_LIST: Rule = Rule {
    name: "a list that is cut off",
    why: "Half a list is no list: it does not lose an element in silence.",
};

/// What falls due before the peer has decided about TLS or another protocol.
pub const OWN_ASK_UNDECIDED: Rule = Rule {
    name: "while this side's own ask is undecided",
    why: "What falls due meanwhile waits, and is sent when the peer has refused TLS or the other protocol.",
};

/// What comes before this side has decided about TLS or another protocol.
pub const PEERS_ASK_UNDECIDED: Rule = Rule {
    name: "boxes behind an undecided ask",
    why: "What comes behind an ask for TLS or another protocol may be the other protocol's, so it waits.",
};

/// A second StartTLS.
pub const TLS_ONCE: Rule = Rule {
    name: "TLS begins once",
    why: "A second StartTLS of this side is refused before anything is sent.",
};

/// Descriptions that no box can hold.
pub const LONG_DESCRIPTION: Rule = Rule {
    name: "a description over 65535 bytes",
    why: "The caller should learn of the error: its description is cut at the end of a character.",
};

/// Values of another type than declared.
pub const OTHER_TYPE: Rule = Rule {
    name: "a value of another type than declared",
    why: "A value of another type is an error of this side's program; Python takes any true value for a Boolean.",
};

/// Paths.
pub const PATH_AS_SENT: Rule = Rule {
    name: "a path stays as it was sent",
    why: "What a program opens should be its own decision: paths are not made absolute, nor their dots removed.",
};

/// Python's limit on digits.
pub const MANY_DIGITS: Rule = Rule {
    name: "more digits than Python reads",
    why: "Python refuses to read more than 4300 digits unless it is told to; here any number is read that fits a value.",
};

/// Offsets.
pub const ODD_OFFSET: Rule = Rule {
    name: "an offset of a day or more, or with more than 59 minutes",
    why: "Twisted takes offsets that Python then cannot use; here they are no time.",
};

/// Lists of rows as elements.
pub const LIST_OF_ROWS: Rule = Rule {
    name: "a list of AmpLists",
    why: "Twisted reads every element of a ListOf(AmpList) as nothing; here it is the rows.",
};

/// Values longer than a box holds.
pub const TOO_LONG_ALONE: Rule = Rule {
    name: "a value longer than 65535 bytes by itself",
    why: "Twisted finds out when the box is put together, here it is refused when the value is written.",
};

/// The rule that allows a case of a type to differ like this.
pub fn of_type(case: &types::Case, problem: &Problem) -> Option<&'static Rule> {
    let is = |name: &str| matches!(&case.ty, TypeNote::Plain(plain) if plain == name);
    let encodes = case.op == types::Op::Encode;
    let is_list_of_rows =
        matches!(&case.ty, TypeNote::ListOf(element) if matches!(**element, TypeNote::AmpList(_)));
    match problem {
        Problem::Refused(_) if encodes && !is_of_type(&case.ty, case.value.as_ref()) => {
            Some(&OTHER_TYPE)
        }
        Problem::TooLong(_) if encodes => Some(&TOO_LONG_ALONE),
        Problem::Taken(_) if is("Integer") && case.level == Level::Pyrange => Some(&MANY_DIGITS),
        Problem::Refused(_) | Problem::Unholdable(_) if is("DateTime") => Some(&ODD_OFFSET),
        Problem::Other(_) if is("Path") => Some(&PATH_AS_SENT),
        _ if is_list_of_rows => Some(&LIST_OF_ROWS),
        _ => None,
    }
}

/// Whether a value is tagged with the name of its plain type.
fn is_of_type(ty: &TypeNote, value: Option<&ValueNote>) -> bool {
    match (ty, value) {
        (TypeNote::Plain(name), Some(value)) => value.tag() == Some(name.as_str()),
        _ => true,
    }
}

/// The rule that allows the case to differ in these modes.
pub fn conversation(case: &ConversationCase, modes: &[Mode]) -> Option<&'static Rule> {
    let by_default_only = !modes.is_empty() && modes.iter().all(|mode| *mode == Mode::Default);
    if by_default_only && carries_on_behind_closing(case) {
        return Some(&BEHIND_CLOSING);
    }
    if by_default_only && has_catch_all(case) && behaves(case, &relays_errors) {
        return Some(&RUN_TIME_CODE);
    }
    if by_default_only && has_lists(case) {
        return Some(&CUT_LIST);
    }
    if ends_with(case, Cause::CallerDidNotHandle) && modes.is_empty() {
        return Some(&IGNORED_ERROR);
    }
    if has_boxes_behind_start_tls(case) {
        return Some(&PLAIN_BEHIND_TLS);
    }
    if returns_undeclared_field(case) {
        return Some(&UNDECLARED_FIELD);
    }
    if boundary_calls(case, Kind::StartTls) > 1 {
        return Some(&TLS_ONCE);
    }
    if is_own_ask_refused(case) {
        return Some(&OWN_ASK_UNDECIDED);
    }
    if is_peers_ask_deferred(case) {
        return Some(&PEERS_ASK_UNDECIDED);
    }
    if ends_with(case, Cause::AnswerTooLong) && behaves(case, &describes_too_long) {
        return Some(&LONG_DESCRIPTION);
    }
    None
}

/// Whether a responder behaves in some way, at once or later.
fn behaves(case: &ConversationCase, is_meant: &dyn Fn(&BehaviorKind) -> bool) -> bool {
    let at_once = case.responders.iter().map(|(_, behavior)| behavior);
    let later = case.steps.iter().filter_map(|step| step.resolve.as_ref());
    at_once
        .chain(later.map(|resolve| &resolve.with))
        .any(|behavior| behavior.contains(is_meant))
}

/// An error in its wire form: the responder's own, or one that it was answered itself.
fn relays_errors(behavior: &BehaviorKind) -> bool {
    matches!(
        behavior,
        BehaviorKind::RaisesRemoteError { .. } | BehaviorKind::Calls(..)
    )
}

fn describes_too_long(behavior: &BehaviorKind) -> bool {
    match behavior {
        BehaviorKind::Raises { message, .. } => message.len() > wire::MAX_VALUE,
        BehaviorKind::RaisesRemoteError { description, .. } => description.len() > wire::MAX_VALUE,
        _ => false,
    }
}

fn has_catch_all(case: &ConversationCase) -> bool {
    (case.commands.iter()).any(|command| {
        let mut errors = command.errors.iter().chain(command.fatal_errors.iter());
        errors.any(|(label, _)| label == translate::ANY)
    })
}

fn has_lists(case: &ConversationCase) -> bool {
    (case.commands.iter()).any(|command| {
        let mut fields = command.arguments.iter().chain(&command.response);
        fields.any(|field| !matches!(field.ty, TypeNote::Plain(_)))
    })
}

fn kind_of(case: &ConversationCase, name: &Name) -> Option<Kind> {
    let command = case.commands.iter().find(|command| command.name == *name);
    command.map(|command| command.kind)
}

/// How many calls of this side are for TLS or another protocol.
fn boundary_calls(case: &ConversationCase, kind: Kind) -> usize {
    let calls = case.steps.iter().filter_map(|step| step.call.as_ref());
    calls
        .filter(|call| kind_of(case, &call.command) == Some(kind))
        .count()
}

/// This side asks for TLS or another protocol, and the peer refuses.
fn is_own_ask_refused(case: &ConversationCase) -> bool {
    let mut calls = case.steps.iter().filter_map(|step| step.call.as_ref());
    calls.any(|call| {
        let kind = kind_of(case, &call.command);
        matches!(kind, Some(Kind::StartTls | Kind::ProtocolSwitch))
            && matches!(case.calls.get(&call.id), Some(Expected::Error { .. }))
    })
}

/// A responder takes its time to decide about TLS or another protocol.
fn is_peers_ask_deferred(case: &ConversationCase) -> bool {
    case.responders.iter().any(|(name, behavior)| {
        let kind = kind_of(case, name);
        matches!(kind, Some(Kind::StartTls | Kind::ProtocolSwitch))
            && behavior
                .contains(&|kind| matches!(kind, BehaviorKind::Defers(_) | BehaviorKind::Calls(..)))
    })
}

fn ends_with(case: &ConversationCase, cause: Cause) -> bool {
    case.steps
        .iter()
        .any(|step| step.close_cause == Some(cause))
}

/// A step that closes, whose outcome depends on what came in the same read.
fn carries_on_behind_closing(case: &ConversationCase) -> bool {
    let causes = [Some(Cause::FatalError), Some(Cause::ClosingAnswer)];
    case.recv_split == Split::Exact
        && (case.steps.iter()).any(|step| step.recv.is_some() && causes.contains(&step.close_cause))
}

/// TLS starts in a step that also has output over TLS which nothing but the peer's bytes of that very
/// step can have asked for.
fn has_boxes_behind_start_tls(case: &ConversationCase) -> bool {
    case.steps.iter().any(|step| {
        step.recv.is_some()
            && step.events.contains(&Event::StartsTls)
            && !step.output_tls.0.is_empty()
    })
}

fn returns_undeclared_field(case: &ConversationCase) -> bool {
    let declared = |command: &CommandNote, name| command.response.iter().any(|f| f.name == name);
    case.commands.iter().any(|command| {
        let behavior = case.responders.get(&command.name);
        let Some(BehaviorKind::Returns(fields)) = behavior.map(|behavior| behavior.kind()) else {
            return false;
        };
        let mut names = fields.iter().map(|(name, _): (_, &Returned)| name.clone());
        command.kind == Kind::Command && names.any(|name| !declared(command, name))
    })
}
