//! A responder at work, with its type erased.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use amp_rpc_core::conversation::Outcome;
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::{BoxView, Front};
use amp_rpc_core::{Context as FieldContext, DecodeError};

use super::order::Order;
use crate::peer::Peer;

/// What carries out one command: the value that a [`Locator`](crate::Locator) finds.
///
/// Cheap to clone. Made by [`Responders`](crate::Responders).
#[derive(Clone)]
pub struct Responder {
    respond: Arc<dyn Respond>,
    spawned: bool,
    stops_when_canceled: bool,
    order: Option<Order>,
}

/// A command with the function that carries it out.
pub(crate) trait Respond: Send + Sync {
    /// What the answer does to the connection.
    fn kind(&self) -> CommandKind;

    /// A place to carry one ask out in; used for one ask after the other. With `spawned` the work
    /// runs in a task of the runtime's, not in the connection's.
    fn new_task(&self, spawned: bool) -> Box<dyn Task>;
}

/// Makes a handle to the peer, for responders that want one.
pub(crate) type MakePeer<'a> = &'a dyn Fn() -> Peer;

/// One ask being carried out.
pub(crate) trait Task: Send {
    /// Decodes the arguments and calls the function; nothing of it has run yet.
    fn start(
        &mut self,
        fields: &BoxView<'_>,
        peer: MakePeer<'_>,
        cx: &mut dyn FieldContext,
    ) -> Result<(), DecodeError>;

    /// The same, where the arguments are what is expected at the front of a buffer, and says how many bytes the box takes.
    ///
    /// # Errors
    ///
    /// Nothing was called: the arguments are not what is expected, or, where there is an error, cannot be decoded.
    fn start_front(
        &mut self,
        front: &Front<'_>,
        peer: MakePeer<'_>,
        cx: &mut dyn FieldContext,
    ) -> Result<usize, Option<DecodeError>>;

    /// Goes on. When the responder is done, its outcome goes to `reply`, once.
    fn poll(&mut self, cx: &mut Context<'_>, reply: &mut dyn Reply) -> Poll<()>;

    /// The name of the command, where it is always the same.
    fn command(&self) -> Option<&[u8]>;

    /// The errors that the command declares.
    fn errors(&self) -> &Errors;

    /// Drops what is left of an ask, so that the task can be used again or dropped. Never panics.
    fn reset(&mut self);
}

/// Where an outcome goes: it is encoded straight into the outgoing buffer.
pub(crate) trait Reply {
    fn reply(&mut self, errors: &Errors, outcome: Outcome<'_>);
}

impl Responder {
    pub(crate) fn new(respond: impl Respond + 'static) -> Self {
        Self {
            respond: Arc::new(respond),
            spawned: false,
            stops_when_canceled: false,
            order: None,
        }
    }

    /// The same responder, which is dropped where it stands when its caller says that it waits no longer:
    /// see [`Responders::stop_when_canceled`](crate::Responders::stop_when_canceled).
    #[must_use]
    pub fn stop_when_canceled(mut self) -> Self {
        self.stops_when_canceled = true;
        self
    }

    pub(crate) fn stops_when_canceled(&self) -> bool {
        self.stops_when_canceled
    }

    /// The same responder, whose work runs in a task of the runtime's: for handlers that compute for
    /// long, which would hold the connection's other work up.
    #[must_use]
    pub fn spawned(mut self) -> Self {
        self.spawned = true;
        self
    }

    /// The same responder, whose asks are carried out in that order.
    pub(super) fn ordered(mut self, order: Order) -> Self {
        self.order = Some(order);
        self
    }

    pub(crate) fn order(&self) -> Option<&Order> {
        self.order.as_ref()
    }

    pub(crate) fn kind(&self) -> CommandKind {
        self.respond.kind()
    }

    pub(crate) fn new_task(&self) -> Box<dyn Task> {
        self.respond.new_task(self.spawned)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.respond, &other.respond) && self.spawned == other.spawned
    }
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Responder")
            .field("kind", &self.kind())
            .field("spawned", &self.spawned)
            .finish_non_exhaustive()
    }
}

/// Runs code of the user's; a panic becomes its message.
pub(crate) fn guard<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| panic_message(&*payload))
}

pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    message.to_owned()
}
