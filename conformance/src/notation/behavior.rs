use std::collections::HashMap;
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value as Json;

use super::conversation::CallNote;
use super::text::{Hex, Name, Ordered};
use super::value::{ValueNote, only_member};

/// What a responder does. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Behavior(Rc<BehaviorKind>);

/// How far the sequences of a case have come in one play.
#[derive(Debug, Default)]
pub struct Progress(HashMap<*const BehaviorKind, usize>);

/// The kinds of behavior.
#[derive(Debug)]
pub enum BehaviorKind {
    /// Answers.
    Returns(Ordered<Name, Returned>),
    /// Fails with an error of the schemas.
    Raises {
        /// The error's label.
        error: String,
        /// Its text.
        message: String,
    },
    /// Fails with any other error.
    RaisesUndeclared(String),
    /// Fails with an error in its wire form.
    RaisesRemoteError {
        /// Its code.
        code: Name,
        /// Its description.
        description: String,
        /// Whether this side closes behind it.
        fatal: bool,
    },
    /// Acts when the number is resolved.
    Defers(u64),
    /// Calls the peer and acts when that has succeeded.
    Calls(CallNote, Behavior),
    /// Hands the connection over to the protocol that answers lines, which begins with a greeting.
    SwitchesToLineEcho(Vec<u8>),
    /// Closes the connection and acts.
    Closes(Behavior),
    /// One behavior for each call.
    Sequence(Vec<Behavior>),
}

/// A value in an answer.
#[derive(Debug, Clone)]
pub enum Returned {
    /// This value.
    Value(ValueNote),
    /// An argument as it was received.
    Argument(Name),
    /// The sum of arguments.
    Sum(Vec<Name>),
}

impl Behavior {
    /// What is to be done now: a sequence goes one step on.
    pub fn next(&self, progress: &mut Progress) -> Result<Self, String> {
        let BehaviorKind::Sequence(behaviors) = &*self.0 else {
            return Ok(self.clone());
        };
        let at = progress.of(self);
        let Some(behavior) = behaviors.get(at) else {
            let all = behaviors.len();
            return Err(format!("the sequence has only {all} behaviors"));
        };
        // A behavior that is a sequence itself goes through its own steps before this one goes on.
        if behavior.is_at_last_step(progress) {
            progress.0.insert(Rc::as_ptr(&self.0), at + 1);
        }
        behavior.next(progress)
    }

    /// Whether the next call uses this behavior up.
    fn is_at_last_step(&self, progress: &Progress) -> bool {
        match &*self.0 {
            BehaviorKind::Sequence(behaviors) => {
                progress.of(self) + 1 >= behaviors.len()
                    && behaviors.last().is_none_or(|b| b.is_at_last_step(progress))
            }
            _ => true,
        }
    }

    /// Whether this behavior, or one within it, is of a kind.
    pub fn contains(&self, is_meant: &dyn Fn(&BehaviorKind) -> bool) -> bool {
        is_meant(&self.0)
            || match &*self.0 {
                BehaviorKind::Calls(_, inner) | BehaviorKind::Closes(inner) => {
                    inner.contains(is_meant)
                }
                BehaviorKind::Sequence(behaviors) => {
                    behaviors.iter().any(|inner| inner.contains(is_meant))
                }
                _ => false,
            }
    }

    /// The kind.
    pub fn kind(&self) -> &BehaviorKind {
        &self.0
    }

    fn read(json: &Json) -> Result<Self, String> {
        fn part<'de, T: Deserialize<'de>>(json: &'de Json) -> Result<T, String> {
            T::deserialize(json).map_err(|why| format!("{why} in {json}"))
        }
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raises {
            error: String,
            message: String,
        }
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RemoteError {
            code: Name,
            description: String,
            #[serde(default)]
            fatal: bool,
        }
        let unknown = || format!("the behavior {json}");
        let object = json.as_object().ok_or_else(unknown)?;
        let members: Vec<&str> = object.keys().map(String::as_str).collect();
        let has = |wanted: &[&str]| {
            members.len() == wanted.len() && wanted.iter().all(|key| members.contains(key))
        };
        Ok(Self(Rc::new(if has(&["calls", "then"]) {
            BehaviorKind::Calls(part(&object["calls"])?, part(&object["then"])?)
        } else if has(&["switches_to"]) || has(&["switches_to", "greeting"]) {
            if object["switches_to"] != "line-echo" {
                return Err(unknown());
            }
            BehaviorKind::SwitchesToLineEcho(object.get("greeting").map_or(Ok(vec![]), greeting)?)
        } else {
            match only_member(json).ok_or_else(unknown)? {
                ("returns", fields) => BehaviorKind::Returns(part(fields)?),
                ("raises", raised) => {
                    let Raises { error, message } = part(raised)?;
                    BehaviorKind::Raises { error, message }
                }
                ("raises_undeclared", message) => BehaviorKind::RaisesUndeclared(part(message)?),
                ("raises_remote_error", raised) => {
                    let RemoteError {
                        code,
                        description,
                        fatal,
                    } = part(raised)?;
                    BehaviorKind::RaisesRemoteError {
                        code,
                        description,
                        fatal,
                    }
                }
                ("defers", number) => BehaviorKind::Defers(part(number)?),
                ("closes", behavior) => BehaviorKind::Closes(part(behavior)?),
                ("sequence", behaviors) => BehaviorKind::Sequence(part(behaviors)?),
                _ => return Err(unknown()),
            }
        })))
    }
}

impl Progress {
    fn of(&self, behavior: &Behavior) -> usize {
        self.0
            .get(&Rc::as_ptr(&behavior.0))
            .copied()
            .unwrap_or_default()
    }
}

/// What the other protocol says first: bytes, hence hex; where it is no hex, the text itself.
fn greeting(json: &Json) -> Result<Vec<u8>, String> {
    match json {
        Json::Null => Ok(Vec::new()),
        Json::String(text) => Ok(Hex::parse(text).map_or_else(|| text.clone().into(), |h| h.0)),
        _ => Err(format!("the greeting {json}")),
    }
}

impl<'de> Deserialize<'de> for Behavior {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::read(&Json::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Returned {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(from)?;
        match only_member(&json) {
            Some(("arg", name)) => Name::deserialize(name)
                .map(Self::Argument)
                .map_err(D::Error::custom),
            Some(("sum", names)) => Vec::<Name>::deserialize(names)
                .map(Self::Sum)
                .map_err(D::Error::custom),
            _ => ValueNote::read(&json)
                .map(Self::Value)
                .map_err(D::Error::custom),
        }
    }
}
