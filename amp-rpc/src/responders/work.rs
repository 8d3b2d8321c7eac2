//! A place where one ask after the other is carried out.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use amp_rpc_core::conversation::Outcome;
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::{BoxView, Front};
use amp_rpc_core::{Context as FieldContext, DecodeError};
use tokio::task::JoinHandle;

use super::form::Form;
use super::task::{MakePeer, Reply, Respond, Task, guard, panic_message};
use crate::ask_context::AskContext;

/// A function with the form of its command.
pub(super) struct Function<M, F> {
    shared: Arc<(M, F)>,
}

impl<M, F> Function<M, F> {
    pub(super) fn new(form: M, call: F) -> Self {
        Self {
            shared: Arc::new((form, call)),
        }
    }
}

impl<M, F, Fut> Respond for Function<M, F>
where
    M: Form,
    F: Fn(M::Arguments, MakePeer<'_>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = M::Output> + Send + 'static,
{
    fn kind(&self) -> CommandKind {
        self.shared.0.kind()
    }

    fn new_task(&self, spawned: bool) -> Box<dyn Task> {
        Box::new(Work::<M, F, Fut> {
            shared: Arc::clone(&self.shared),
            future: Box::pin(None),
            handle: None,
            spawned,
        })
    }
}

/// The future of one ask lies in a place that the future of the next one takes over, so a responder
/// costs no allocation per ask, unless it is spawned.
struct Work<M, F, Fut> {
    shared: Arc<(M, F)>,
    future: Pin<Box<Option<Fut>>>,
    handle: Option<JoinHandle<Box<dyn Any + Send>>>,
    spawned: bool,
}

/// What a task of the runtime carries out: without the types of its command, since what the runtime compiles for each type of
/// task is more than all else of a command.
type Spawned = Pin<Box<dyn Future<Output = Box<dyn Any + Send>> + Send>>;

fn spawn(
    future: impl Future<Output: Send + 'static> + Send + 'static,
) -> JoinHandle<Box<dyn Any + Send>> {
    let spawned: Spawned = Box::pin(async { Box::new(future.await) as Box<dyn Any + Send> });
    match AskContext::current() {
        Some(ask) => tokio::spawn(ask.scope(spawned)),
        None => tokio::spawn(spawned),
    }
}

fn poll_spawned<T: 'static>(
    handle: &mut JoinHandle<Box<dyn Any + Send>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, String>> {
    Pin::new(handle).poll(cx).map(|result| match result {
        Ok(output) => Ok(*output.downcast().expect("its own output")),
        Err(error) => Err(match error.try_into_panic() {
            Ok(payload) => panic_message(&*payload),
            Err(_) => String::from("the runtime was shut down"),
        }),
    })
}

impl<M, F, Fut> Work<M, F, Fut>
where
    M: Form,
    F: Fn(M::Arguments, MakePeer<'_>) -> Fut,
    Fut: Future<Output = M::Output> + Send + 'static,
{
    #[inline]
    fn call(&mut self, arguments: M::Arguments, peer: MakePeer<'_>) {
        let call = &self.shared.1;
        let future = call(arguments, peer);
        if self.spawned {
            self.handle = Some(spawn(future));
        } else {
            self.future.set(Some(future));
        }
    }
}

impl<M, F, Fut> Task for Work<M, F, Fut>
where
    M: Form,
    F: Fn(M::Arguments, MakePeer<'_>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = M::Output> + Send + 'static,
{
    fn start(
        &mut self,
        fields: &BoxView<'_>,
        peer: MakePeer<'_>,
        cx: &mut dyn FieldContext,
    ) -> Result<(), DecodeError> {
        let arguments = self.shared.0.read(fields, cx)?;
        self.call(arguments, peer);
        Ok(())
    }

    fn start_front(
        &mut self,
        front: &Front<'_>,
        peer: MakePeer<'_>,
        cx: &mut dyn FieldContext,
    ) -> Result<usize, Option<DecodeError>> {
        let (arguments, length) = self.shared.0.read_front(*front, cx)?;
        self.call(arguments, peer);
        Ok(length.get())
    }

    fn poll(&mut self, cx: &mut Context<'_>, reply: &mut dyn Reply) -> Poll<()> {
        let form = &self.shared.0;
        if let Some(handle) = &mut self.handle {
            let Poll::Ready(result) = poll_spawned(handle, cx) else {
                return Poll::Pending;
            };
            self.handle = None;
            match result {
                Ok(output) => form.answer(output, reply),
                Err(panic) => reply.reply(form.errors(), Outcome::Unexpected(&panic)),
            }
        } else if let Some(future) = self.future.as_mut().as_pin_mut() {
            let Poll::Ready(output) = future.poll(cx) else {
                return Poll::Pending;
            };
            self.future.set(None);
            form.answer(output, reply);
        }
        Poll::Ready(())
    }

    fn command(&self) -> Option<&[u8]> {
        self.shared.0.command()
    }

    fn errors(&self) -> &Errors {
        self.shared.0.errors()
    }

    fn reset(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.abort();
        }
        // Dropping the future is the user's code: should it panic, the place is empty all the same.
        let _ = guard(|| self.future.set(None));
    }
}
