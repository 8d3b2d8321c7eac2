//! The program on this side: which responder carries what out, and what it answers.

use std::collections::HashMap;

use amp_rpc_core::conversation::{Ask, Outcome, Replied};
use amp_rpc_core::dynamic::{DynamicFields, Raised, Value, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema, Errors, FieldSchema, Type};
use amp_rpc_core::wire::{self, BoxView, protocol};
use amp_rpc_core::{AmpBox, Context, DecodeError};
use num_bigint::BigInt;

use crate::notation::{Behavior, ConversationCase, Name, Ordered, Progress, Returned};
use crate::translate::{self, Unholdable};

/// The command that every AMP of Twisted's carries out without being told to.
const START_TLS: &[u8] = b"StartTLS";
const PROBE: &[u8] = b"the player's probe";

pub(super) struct Program {
    schemas: Vec<CommandSchema>,
    responders: Ordered<Name, Behavior>,
    string_responders: Ordered<Name, Behavior>,
    parents: Ordered<String, String>,
    pub(super) tls_available: bool,
    pub(super) deferred: HashMap<u64, Request>,
    pub(super) progress: Progress,
}

/// Who carries a command out.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// A responder of the command's.
    Schema(CommandSchema, Behavior),
    /// A responder on the level of boxes.
    Boxes(Behavior),
    /// Nobody but AMP itself, which starts TLS.
    Default,
}

/// A request that a responder carries out.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) ask: Ask,
    pub(super) found: Found,
    pub(super) arguments: Values,
}

impl Program {
    pub(super) fn new(case: &ConversationCase) -> Result<Self, String> {
        let schemas = case.commands.iter().map(translate::command);
        let program = Self {
            schemas: schemas.collect::<Result<_, _>>()?,
            responders: case.responders.clone(),
            string_responders: case.string_responders.clone(),
            parents: case.error_parents.clone(),
            tls_available: case.tls_available.unwrap_or(true),
            deferred: HashMap::new(),
            progress: Progress::default(),
        };
        for (name, _) in program.responders.iter() {
            if program.schema(&name.0).is_none() {
                return Err(format!("a responder for {name:?}, which has no schema"));
            }
        }
        Ok(program)
    }

    /// A command of the player's own, to see whether a connection still works.
    pub(super) fn probe() -> CommandSchema {
        let field = || {
            let name = wire::Name::new("n").expect("it has one byte");
            vec![FieldSchema::new(name, Type::Integer)]
        };
        CommandSchema::new(PROBE)
            .arguments(field())
            .response(field())
    }

    pub(super) fn schema(&self, name: &[u8]) -> Option<&CommandSchema> {
        self.schemas.iter().find(|schema| *schema.name == *name)
    }

    /// As in Twisted: responders of commands first, then those by name, where case does not count.
    pub(super) fn find(&self, command: &[u8]) -> Option<Found> {
        if command == PROBE {
            let echo = r#"{"returns": {"n": {"arg": "n"}}}"#;
            let behavior = serde_json::from_str(echo).expect("it is a behavior");
            return Some(Found::Schema(Self::probe(), behavior));
        }
        if let Some(behavior) = self.responders.get(&Name(command.to_vec())) {
            let schema = self.schema(command).expect("checked at the start").clone();
            return Some(Found::Schema(schema, behavior.clone()));
        }
        if command == START_TLS {
            return Some(Found::Default);
        }
        let capitals = command.to_ascii_uppercase();
        let mut responders = self.string_responders.iter();
        let found = responders.find(|(name, _)| name.0.to_ascii_uppercase() == capitals);
        found.map(|(_, behavior)| Found::Boxes(behavior.clone()))
    }

    /// An error with this label, which is a kind of its parents.
    pub(super) fn raised(&self, label: &str, message: &str) -> Raised {
        let mut raised = Raised::new(label, message);
        let mut known = vec![label];
        while let Some(parent) = self.parents.get(*known.last().expect("it has the label")) {
            if known.contains(&parent.as_str()) {
                break;
            }
            raised = raised.kind_of(parent);
            known.push(parent);
        }
        raised
    }
}

impl Found {
    pub(super) fn kind(&self) -> CommandKind {
        match self {
            Self::Schema(schema, _) => schema.kind,
            Self::Boxes(_) => CommandKind::Plain,
            Self::Default => CommandKind::StartTls,
        }
    }

    pub(super) fn read(
        &self,
        view: &BoxView<'_>,
        cx: &mut dyn Context,
    ) -> Result<Values, DecodeError> {
        match self {
            Self::Schema(schema, _) => Values::from_box(&schema.arguments, view, cx),
            Self::Boxes(_) => Ok(view
                .iter()
                .filter(|(key, _)| protocol::KEYS.iter().all(|known| known.name() != *key))
                .map(|(key, value)| (key.to_vec(), Value::from(value.to_vec())))
                .collect()),
            Self::Default => Ok(Values::new()),
        }
    }
}

impl Request {
    pub(super) fn errors(&self) -> &Errors {
        match &self.found {
            Found::Schema(schema, _) => &schema.errors,
            Found::Boxes(_) | Found::Default => Errors::NONE,
        }
    }

    /// The answer that is noted; the outer error is about the notation.
    pub(super) fn answer(
        &self,
        fields: &Ordered<Name, Returned>,
    ) -> Result<Result<Values, Unholdable>, String> {
        let mut values = Values::new();
        for (name, returned) in fields.iter() {
            let value = match returned {
                Returned::Value(note) => match translate::value(note) {
                    Ok(value) => value,
                    Err(unholdable) => return Ok(Err(unholdable)),
                },
                Returned::Argument(name) => self.arguments.get(&name.0).cloned(),
                Returned::Sum(names) => Some(self.sum(names)?),
            };
            if let Some(value) = value {
                values.insert(name.0.clone(), value);
            }
        }
        Ok(Ok(values))
    }

    fn sum(&self, names: &[Name]) -> Result<Value, String> {
        let mut sum = BigInt::default();
        for name in names {
            sum += match self.arguments.get(&name.0) {
                Some(Value::Integer(number)) => BigInt::from(*number),
                Some(Value::BigInteger(number)) => number.clone(),
                other => return Err(format!("the sum of {name:?}, which is {other:?}")),
            };
        }
        Ok(Value::from(sum))
    }

    /// Gives the answer to `reply`, in the form that the responder has.
    pub(super) fn reply_with(
        &self,
        values: &Values,
        reply: impl FnOnce(&Errors, Outcome<'_>) -> Replied,
    ) -> Replied {
        match &self.found {
            Found::Schema(schema, _) if schema.kind == CommandKind::ProtocolSwitch => {
                reply(&schema.errors, Outcome::Answered(&()))
            }
            Found::Schema(schema, _) => {
                let fields = DynamicFields::new(&schema.response, values);
                reply(&schema.errors, Outcome::Answered(&fields))
            }
            Found::Boxes(_) | Found::Default => {
                let bytes = values.iter().filter_map(|(name, value)| match value {
                    Value::String(bytes) => Some((name.to_vec(), bytes.to_vec())),
                    _ => None,
                });
                let answer: AmpBox = bytes.collect();
                reply(Errors::NONE, Outcome::Answered(&answer))
            }
        }
    }
}
