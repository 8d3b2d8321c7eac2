//! Two-way calls between processes over AMP, the Asynchronous Messaging Protocol of Twisted.
//!
//! ```
//! use amp_rpc::{Amp, Answer, Command, Fields, Responders};
//!
//! #[derive(Command)]
//! #[amp(response = Total)]
//! struct Sum { a: i64, b: i64 }
//!
//! #[derive(Fields)]
//! struct Total { total: i64 }
//!
//! async fn sum(command: Sum) -> Answer<Sum> {
//!     Ok(Total { total: command.a + command.b })
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let amp = Amp::new().locator(Responders::new().on(sum));
//!     let server = amp.listen("tcp:0:interface=127.0.0.1").await?;
//!
//!     let peer = Amp::new().connect_to(server.endpoint()).await?;
//!     let answer = peer.call(Sum { a: 13, b: 81 }).await?;
//!     assert_eq!(answer.total, 94);
//!     Ok(())
//! }
//! ```
//!
//! # How to think of it
//!
//! * A **command** is a struct: its fields are the arguments. It names the struct of its response and
//!   the enum of its errors, and says nothing of who carries it out.
//! * A **responder** is a function that carries a command out. A **locator** finds the responder for a
//!   command's name; the usual one is [`Responders`].
//! * An [`Amp`] makes connections: it connects and listens by **endpoint** strings, or takes any stream.
//! * A [`Peer`] is the other side of a connection, on either side: [`call`](Peer::call) waits for an
//!   answer, [`tell`](Peer::tell) does not ask for one. A responder may call its caller.
//!   A [`ReconnectingPeer`] survives its connections.
//! * Below that are **boxes**, maps from keys to bytes: a [`BoxReceiver`] or [`Boxes`] takes them as
//!   they come.
//!
//! # Where to read on
//!
//! The [`guide`] goes from setting up to the wire format, and has a page for those who come from
//! Twisted. The examples in the repository are whole programs. The modules:
//!
//! * [`guide`]: how to use it all, in pages to read one after the other;
//! * [`argument`]: Rust values as arguments, and types of your own;
//! * [`schema`]: what a command looks like, readable at run time;
//! * [`dynamic`]: values whose types are known at run time only;
//! * [`wire`]: boxes as bytes, their limits, captures.
//!
//! # Features
//!
//! All are off by default and only add to what there is.
//!
//! | feature | brings |
//! |---|---|
//! | `bigint` | integers of any size: `num_bigint::BigInt` and `BigUint` |
//! | `chrono`, `jiff`, `time` | their date and time types as arguments |
//! | `rust_decimal` | its decimal type as an argument |
//! | `bigdecimal` | conversions of [`argument::Decimal`] |
//! | `process` | child processes and inherited descriptors, on systems of the Unix family: the module `process`, and the endpoints `process:`, `stdio:`, `fd:` and `systemd:` |
//! | `tls` | TLS from the first byte and with `StartTLS`: `Tls`, `Identity`, `Trust`, the endpoints `ssl:` and `tls:`; rustls with `ring` |
//! | `tls-aws-lc-rs` | the same with `aws-lc-rs`, which is used where both are on |
//! | `temporary-certificate` | `Identity::temporary`, a certificate made on the spot |
//! | `tracing` | what goes wrong on this side is logged, and connections, calls and asks are spans; without it nobody is told |
//! | `test-util` | for tests of your own: the module `test_util` |
//! | `metrics` | what connections count goes to the crate `metrics` |

pub mod guide;

mod amp;
mod ask_context;
mod boxes;
mod call;
mod call_error;
mod chain;
mod connection;
mod descriptors;
mod end;
mod endpoint;
mod ends;
mod locator;
mod options_error;
mod peer;
#[cfg(all(unix, feature = "process"))]
pub mod process;
mod reconnecting;
mod responders;
mod server;
mod stats;
mod stream;
mod switched;
#[cfg(feature = "test-util")]
pub mod test_util;
mod tls;
mod transport;

pub use amp::Amp;
pub use amp_rpc_core::conversation::{CloseReason, Compat};
pub use amp_rpc_core::{
    AmpBox, Answer, Argument, Command, CommandError, Context, DecodeError, EncodeError, Failure,
    Field, Fields, FromFront, Item, NoContext, NoErrors, RemoteError, Shared, WriteFields,
    argument, dynamic, schema, wire,
};
pub use amp_rpc_macros::{Command, CommandError, Fields, responders};
pub use ask_context::{AskContext, Scope};
pub use boxes::{BoxReceiver, BoxSender, Boxes, SendBoxError};
pub use call::{Call, CallBox, CallDynamic, Switch, Tell};
pub use call_error::{BadAnswer, CallError, LocalError, TellError};
pub use end::EndReason;
pub use endpoint::{ConnectEndpoint, ConnectError, EndpointError, ListenEndpoint, ListenError};
pub use locator::{Locator, Or};
pub use options_error::OptionsError;
pub use peer::Peer;
pub use reconnecting::{
    AttemptError, Backoff, NotConnected, Reconnecting, ReconnectingCall, ReconnectingPeer,
    ReconnectingState, ReconnectingStates, ReconnectingTell,
};
pub use responders::{Responder, Responders};
pub use server::{OpenConnections, Server};
pub use stats::{Latency, Stats};
pub use switched::SwitchedStream;
pub use tls::{CertificateProblem, PeerIdentity, StartTls, StartTlsError, TlsError, TlsSession};
#[cfg(feature = "_tls")]
pub use tls::{Identities, Identity, Tls, TlsConfigError, Trust};
pub use transport::{Address, Addresses};

#[doc(hidden)]
pub use amp_rpc_core::__private;

/// The code in README.md is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
