//! The other side of a connection.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use amp_rpc_core::dynamic::{OwnedFields, Values};
use amp_rpc_core::schema::CommandSchema;
use amp_rpc_core::{AmpBox, Command};

use crate::call::{Call, CallBox, CallDynamic, Tell};
use crate::connection::{Closing, Shared};
use crate::end::EndReason;
use crate::transport::Addresses;

/// The other side of a connection: what commands are called on.
///
/// Cheap to clone, and usable from any task. The connection is closed when the last `Peer` is
/// dropped: what is queued is written first. The connections that a [`Server`](crate::Server)
/// accepts stay until one side closes them.
pub struct Peer(Arc<Shared>);

impl Peer {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.handles.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    /// Calls a command and waits for its answer; Twisted's `callRemote`.
    ///
    /// This asks for an answer even where the command is declared as one that wants none.
    ///
    /// # Errors
    ///
    /// See [`CallError`](crate::CallError). Each call ends in exactly one way.
    pub fn call<C: Command>(&self, command: C) -> Call<C> {
        Call::new(self.clone(), command)
    }

    /// Calls a command without asking for an answer; Twisted's `callRemote` for a command with
    /// `requiresAnswer = False`.
    ///
    /// Whether the peer carries it out, or even has it, cannot be known; peers that run Twisted close
    /// the connection when it fails.
    ///
    /// # Errors
    ///
    /// When it cannot be sent: [`TellError`](crate::TellError).
    pub fn tell<C: Command>(&self, command: C) -> Tell<C> {
        Tell::<C>::new(self.clone(), command)
    }

    /// Calls a command by its name with a box of arguments; Twisted's `callRemoteString`. Keys of
    /// the protocol in the box are replaced. The answer comes with its protocol keys.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call), but no error is a declared one.
    pub fn call_box(&self, command: impl AsRef<[u8]>, arguments: AmpBox) -> CallBox {
        CallBox::new(self.clone(), command.as_ref(), arguments)
    }

    /// Calls a command by its name with a box of arguments, without asking for an answer.
    ///
    /// # Errors
    ///
    /// As for [`tell`](Self::tell).
    pub fn tell_box(&self, command: impl AsRef<[u8]>, arguments: AmpBox) -> Tell<AmpBox> {
        Tell::new_box(self.clone(), command.as_ref(), arguments)
    }

    /// Calls a command of a schema made at run time.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call), but an error that the schema declares comes as
    /// [`CallError::Remote`](crate::CallError::Remote); `schema.errors.by_code` has its label.
    pub fn call_dynamic(&self, schema: &CommandSchema, arguments: Values) -> CallDynamic {
        CallDynamic::new(self.clone(), schema, arguments)
    }

    /// Calls a command of a schema made at run time, without asking for an answer.
    ///
    /// # Errors
    ///
    /// As for [`tell`](Self::tell).
    pub fn tell_dynamic(&self, schema: &CommandSchema, arguments: Values) -> Tell<OwnedFields> {
        Tell::new_dynamic(self.clone(), schema, arguments)
    }

    /// Closes the connection once what is queued is written; Twisted's `loseConnection`. Calls under
    /// way end with [`EndReason::ClosedHere`]. Returns at once; see [`closed`](Self::closed).
    pub fn close(&self) {
        self.0.close(Closing::Flush);
    }

    /// Closes the connection once everything under way is done: responders have answered, and calls
    /// are answered. New asks of the peer are refused with the code `BUSY`. Returns at once.
    pub fn finish(&self) {
        self.0.close(Closing::Finish);
    }

    /// Waits for the end of the connection and says why it ended. Cancel-safe.
    pub async fn closed(&self) -> EndReason {
        loop {
            let ended = self.0.ended();
            if let Some(reason) = self.0.end() {
                return reason;
            }
            ended.await;
        }
    }

    /// Why the connection ended; `None` while it is open.
    pub fn end_reason(&self) -> Option<EndReason> {
        self.0.end()
    }

    /// Both ends' addresses, where the transport has any.
    pub fn addresses(&self) -> &Addresses {
        &self.0.addresses
    }

    /// Whether both are handles to the same connection.
    pub fn is_same_connection(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Clone for Peer {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.close(Closing::Flush);
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("addresses", &self.0.addresses)
            .field("end", &self.0.end())
            .finish()
    }
}
