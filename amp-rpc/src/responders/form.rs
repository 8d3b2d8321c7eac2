//! The three forms in which a command reaches its responder: as a Rust type, as dynamic values, as
//! a box.

use std::marker::PhantomData;

use amp_rpc_core::conversation::Outcome;
use amp_rpc_core::dynamic::{DynamicFields, Raised, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema, Errors};
use amp_rpc_core::wire::{BoxView, Front};
use amp_rpc_core::{
    AmpBox, Answer, Command, CommandError, Context, DecodeError, Failure, FromFront,
};

use super::task::Reply;
use crate::call::without_protocol_keys;
use crate::chain::Chain;

/// How a responder's arguments are read and what it returned is answered.
pub(super) trait Form: Send + Sync + 'static {
    /// What the function gets.
    type Arguments;
    /// What the function returns.
    type Output: Send + 'static;

    /// The name of the command, where it is always the same.
    fn command(&self) -> Option<&[u8]>;

    fn kind(&self) -> CommandKind;

    fn errors(&self) -> &Errors;

    fn read(
        &self,
        fields: &BoxView<'_>,
        cx: &mut dyn Context,
    ) -> Result<Self::Arguments, DecodeError>;

    /// The same at the front of a buffer, where it is what is expected.
    fn read_front(&self, front: Front<'_>, cx: &mut dyn Context) -> FromFront<Self::Arguments> {
        let _ = (front, cx);
        Err(None)
    }

    fn answer(&self, output: Self::Output, reply: &mut dyn Reply);
}

/// The command is the type `C`.
pub(super) struct Typed<C>(PhantomData<fn(C)>);

impl<C> Typed<C> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C: Command> Form for Typed<C> {
    type Arguments = C;
    type Output = Answer<C>;

    fn command(&self) -> Option<&[u8]> {
        Some(C::NAME)
    }

    fn kind(&self) -> CommandKind {
        C::KIND
    }

    fn errors(&self) -> &Errors {
        C::Error::ERRORS
    }

    fn read(&self, fields: &BoxView<'_>, cx: &mut dyn Context) -> Result<C, DecodeError> {
        C::from_box(fields, cx)
    }

    #[inline]
    fn read_front(&self, front: Front<'_>, cx: &mut dyn Context) -> FromFront<C> {
        C::from_front(front, cx)
    }

    fn answer(&self, output: Answer<C>, reply: &mut dyn Reply) {
        match output {
            Ok(response) => reply.reply(self.errors(), Outcome::Answered(&response)),
            Err(Failure::Declared(error)) => {
                let outcome = Outcome::Declared {
                    schema: error.schema(),
                    description: &error.describe(),
                };
                reply.reply(self.errors(), outcome);
            }
            Err(Failure::Remote(error)) => reply.reply(self.errors(), Outcome::Remote(&error)),
            Err(Failure::Unexpected(error)) => {
                reply.reply(self.errors(), Outcome::Unexpected(&Chain(&*error)));
            }
        }
    }
}

/// The command is a box, as with Twisted's `amp_NAME` methods.
pub(super) struct Raw;

impl Form for Raw {
    type Arguments = AmpBox;
    type Output = Result<AmpBox, Failure>;

    fn command(&self) -> Option<&[u8]> {
        None
    }

    fn kind(&self) -> CommandKind {
        CommandKind::Plain
    }

    fn errors(&self) -> &Errors {
        Errors::NONE
    }

    fn read(&self, fields: &BoxView<'_>, _cx: &mut dyn Context) -> Result<AmpBox, DecodeError> {
        Ok(fields.to_owned())
    }

    fn answer(&self, output: Self::Output, reply: &mut dyn Reply) {
        match output {
            Ok(answer) => {
                let answer = without_protocol_keys(answer);
                reply.reply(Errors::NONE, Outcome::Answered(&answer));
            }
            Err(Failure::Declared(error)) => match error {},
            Err(Failure::Remote(error)) => reply.reply(Errors::NONE, Outcome::Remote(&error)),
            Err(Failure::Unexpected(error)) => {
                reply.reply(Errors::NONE, Outcome::Unexpected(&Chain(&*error)));
            }
        }
    }
}

/// The command is a schema, and its fields are dynamic values.
pub(super) struct Dynamic(pub(super) CommandSchema);

impl Form for Dynamic {
    type Arguments = Values;
    type Output = Result<Values, Failure<Raised>>;

    fn command(&self) -> Option<&[u8]> {
        Some(&self.0.name)
    }

    fn kind(&self) -> CommandKind {
        self.0.kind
    }

    fn errors(&self) -> &Errors {
        &self.0.errors
    }

    fn read(&self, fields: &BoxView<'_>, cx: &mut dyn Context) -> Result<Values, DecodeError> {
        Values::from_box(&self.0.arguments, fields, cx)
    }

    fn answer(&self, output: Self::Output, reply: &mut dyn Reply) {
        let errors = self.errors();
        match output {
            Ok(values) => {
                let fields = DynamicFields::new(&self.0.response, &values);
                reply.reply(errors, Outcome::Answered(&fields));
            }
            Err(Failure::Declared(raised)) => reply.reply(errors, raised.outcome(errors)),
            Err(Failure::Remote(error)) => reply.reply(errors, Outcome::Remote(&error)),
            Err(Failure::Unexpected(error)) => {
                reply.reply(errors, Outcome::Unexpected(&Chain(&*error)))
            }
        }
    }
}
