use alloc::boxed::Box;
use alloc::vec::Vec;

use super::boundary::Boundary;
use super::calls::{Calls, Lookup};
use super::metadata::{DEADLINE, TRACEPARENT};
use super::reply::write_box;
use super::tag::CallId;
use crate::context::Context;
use crate::error::EncodeError;
use crate::fields::WriteFields;
use crate::schema::CommandKind;
use crate::wire::{Limits, ProtocolPairs, protocol};

/// The half of a conversation that asks, and the gate through which everything is written.
///
/// ```text
///              own ask that switches         the answer: Boundary::Switch, Boundary::StartTls
///              or starts TLS
///   ┌──────┐ ────────────────────────► ┌──────┐ ─────────────────► ┌────────┐
///   │ Open │                           │ Shut │                    │ Passed │
///   └──────┘ ◄──────────────────────── └──────┘                    └────────┘
///       ▲      the error: refused                                       │
///       └───────────────────────────────────────────────────────────────┘
///              TLS has begun
/// ```
///
/// While the gate is shut, nothing may be written: the peer may take the next byte for the other
/// protocol's. Answers that fall due are held, and calls wait.
///
/// `T` is what the caller keeps with each call.
#[derive(Debug)]
pub struct Asking<T> {
    /// The calls under way.
    pub calls: Calls<T>,
    limits: Limits,
    gate: Gate,
    tls: bool,
    /// Answers that wait for the gate to open, once there were any.
    held: Option<Box<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    answers: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Shut { by: CallId, kind: CommandKind },
    Passed,
    Ended,
}

/// What a call begins with.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The command's name.
    pub command: &'a [u8],
    /// What its answer does to the connection.
    pub kind: CommandKind,
    /// How long the caller still waits, for a peer that knows [`DEADLINE`].
    pub deadline: Option<&'a [u8]>,
    /// The caller's span, for a peer that knows [`TRACEPARENT`].
    pub traceparent: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    /// Without metadata.
    pub const fn new(command: &'a [u8], kind: CommandKind) -> Self {
        Self {
            command,
            kind,
            deadline: None,
            traceparent: None,
        }
    }
}

/// Why a call could not be made. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskRefused {
    /// The gate is shut: try again when it opens.
    Shut,
    /// All tags are in use.
    Full,
    /// The conversation is over.
    Ended,
    /// TLS was started before on this connection.
    TlsAlready,
    /// The call waited for TLS, which the peer refused.
    TlsRefused,
    /// An argument cannot be encoded.
    Encode(EncodeError),
}

/// What a received answer or error means for this side's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It belongs to this call, which may be one that nobody waits for any more if it has an effect:
    /// the gate depends on the answer all the same.
    Call {
        /// The call.
        id: CallId,
        /// What its answer brings about.
        effect: Effect,
    },
    /// It belongs to a call that nobody waits for any more.
    Late,
    /// It belongs to no call.
    Unknown,
}

/// What an answer or error brings about, besides ending its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// The peer agreed to a boundary. The gate stays shut until it is passed.
    Agreed(Boundary),
    /// The peer refused what shut the gate, which is open again. Calls that waited for TLS must
    /// fail, since they were not meant for plain text; those that waited for a switch may be made.
    Refused(CommandKind),
}

/// Appends the ask of a call that has nothing besides its arguments, whatever the gate says. Where it cannot be encoded, `out` is as
/// before.
///
/// # Errors
///
/// When a value cannot be encoded, or the box is over the limits.
#[inline(always)]
pub fn write_ask<F: WriteFields + ?Sized>(
    call: CallId,
    command: &[u8],
    fields: &F,
    limits: Limits,
    out: &mut Vec<u8>,
    cx: &mut dyn Context,
) -> Result<(), EncodeError> {
    let protocol = ProtocolPairs::Ask {
        tag: call.short_tag(),
        command,
    };
    write_box(protocol, fields, limits, out, cx)
}

impl<T> Asking<T> {
    /// The half of a new conversation.
    pub const fn new(limits: Limits) -> Self {
        Self {
            calls: Calls::new(),
            limits,
            gate: Gate::Open,
            held: None,
            tls: false,
        }
    }

    /// Whether calls can be written now.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.gate == Gate::Open
    }

    /// Makes a call of a plain command without metadata, if the gate is open, a tag is free and it can be encoded, as
    /// [`ask`](Self::ask) does. `None` says that nothing was done: `ask` says why.
    #[inline]
    pub fn ask_plainly(
        &mut self,
        command: &[u8],
        fields: &dyn WriteFields,
        fill: impl FnOnce(&mut Option<T>),
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Option<CallId> {
        if self.gate != Gate::Open {
            return None;
        }
        let id = self.calls.next_id()?;
        write_ask(id, command, fields, self.limits, out, cx).ok()?;
        self.calls.insert_with(fill);
        Some(id)
    }

    /// Makes a call: appends it to `out`, and keeps with it what `fill` puts in its place, as
    /// [`Calls::insert_with`] says.
    ///
    /// # Errors
    ///
    /// See [`AskRefused`]; `out` is as before.
    pub fn ask<F: WriteFields + ?Sized>(
        &mut self,
        head: Head<'_>,
        fields: &F,
        fill: impl FnOnce(&mut Option<T>),
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Result<CallId, AskRefused> {
        let kind = head.kind;
        self.check_gate(kind)?;
        let id = self.calls.next_id().ok_or(AskRefused::Full)?;
        let written = if head.deadline.is_none() && head.traceparent.is_none() {
            write_ask(id, head.command, fields, self.limits, out, cx)
        } else {
            let tag = id.tag();
            let metadata = [(DEADLINE, head.deadline), (TRACEPARENT, head.traceparent)];
            let mut pairs = [(protocol::ASK, tag.as_bytes()); 4];
            pairs[1] = (protocol::COMMAND, head.command);
            let mut count = 2;
            for (key, value) in metadata {
                if let Some(value) = value {
                    pairs[count] = (key, value);
                    count += 1;
                }
            }
            let protocol = ProtocolPairs::List(&pairs[..count]);
            write_box(protocol, fields, self.limits, out, cx)
        };
        written.map_err(AskRefused::Encode)?;
        // The slot is free and its tag is written: nothing can come between.
        self.calls.insert_with(fill);
        if matches!(kind, CommandKind::ProtocolSwitch | CommandKind::StartTls) {
            self.gate = Gate::Shut { by: id, kind };
        }
        Ok(id)
    }

    /// Calls a command without asking for an answer.
    ///
    /// # Errors
    ///
    /// See [`AskRefused`]; `out` is as before.
    #[inline]
    pub fn tell<F: WriteFields + ?Sized>(
        &mut self,
        command: &[u8],
        fields: &F,
        out: &mut Vec<u8>,
        cx: &mut dyn Context,
    ) -> Result<(), AskRefused> {
        self.check_gate(CommandKind::Plain)?;
        let protocol = [(protocol::COMMAND, command)];
        let protocol = ProtocolPairs::List(&protocol);
        write_box(protocol, fields, self.limits, out, cx).map_err(AskRefused::Encode)
    }

    #[inline]
    fn check_gate(&self, kind: CommandKind) -> Result<(), AskRefused> {
        match self.gate {
            Gate::Open if kind == CommandKind::StartTls && self.tls => Err(AskRefused::TlsAlready),
            Gate::Open => Ok(()),
            Gate::Shut { .. } | Gate::Passed => Err(AskRefused::Shut),
            Gate::Ended => Err(AskRefused::Ended),
        }
    }

    /// Moves answers, which were written apart, to `out`, or holds them while the gate is shut.
    #[inline]
    pub fn release_answers(&mut self, answers: &mut Vec<u8>, out: &mut Vec<u8>) {
        match self.gate {
            Gate::Open if out.is_empty() => core::mem::swap(answers, out),
            Gate::Open => out.append(answers),
            Gate::Shut { .. } | Gate::Passed => {
                let held = self.held.get_or_insert_default();
                held.answers.append(answers);
            }
            Gate::Ended => answers.clear(),
        }
    }

    /// Whether the gate is shut because of a call of this side that is not decided yet. An ask of the
    /// peer for TLS or another protocol that comes meanwhile crosses it: see
    /// [`Answering::refuse_crossing`](super::Answering::refuse_crossing).
    pub fn is_undecided(&self) -> bool {
        matches!(self.gate, Gate::Shut { .. })
    }

    /// Whether the gate is shut because of this call.
    pub fn is_decided_by(&self, call: CallId) -> bool {
        matches!(self.gate, Gate::Shut { by, .. } if by == call)
    }

    /// How many bytes of answers are held. Bound it: the peer decides how long the gate is shut.
    pub fn held(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.answers.len())
    }

    /// Finds out whose answer this is. `out` gets the answers that were held, if it opens the gate.
    #[inline]
    pub fn received(&mut self, tag: &[u8], is_error: bool, out: &mut Vec<u8>) -> Received {
        match CallId::parse(tag) {
            Some(id) => self.received_id(id, is_error, out),
            None => Received::Unknown,
        }
    }

    /// Notes the answer to a call, if the call waits and the gate is open, and gives access to what is kept with it.
    /// That is what [`received`](Self::received) and [`Calls::answered`] do in that case; otherwise nothing is done.
    #[inline]
    pub fn answer_plainly(&mut self, id: CallId) -> Option<&mut T> {
        match self.gate {
            Gate::Open => self.calls.answered(id),
            _ => None,
        }
    }

    /// The same as [`received`](Self::received) for a tag that was read already.
    #[inline]
    pub fn received_id(&mut self, id: CallId, is_error: bool, out: &mut Vec<u8>) -> Received {
        match self.calls.lookup_id(id) {
            Lookup::Waiting(id) => Received::Call {
                id,
                effect: self.effect(id, is_error, out),
            },
            Lookup::Late => {
                self.calls.forget_abandoned(id);
                match self.effect(id, is_error, out) {
                    Effect::None => Received::Late,
                    effect => Received::Call { id, effect },
                }
            }
            Lookup::Unknown => Received::Unknown,
        }
    }

    fn effect(&mut self, id: CallId, is_error: bool, out: &mut Vec<u8>) -> Effect {
        match self.gate {
            Gate::Shut { by, kind } if by == id => self.decided(kind, is_error, out),
            _ => Effect::None,
        }
    }

    fn decided(&mut self, kind: CommandKind, refused: bool, out: &mut Vec<u8>) -> Effect {
        if refused {
            self.gate = Gate::Open;
            self.release(out);
            return Effect::Refused(kind);
        }
        self.gate = Gate::Passed;
        Effect::Agreed(match kind {
            CommandKind::StartTls => Boundary::StartTls,
            _ => Boundary::Switch,
        })
    }

    /// Shuts the gate because the peer's own ask for TLS or another protocol was granted.
    pub fn pass(&mut self) {
        self.gate = Gate::Passed;
    }

    /// Notes that the stream is secured already, so that TLS is not started within TLS.
    pub fn is_secure(&mut self) {
        self.tls = true;
    }

    /// Opens the gate again behind the beginning of TLS; `out` gets the answers that were held.
    pub fn tls_began(&mut self, out: &mut Vec<u8>) {
        self.gate = Gate::Open;
        self.tls = true;
        self.release(out);
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        if let Some(mut held) = self.held.take() {
            out.append(&mut held.answers);
        }
    }

    /// Ends the conversation: nothing is written any more.
    pub fn end(&mut self) {
        self.gate = Gate::Ended;
        self.held = None;
    }
}
