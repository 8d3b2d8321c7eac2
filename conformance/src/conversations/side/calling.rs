//! Calls of this side.

use amp_rpc_core::conversation::{AskRefused, OwnCall};
use amp_rpc_core::dynamic::{OwnedFields, Value, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema};
use amp_rpc_core::{AmpBox, EncodeProblem, RemoteError};

use super::{OwnCallState, Played, Problem, Side};
use crate::conversations::ending::Outcome;
use crate::conversations::output;
use crate::conversations::program::{Program, Request};
use crate::notation::{Behavior, CallNote, Event};
use crate::translate;

impl Side {
    /// This side calls.
    pub(in super::super) fn call(&mut self, note: &CallNote) -> Played {
        self.call_then(note, None)
    }

    pub(super) fn call_then(
        &mut self,
        note: &CallNote,
        then: Option<(Request, Behavior)>,
    ) -> Played {
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
        if schema.kind == CommandKind::StartTls && !self.program.tls_available {
            // A program without TLS cannot begin it.
            return self.call_ended(&id, Outcome::Local);
        }
        let Ok(arguments) = translate::values(&note.arguments) else {
            return self.call_ended(&id, Outcome::Local);
        };
        self.send(id, &schema, arguments)
    }

    fn send(&mut self, id: String, schema: &CommandSchema, arguments: Values) -> Played {
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

    pub(super) fn call_refused(&mut self, id: &str, refused: &AskRefused) -> Played {
        let outcome = match (refused, &self.end) {
            (AskRefused::Encode(error), _) if *error.problem() == EncodeProblem::Missing => {
                Outcome::Incomplete
            }
            (AskRefused::Ended, Some(_)) => Outcome::Ended(self.class_for_calls),
            (AskRefused::Ended, None) if self.inner.is_some() => Outcome::Switched,
            _ => Outcome::Local,
        };
        self.call_ended(id, outcome)
    }

    pub(super) fn call_ended(&mut self, id: &str, outcome: Outcome) -> Played {
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
            Outcome::Result(_) | Outcome::None => return self.act(request, &behavior),
            Outcome::Declared { label, description } => self.raise(&request, &label, &description),
            Outcome::UnknownRemote { description } => {
                let error = RemoteError::new(amp_rpc_core::conversation::UNKNOWN, description);
                self.relay(&request, &error);
            }
            other => self.fail(&request, &format!("{other:?}")),
        }
        Ok(())
    }

    /// Shows that the connection can still be used: one more call in each direction.
    pub(in super::super) fn probe(&mut self) -> Played {
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
        let tag = match output::boxes(&sent.boxes) {
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
        if output::boxes(&sent.boxes) != Ok(vec![wanted]) {
            return differs("the peer's call is not answered");
        }
        Ok(())
    }
}
