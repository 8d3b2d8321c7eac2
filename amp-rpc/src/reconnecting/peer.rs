//! The handle.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use amp_rpc_core::dynamic::{OwnedFields, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema};
use amp_rpc_core::{AmpBox, Command, Shared};

use super::call::{ReconnectingCall, ReconnectingTell, Sending};
use super::core::Core;
use super::options::{Hook, Options};
use super::state::{ReconnectingState, ReconnectingStates};
use super::task::Task;
use crate::amp::Amp;
use crate::call::{read_box, read_fields, read_values, without_protocol_keys};
use crate::connection::Closing;
use crate::endpoint::ConnectEndpoint;
use crate::peer::Peer;

/// The other side of a connection that is made anew whenever it ends; from
/// [`Amp::reconnecting`].
///
/// What a call promises, whatever becomes of its connections:
///
/// * It is answered by the connection that it was sent on, or not at all.
/// * A command is sent on another connection when nothing of it has left on the one that ended; or when it is
///   declared [idempotent](Command::IDEMPOTENT), up to [`max_tries`](crate::Reconnecting::max_tries) times. Any
///   other is never sent twice: it ends with the reason for which its connection ended, and may have been carried out or not.
/// * Without a connection it waits for one, as [`Reconnecting`](crate::Reconnecting) says.
///
/// Calls that wait go out when the connection is [ready](crate::Reconnecting::on_connect), in the order in which they
/// came, as far as their tasks run in that order; one that is made just then may overtake them.
///
/// Cheap to clone. When the last handle and the last call are gone, it closes. A [`Peer`] is one connection; this
/// cannot start TLS or switch the protocol, which change only one.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use amp_rpc::{Amp, Command};
///
/// #[derive(Command)]
/// #[amp(idempotent)]
/// struct SetName { name: String }
///
/// let peer = Amp::new().reconnecting("tcp:localhost:8080").start()?;
/// peer.call(SetName { name: "me".into() }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReconnectingPeer(Arc<Handle>);

/// What there is once for all handles.
struct Handle(Arc<Core>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close(Closing::Flush);
    }
}

impl ReconnectingPeer {
    pub(super) fn start(
        amp: Amp,
        endpoint: ConnectEndpoint,
        options: Options,
        hook: Option<Hook>,
    ) -> Self {
        let core = Arc::new(Core::new(options, amp.options().call_timeout));
        let task = Task {
            core: Arc::clone(&core),
            amp,
            endpoint,
            hook,
        };
        tokio::spawn(task.run());
        Self(Arc::new(Handle(core)))
    }

    pub(super) fn core(&self) -> &Core {
        &self.0.0
    }

    /// Calls a command and waits for its answer.
    ///
    /// # Errors
    ///
    /// See [`CallError`](crate::CallError). [`NotConnected`](crate::CallError::NotConnected): nothing was sent.
    /// [`Ended`](crate::CallError::Ended): it may have been carried out or not, unless this peer was closed before.
    pub fn call<C: Command>(&self, command: C) -> ReconnectingCall<C::Response, C::Error> {
        ReconnectingCall::new(self.typed(command), read_fields::<C::Response>)
    }

    /// Calls a command without asking for an answer.
    ///
    /// # Errors
    ///
    /// When it cannot be sent: [`TellError`](crate::TellError).
    pub fn tell<C: Command>(&self, command: C) -> ReconnectingTell {
        ReconnectingTell::new(self.typed(command))
    }

    /// Calls a command by its name with a box of arguments; see [`Peer::call_box`]. It is not taken for an idempotent one.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call), but no error is a declared one.
    pub fn call_box(
        &self,
        command: impl AsRef<[u8]>,
        arguments: AmpBox,
    ) -> ReconnectingCall<AmpBox> {
        ReconnectingCall::new(self.untyped(command.as_ref(), arguments), read_box)
    }

    /// Calls a command by its name with a box of arguments, without asking for an answer.
    ///
    /// # Errors
    ///
    /// As for [`tell`](Self::tell).
    pub fn tell_box(&self, command: impl AsRef<[u8]>, arguments: AmpBox) -> ReconnectingTell {
        ReconnectingTell::new(self.untyped(command.as_ref(), arguments))
    }

    /// Calls a command of a schema made at run time, which also says whether it is
    /// [idempotent](CommandSchema::idempotent).
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call), but an error that the schema declares comes as
    /// [`CallError::Remote`](crate::CallError::Remote).
    pub fn call_dynamic(
        &self,
        schema: &CommandSchema,
        arguments: Values,
    ) -> ReconnectingCall<Values> {
        let response = schema.response.clone();
        ReconnectingCall::new(self.dynamic(schema, arguments), move |payload, peer| {
            read_values(&response, payload, peer)
        })
    }

    /// Calls a command of a schema made at run time, without asking for an answer.
    ///
    /// # Errors
    ///
    /// As for [`tell`](Self::tell).
    pub fn tell_dynamic(&self, schema: &CommandSchema, arguments: Values) -> ReconnectingTell {
        ReconnectingTell::new(self.dynamic(schema, arguments))
    }

    fn typed<C: Command>(&self, command: C) -> Sending<C> {
        Sending {
            peer: self.clone(),
            command: Shared::Static(C::NAME),
            kind: C::KIND,
            is_idempotent: C::IDEMPOTENT,
            fields: command,
        }
    }

    fn untyped(&self, command: &[u8], arguments: AmpBox) -> Sending<AmpBox> {
        Sending {
            peer: self.clone(),
            command: Shared::Counted(command.into()),
            kind: CommandKind::Plain,
            is_idempotent: false,
            fields: without_protocol_keys(arguments),
        }
    }

    fn dynamic(&self, schema: &CommandSchema, arguments: Values) -> Sending<OwnedFields> {
        Sending {
            peer: self.clone(),
            command: schema.name.clone(),
            kind: schema.kind,
            is_idempotent: schema.idempotent,
            fields: OwnedFields::new(schema.arguments.clone(), arguments),
        }
    }

    /// What it is doing now.
    pub fn state(&self) -> ReconnectingState {
        self.core().state.borrow().clone()
    }

    /// What it is doing, now and later.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use amp_rpc::{Amp, ReconnectingState};
    ///
    /// let _server = Amp::new().listen("memory:states").await?;
    /// let peer = Amp::new().reconnecting("memory:states").start()?;
    /// let mut states = peer.states();
    /// while let Some(state) = states.changed().await {
    ///     println!("{state:?}");
    ///     if state.peer().is_some() {
    ///         peer.close();
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn states(&self) -> ReconnectingStates {
        ReconnectingStates(self.core().state.subscribe())
    }

    /// Waits until there is a connection that is ready, however long that takes, and gives it; `None` if there will be
    /// none, since this is closed. Cancel-safe.
    pub async fn connected(&self) -> Option<Peer> {
        self.core().connected().await
    }

    /// Closes the connection once what is queued is written, and makes no more. Calls under way and those that wait end
    /// with [`EndReason::ClosedHere`](crate::EndReason::ClosedHere). Returns at once; see [`closed`](Self::closed).
    pub fn close(&self) {
        self.core().close(Closing::Flush);
    }

    /// Closes once everything under way is done: calls are answered, those too that wait for a connection, and the
    /// connection has [finished](Peer::finish). Returns at once.
    ///
    /// Calls can still be made until then, and are waited for.
    pub fn finish(&self) {
        self.core().close(Closing::Finish);
    }

    /// Does what [`finish`](Self::finish) does, and waits until it is [closed](Self::closed). At the `limit` it is closed
    /// as by [`close`](Self::close), and this says `false`.
    ///
    /// When the future is dropped, it goes on finishing, without a limit.
    pub async fn finish_within(&self, limit: Duration) -> bool {
        self.finish();
        let is_closed = tokio::time::timeout(limit, self.closed()).await.is_ok();
        if !is_closed {
            self.close();
        }
        is_closed
    }

    /// Waits until it is closed and the last connection is too, with everything written. Cancel-safe.
    pub async fn closed(&self) {
        self.core().until(|work| work.is_gone).await;
    }
}

impl fmt::Debug for ReconnectingPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReconnectingPeer")
            .field(&*self.core().state.borrow())
            .finish()
    }
}
