//! A connection: the task that owns the stream, and what it shares with its callers.

mod apart;
mod asks;
mod buffers;
mod carrier;
mod clock;
mod context;
mod crossing;
mod deadlines;
mod deliveries;
mod desk;
mod dispatch;
mod driver;
mod exchange;
mod extensions;
mod farewell;
mod incoming;
mod lines;
mod located;
pub(crate) mod log;
mod options;
mod outgoing;
mod payload;
mod pool;
mod replier;
mod reserved;
mod room;
mod running;
mod shared;
mod stranger;
mod sync;
mod timer;
mod usual;
mod usual_call;
mod watch;
mod woken;

pub(crate) use context::ConnectionContext;
pub(crate) use driver::Driver;
pub(crate) use exchange::{Ending, Refusal, Request, Stage, Taker};
#[cfg(feature = "_tls")]
pub(crate) use farewell::Farewell;
pub(crate) use located::Located;
pub(crate) use options::{Options, Traceparent};
pub(crate) use payload::{Payload, Received};
pub(crate) use room::Ticket;
pub(crate) use shared::{Closing, Shared};
pub(crate) use stranger::{Doorway, Visitor, turn_away};
