//! What responders do with requests.

use amp_rpc_core::RemoteError;
use amp_rpc_core::conversation::{Ask, Replied};
use amp_rpc_core::dynamic::Values;
use amp_rpc_core::schema::CommandKind;

use super::{Played, Problem, Side};
use crate::conversations::program::{Found, Request};
use crate::notation::Behavior;

impl Side {
    pub(super) fn begin(
        &mut self,
        name: &[u8],
        ask: Ask,
        found: Found,
        arguments: Values,
    ) -> Played {
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
    pub(super) fn act(&mut self, request: Request, behavior: &Behavior) -> Played {
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

    pub(super) fn raise(&mut self, request: &Request, label: &str, message: &str) {
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

    pub(super) fn fail(&mut self, request: &Request, message: &str) {
        let outcome = amp_rpc_core::conversation::Outcome::Unexpected(&message);
        let (out, context) = (&mut self.out, &mut self.context);
        let replied =
            (self.conversation).reply(&request.ask, request.errors(), outcome, out, context);
        self.replied(replied);
    }

    pub(super) fn relay(&mut self, request: &Request, error: &RemoteError) {
        let outcome = amp_rpc_core::conversation::Outcome::Remote(error);
        let (out, context) = (&mut self.out, &mut self.context);
        let replied =
            (self.conversation).reply(&request.ask, request.errors(), outcome, out, context);
        self.replied(replied);
    }

    pub(super) fn replied(&mut self, replied: Replied) {
        self.boundary = self.boundary.take().or(replied.boundary);
    }

    /// A responder that deferred goes on.
    pub(in super::super) fn resolve(&mut self, number: u64, with: &Behavior) -> Played {
        let Some(request) = self.program.deferred.remove(&number) else {
            return Err(Problem::Differs(format!(
                "nothing was deferred as {number}"
            )));
        };
        self.act(request, with)?;
        self.pump()
    }
}
