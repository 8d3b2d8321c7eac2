//! Fast two-way RPC that speaks AMP.

mod end;
mod transport;

pub use amp_rpc_core::conversation::{CloseReason, Compat};
pub use amp_rpc_core::{
    AmpBox, Answer, Argument, Command, CommandError, Context, DecodeError, EncodeError, Failure,
    Field, Fields, Item, NoErrors, RemoteError, argument, schema, wire,
};
pub use end::EndReason;
pub use transport::{Address, Addresses};

#[doc(hidden)]
pub use amp_rpc_core::__private;
