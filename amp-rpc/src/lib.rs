//! Fast two-way RPC that speaks AMP.

mod amp;
mod boxes;
mod call;
mod call_error;
mod connection;
mod end;
mod endpoint;
mod locator;
mod peer;
mod responders;
mod server;
mod transport;

pub use amp::Amp;
pub use amp_rpc_core::conversation::{CloseReason, Compat};
pub use amp_rpc_core::{
    AmpBox, Answer, Argument, Command, CommandError, Context, DecodeError, EncodeError, Failure,
    Field, Fields, Item, NoContext, NoErrors, RemoteError, Shared, WriteFields, argument, dynamic,
    schema, wire,
};
pub use amp_rpc_macros::{Command, CommandError, Fields, responders};
pub use boxes::{BoxReceiver, BoxSender, Boxes, SendBoxError};
pub use call::{Call, CallBox, CallDynamic, Tell};
pub use call_error::{BadAnswer, CallError, LocalError, TellError};
pub use end::EndReason;
pub use endpoint::{ConnectEndpoint, ConnectError, EndpointError, ListenEndpoint, ListenError};
pub use locator::{Locator, Or};
pub use peer::Peer;
pub use responders::{Responder, Responders};
pub use server::Server;
pub use transport::{Address, Addresses};

#[doc(hidden)]
pub use amp_rpc_core::__private;
