//! What a field can learn of the connection that carries its box.

use alloc::boxed::Box;
use core::any::{Any, TypeId};
use core::fmt;

use bytes::Bytes;

/// A file descriptor that travels beside the stream, owned; the transport knows its type.
pub type AnyDescriptor = Box<dyn Any + Send>;

/// The connection, as a [`Field`](crate::Field) sees it while it is encoded or decoded.
///
/// The counterpart of the `proto` that Twisted hands to `fromBox` and `toBox`. `amp-rpc` fills it;
/// offline, say when a capture is read, [`NoContext`] stands in.
pub trait Context {
    /// A value of the given type that belongs to the connection, such as its addresses.
    /// Most users call [`get`](trait.Context.html#method.get) on `dyn Context` instead.
    fn extension(&self, id: TypeId) -> Option<&dyn Any> {
        let _ = id;
        None
    }

    /// Whether file descriptors can travel beside the stream.
    fn carries_descriptors(&self) -> bool {
        false
    }

    /// Sends a descriptor with the box that is being written and returns its ordinal.
    ///
    /// # Errors
    ///
    /// Gives the descriptor back where the transport cannot carry descriptors.
    fn send_descriptor(&mut self, descriptor: AnyDescriptor) -> Result<u64, AnyDescriptor> {
        Err(descriptor)
    }

    /// Sends bytes with the box that is being written from where they lie, instead of copying them to it: `at` is the
    /// place in the buffer with the box where they belong. Says whether it does; if not, they are to be copied.
    fn send_apart(&mut self, at: usize, bytes: &Bytes) -> bool {
        let _ = (at, bytes);
        false
    }

    /// Gives back the last ones of what was sent apart with the box that is being written, and their place: they are to
    /// be copied after all.
    fn take_back_apart(&mut self) -> Option<(usize, Bytes)> {
        None
    }

    /// Takes back what was sent with the box that is being written: it could not be encoded, and
    /// something else may be written in its place.
    fn give_up_box(&mut self) {}

    /// Takes the received descriptor that has this ordinal. Each can be taken once.
    fn claim_descriptor(&mut self, ordinal: u64) -> Option<AnyDescriptor> {
        let _ = ordinal;
        None
    }

    /// Whether lists that end in the middle of an element lose it silently, as in Twisted,
    /// instead of being refused.
    fn cuts_lists(&self) -> bool {
        false
    }
}

impl fmt::Debug for dyn Context + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

impl dyn Context + '_ {
    /// A value of type `T` that belongs to the connection.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.extension(TypeId::of::<T>())?.downcast_ref()
    }
}

/// A context for boxes that no connection carries.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContext;

impl Context for NoContext {}
