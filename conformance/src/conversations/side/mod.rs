//! One side of a connection: the library's conversation, what carries its bytes, and the program.

mod calling;
mod responding;

use std::collections::HashMap;

use amp_rpc_core::conversation::{Boundary, Compat, Conversation, Event as Received, Meaning};
use amp_rpc_core::dynamic::Values;
use amp_rpc_core::schema::CommandSchema;
use amp_rpc_core::wire::{BoxView, Limits};

use super::echo::LineEcho;
use super::ending::{End, Outcome};
use super::program::{Found, Program, Request};
use crate::context::PlayContext;
use crate::notation::{Behavior, ConversationCase, Event, Loss};

/// Why a case cannot be played on.
#[derive(Debug)]
pub(super) enum Problem {
    /// The notation says what the player does not know.
    Unknown(String),
    /// The library does something else.
    Differs(String),
}

pub(super) type Played<T = ()> = Result<T, Problem>;

/// What was written to one layer of the transport: boxes, then the other protocol's bytes.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) boxes: Vec<u8>,
    pub(super) inner: Vec<u8>,
}

/// What happened in one step.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) plain: Written,
    pub(super) tls: Written,
    pub(super) events: Vec<Event>,
}

/// A call of this side that is under way.
pub(super) struct OwnCallState {
    schema: CommandSchema,
    /// The responder that waits for it.
    then: Option<(Request, Behavior)>,
}

pub(super) struct Side {
    pub(super) conversation: Conversation<String>,
    context: PlayContext,
    program: Program,
    /// Bytes that were read and not dealt with.
    input: Vec<u8>,
    /// Bytes that the conversation wants to send.
    out: Vec<u8>,
    boundary: Option<Boundary>,
    closing: Option<End>,
    pub(super) end: Option<End>,
    pub(super) tls: bool,
    /// Nothing has come over TLS yet: Twisted takes an end in this state for a refused certificate.
    tls_unproven: bool,
    /// Python's class of the reason that calls fail with since the end.
    class_for_calls: &'static str,
    pub(super) inner: Option<LineEcho>,
    greeting: Vec<u8>,
    calls: HashMap<String, OwnCallState>,
    pub(super) outcomes: Vec<(String, Outcome, usize)>,
    pub(super) seen: Vec<(Vec<u8>, Values, usize)>,
    happened: Happened,
    step: usize,
}

impl Side {
    pub(super) fn new(case: &ConversationCase, compat: Compat) -> Played<Self> {
        Ok(Self {
            conversation: Conversation::new(compat, Limits::DEFAULT),
            context: PlayContext(compat),
            program: Program::new(case).map_err(Problem::Unknown)?,
            input: Vec::new(),
            out: Vec::new(),
            boundary: None,
            closing: None,
            end: None,
            tls: false,
            tls_unproven: false,
            class_for_calls: "",
            inner: None,
            greeting: Vec::new(),
            calls: HashMap::new(),
            outcomes: Vec::new(),
            seen: Vec::new(),
            happened: Happened::default(),
            step: 0,
        })
    }

    /// Ends a step: carries out what it brought about and gives back what happened.
    pub(super) fn finish_step(&mut self) -> Played<Happened> {
        self.pump()?;
        if let Some(end) = self.closing.take() {
            self.lost(end)?;
        }
        self.flush();
        self.step += 1;
        Ok(std::mem::take(&mut self.happened))
    }

    /// The peer's bytes come. Behind the end nobody reads them.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Played {
        if self.end.is_some() {
            return Ok(());
        }
        self.tls_unproven = false;
        if let Some(inner) = &mut self.inner {
            inner.receive(
                bytes,
                written(&mut self.happened, self.tls, |w| &mut w.inner),
            );
            return Ok(());
        }
        self.input.extend_from_slice(bytes);
        self.pump()
    }

    /// Takes boxes as long as there are any, and crosses the boundaries that they bring about.
    fn pump(&mut self) -> Played {
        loop {
            if let Some(boundary) = self.boundary.take() {
                self.cross(boundary)?;
            }
            if self.inner.is_some() || self.end.is_some() {
                return Ok(());
            }
            let input = std::mem::take(&mut self.input);
            let received = (self.conversation).receive(&input, &mut self.out, &mut self.context);
            let Some((length, event)) = received else {
                self.input = input;
                return Ok(());
            };
            self.take(event)?;
            self.input.extend_from_slice(&input[length..]);
        }
    }

    fn cross(&mut self, boundary: Boundary) -> Played {
        self.flush();
        let unread = std::mem::take(&mut self.input);
        match boundary {
            Boundary::Close(reason) => {
                self.input = unread;
                self.closing.get_or_insert(End::Here(reason));
            }
            Boundary::StartTls => {
                // The bytes that were read belong to TLS, which would find no handshake in them; what
                // the next steps bring comes out of TLS.
                self.happened.events.push(Event::StartsTls);
                self.tls = true;
                self.tls_unproven = true;
                let unsent = (self.conversation).tls_began(&mut self.out, &mut self.context);
                for (call, refused) in unsent {
                    self.call_refused(&call, &refused)?;
                }
            }
            Boundary::Switch => {
                self.happened.events.push(Event::Switched);
                let mut inner = LineEcho::default();
                let out = written(&mut self.happened, self.tls, |w| &mut w.inner);
                out.append(&mut self.greeting);
                inner.receive(&unread, out);
                self.inner = Some(inner);
                for call in self.conversation.switched() {
                    self.call_ended(&call, Outcome::Switched)?;
                }
            }
        }
        Ok(())
    }

    /// Moves what the conversation has to send to where it is written.
    fn flush(&mut self) {
        written(&mut self.happened, self.tls, |w| &mut w.boxes).append(&mut self.out);
    }

    fn take(&mut self, event: Received<'_, String>) -> Played {
        match event {
            Received::Ask {
                tag,
                command,
                fields,
            } => {
                let found = self.program.find(&command);
                let kind = found.as_ref().map(Found::kind);
                let read = |view: &BoxView<'_>, cx: &mut dyn amp_rpc_core::Context| {
                    found
                        .as_ref()
                        .map_or(Ok(Values::new()), |f| f.read(view, cx))
                };
                let accepted = self.conversation.accept(
                    (tag, &command, &fields),
                    kind,
                    read,
                    &mut self.out,
                    &mut self.context,
                );
                match (accepted, found) {
                    (Err(replied), _) => self.replied(replied),
                    (Ok((ask, arguments)), Some(found)) => {
                        return self.begin(&command, ask, found, arguments);
                    }
                    (Ok(_), None) => unreachable!("what nobody carries out is answered"),
                }
            }
            Received::Answered {
                data,
                fields,
                boundary,
            } => {
                self.boundary = self.boundary.take().or(boundary);
                let schema = &self.calls[&data].schema;
                let outcome = match Values::from_box(&schema.response, &fields, &mut self.context) {
                    Ok(values) => Outcome::Result(values),
                    Err(_) => Outcome::BadAnswer,
                };
                self.call_ended(&data, outcome)?;
            }
            Received::Failed {
                data,
                error,
                unsent,
                boundary,
            } => {
                self.boundary = self.boundary.take().or(boundary);
                let schema = &self.calls[&data].schema;
                let outcome = error.map_or(Outcome::HalfError, |error| {
                    let label = match error.meaning(&schema.errors) {
                        Meaning::Unhandled => None,
                        Meaning::Declared(schema) => Some(Some(schema.label.to_string())),
                        Meaning::Undeclared => Some(None),
                    };
                    let description = error.description;
                    match label {
                        None => Outcome::Unhandled { description },
                        Some(None) => Outcome::UnknownRemote { description },
                        Some(Some(label)) => Outcome::Declared { label, description },
                    }
                });
                self.call_ended(&data, outcome)?;
                for (call, refused) in unsent {
                    self.call_refused(&call, &refused)?;
                }
            }
            Received::Ignored => {}
            Received::Boundary(boundary) => {
                self.boundary.get_or_insert(boundary);
            }
            other => return Err(Problem::Unknown(format!("the library's event {other:?}"))),
        }
        Ok(())
    }

    /// The transport has ended.
    pub(super) fn lose(&mut self, loss: Loss) -> Played {
        self.lost(End::Lost(loss))
    }

    fn lost(&mut self, end: End) -> Played {
        self.flush();
        let class = end.class_for_calls(self.tls_unproven);
        self.class_for_calls = class;
        self.end = Some(end);
        if self.inner.is_some() {
            self.happened.events.push(Event::InnerLost);
        }
        for call in self.conversation.end() {
            self.call_ended(&call, Outcome::Ended(class))?;
        }
        Ok(())
    }
}

/// Where something is written: in plain text or in TLS.
fn written(
    happened: &mut Happened,
    tls: bool,
    part: impl FnOnce(&mut Written) -> &mut Vec<u8>,
) -> &mut Vec<u8> {
    part(if tls {
        &mut happened.tls
    } else {
        &mut happened.plain
    })
}
