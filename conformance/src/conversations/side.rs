//! One side of a connection: the library's conversation, what carries its bytes, and the program.

use std::collections::HashMap;

use amp_rpc_core::AmpBox;
use amp_rpc_core::conversation::{
    Ask, AskRefused, Boundary, Compat, Conversation, Event as Received, Meaning, OwnCall, Replied,
};
use amp_rpc_core::dynamic::{OwnedFields, Value, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema};
use amp_rpc_core::wire::{BoxView, Limits};
use amp_rpc_core::{EncodeProblem, RemoteError};

use super::echo::LineEcho;
use super::ending::{End, Outcome};
use super::program::{Found, Program, Request};
use crate::context::PlayContext;
use crate::notation::{Behavior, CallNote, ConversationCase, Event, Loss};
use crate::translate;

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
    tls: bool,
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
                let outcome = error.map_or(Outcome::BadAnswer, |error| {
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

    fn begin(&mut self, name: &[u8], ask: Ask, found: Found, arguments: Values) -> Played {
        let behavior = match &found {
            Found::Default => {
                let available = self.program.tls_available;
                let replied = self.conversation.reply_start_tls(
                    &ask,
                    available,
                    &mut self.out,
                    &mut self.context,
                );
                self.replied(replied);
                return Ok(());
            }
            Found::Schema(_, behavior) | Found::Boxes(behavior) => behavior.clone(),
        };
        self.seen
            .push((name.to_vec(), arguments.clone(), self.step));
        let request = Request {
            ask,
            found,
            arguments,
        };
        self.act(request, &behavior)
    }

    /// Carries out one behavior for one request.
    fn act(&mut self, request: Request, behavior: &Behavior) -> Played {
        use crate::notation::BehaviorKind::{
            Calls, Closes, Defers, Raises, RaisesRemoteError, RaisesUndeclared, Returns, Sequence,
            SwitchesToLineEcho,
        };
        let behavior = behavior.next(&mut self.program.progress);
        let behavior = behavior.map_err(Problem::Unknown)?;
        match behavior.kind() {
            Returns(fields) => match request.answer(fields).map_err(Problem::Unknown)? {
                Ok(values) => self.answer(&request, &values),
                Err(unholdable) => self.fail(&request, &unholdable.0),
            },
            Raises { error, message } => self.raise(&request, error, message),
            RaisesUndeclared(message) => self.fail(&request, message),
            RaisesRemoteError {
                code,
                description,
                fatal,
            } => {
                let mut error = RemoteError::new(&code.0[..], description);
                error.fatal = *fatal;
                self.relay(&request, &error);
            }
            Defers(number) => {
                if self.program.deferred.insert(*number, request).is_some() {
                    return Err(Problem::Unknown(format!("{number} is deferred twice")));
                }
            }
            Calls(call, then) => return self.call_then(call, Some((request, then.clone()))),
            SwitchesToLineEcho(greeting) => {
                self.greeting.clone_from(greeting);
                self.answer(&request, &Values::new());
            }
            Closes(then) => {
                let boundary = self.conversation.close_here();
                self.boundary.get_or_insert(boundary);
                return self.act(request, then);
            }
            Sequence(_) => unreachable!("a sequence gives its next behavior"),
        }
        Ok(())
    }

    fn answer(&mut self, request: &Request, values: &Values) {
        let Self {
            conversation,
            out,
            context,
            program,
            ..
        } = self;
        let replied = if request.found.kind() == CommandKind::StartTls {
            conversation.reply_start_tls(&request.ask, program.tls_available, out, context)
        } else {
            request.reply_with(values, |errors, outcome| {
                conversation.reply(&request.ask, errors, outcome, out, context)
            })
        };
        self.replied(replied);
    }

    fn raise(&mut self, request: &Request, label: &str, message: &str) {
        let raised = self.program.raised(label, message);
        let errors = request.errors();
        let replied = self.conversation.reply(
            &request.ask,
            errors,
            raised.outcome(errors),
            &mut self.out,
            &mut self.context,
        );
        self.replied(replied);
    }

    fn fail(&mut self, request: &Request, message: &str) {
        let outcome = amp_rpc_core::conversation::Outcome::Unexpected(&message);
        let (out, context) = (&mut self.out, &mut self.context);
        let replied =
            (self.conversation).reply(&request.ask, request.errors(), outcome, out, context);
        self.replied(replied);
    }

    fn relay(&mut self, request: &Request, error: &RemoteError) {
        let outcome = amp_rpc_core::conversation::Outcome::Remote(error);
        let (out, context) = (&mut self.out, &mut self.context);
        let replied =
            (self.conversation).reply(&request.ask, request.errors(), outcome, out, context);
        self.replied(replied);
    }

    fn replied(&mut self, replied: Replied) {
        self.boundary = self.boundary.take().or(replied.boundary);
    }

    /// A responder that deferred goes on.
    pub(super) fn resolve(&mut self, number: u64, with: &Behavior) -> Played {
        let Some(request) = self.program.deferred.remove(&number) else {
            return Err(Problem::Differs(format!(
                "nothing was deferred as {number}"
            )));
        };
        self.act(request, with)?;
        self.pump()
    }

    /// This side calls.
    pub(super) fn call(&mut self, note: &CallNote) -> Played {
        self.call_then(note, None)
    }

    fn call_then(&mut self, note: &CallNote, then: Option<(Request, Behavior)>) -> Played {
        let schema = self
            .program
            .schema(&note.command.0)
            .cloned()
            .ok_or_else(|| {
                Problem::Unknown(format!("a call of {:?}, which has no schema", note.command))
            })?;
        let id = note.id.clone();
        let state = OwnCallState {
            schema: schema.clone(),
            then,
        };
        if self.calls.insert(id.clone(), state).is_some() {
            return Err(Problem::Unknown(format!("the call {id} is made twice")));
        }
        let Ok(arguments) = translate::values(&note.arguments) else {
            return self.call_ended(&id, Outcome::Local);
        };
        self.send(id, &schema, arguments)
    }

    pub(super) fn send(&mut self, id: String, schema: &CommandSchema, arguments: Values) -> Played {
        let call = OwnCall {
            command: schema.name.clone(),
            kind: schema.kind,
            fields: Box::new(OwnedFields::new(schema.arguments.clone(), arguments)),
            data: schema.wants_answer.then(|| id.clone()),
        };
        match self
            .conversation
            .call(call, &mut self.out, &mut self.context)
        {
            Ok(_) if schema.wants_answer => Ok(()),
            Ok(_) => self.call_ended(&id, Outcome::None),
            Err((_, refused)) => self.call_refused(&id, &refused),
        }
    }

    fn call_refused(&mut self, id: &str, refused: &AskRefused) -> Played {
        let outcome = match (refused, &self.end) {
            (AskRefused::Encode(error), _) if *error.problem() == EncodeProblem::Missing => {
                Outcome::Incomplete
            }
            (AskRefused::Ended, Some(end)) => Outcome::Ended(end.class_for_calls()),
            (AskRefused::Ended, None) if self.inner.is_some() => Outcome::Switched,
            _ => Outcome::Local,
        };
        self.call_ended(id, outcome)
    }

    fn call_ended(&mut self, id: &str, outcome: Outcome) -> Played {
        let state = self.calls.get_mut(id).expect("the player knows its calls");
        let was_sent = !matches!(outcome, Outcome::Local | Outcome::Incomplete);
        let is_switch = state.schema.kind == CommandKind::ProtocolSwitch;
        if is_switch && was_sent && !matches!(outcome, Outcome::Result(_)) {
            self.happened.events.push(Event::SwitchRefused);
        }
        let then = state.then.take();
        self.outcomes
            .push((id.to_owned(), outcome.clone(), self.step));
        let Some((request, behavior)) = then else {
            return Ok(());
        };
        // As in Python, an error that the responder does not handle becomes its own.
        match outcome {
            Outcome::Result(_) => return self.act(request, &behavior),
            Outcome::Declared { label, description } => self.raise(&request, &label, &description),
            Outcome::UnknownRemote { description } => {
                let error = RemoteError::new(amp_rpc_core::conversation::UNKNOWN, description);
                self.relay(&request, &error);
            }
            other => self.fail(&request, &format!("{other:?}")),
        }
        Ok(())
    }

    /// The transport has ended.
    pub(super) fn lose(&mut self, loss: Loss) -> Played {
        self.lost(End::Lost(loss))
    }

    fn lost(&mut self, end: End) -> Played {
        self.flush();
        let class = end.class_for_calls();
        self.end = Some(end);
        if self.inner.is_some() {
            self.happened.events.push(Event::InnerLost);
        }
        for call in self.conversation.end() {
            self.call_ended(&call, Outcome::Ended(class))?;
        }
        Ok(())
    }

    /// Shows that the connection can still be used: one more call in each direction.
    pub(super) fn probe(&mut self) -> Played {
        let differs = |what: &str| Err(Problem::Differs(format!("no longer usable: {what}")));
        let schema = Program::probe();
        let name = &*schema.name;
        self.finish_step()?;
        let state = OwnCallState {
            schema: schema.clone(),
            then: None,
        };
        self.calls.insert("probe".into(), state);
        self.send(
            "probe".into(),
            &schema,
            Values::from([("n", Value::from(7))]),
        )?;
        let sent = self.finish_step()?;
        let sent = if self.tls { sent.tls } else { sent.plain };
        let tag = match super::output::boxes(&sent.boxes) {
            Ok(boxes) if boxes.len() == 1 => boxes[0].get("_ask").map(<[u8]>::to_vec),
            _ => None,
        };
        let Some(tag) = tag else {
            return differs("a call is not written");
        };
        let answer = AmpBox::from([(&b"_answer"[..], &tag[..]), (b"n", b"8")]);
        self.receive(&answer.to_bytes().expect("it is short"))?;
        let wanted = Outcome::Result(Values::from([("n", Value::from(8))]));
        if self.outcomes.last().map(|(_, outcome, _)| outcome) != Some(&wanted) {
            return differs("a call is not answered");
        }
        self.finish_step()?;
        let ask = AmpBox::from([
            (&b"_ask"[..], &b"probe"[..]),
            (b"_command", name),
            (b"n", b"9"),
        ]);
        self.receive(&ask.to_bytes().expect("it is short"))?;
        let sent = self.finish_step()?;
        let sent = if self.tls { sent.tls } else { sent.plain };
        let wanted = AmpBox::from([("_answer", "probe"), ("n", "9")]);
        if super::output::boxes(&sent.boxes) != Ok(vec![wanted]) {
            return differs("the peer's call is not answered");
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
