//! The conversation: asks and answers in both directions.
//!
//! Things that happen go in as arguments, bytes to send go into a buffer of the caller's, and what
//! has to be done comes back as a value. There is no I/O and no clock.
//!
//! The rules live in two halves, each with a picture of its states: [`Asking`] for what this side
//! asks (and the gate through which everything is written), [`Answering`] for what the peer asks.
//! `amp-rpc` keeps them apart, one with the callers and one with the task that reads;
//! [`Conversation`] has both in one piece.

mod answering;
mod asking;
mod boundary;
mod calls;
mod compat;
mod descriptors;
mod expected;
mod meaning;
mod message;
mod metadata;
mod reply;
mod tag;
mod whole;

pub use answering::{Answering, Ask, Fault, Outcome, Replied};
#[doc(hidden)]
pub use asking::write_ask;
pub use asking::{AskRefused, Asking, Effect, Head, Received};
pub use boundary::{Boundary, CloseReason};
pub use calls::{Calls, Lookup, MAX_CALLS, Room};
pub use compat::Compat;
pub use descriptors::Descriptors;
pub use expected::{ExpectedAsk, expect_answer, expect_ask, front_of_answer};
pub use meaning::Meaning;
pub use message::Message;
pub use metadata::{BadMetadata, DEADLINE, Metadata, TRACEPARENT, TimeLeft};
pub use reply::{BUSY, TLS_ERROR, UNHANDLED, UNKNOWN};
pub use tag::{CallId, OwnTag, Tag};
pub use whole::{Conversation, Event, OwnCall};
