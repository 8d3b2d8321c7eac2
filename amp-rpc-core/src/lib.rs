//! The Asynchronous Messaging Protocol without I/O.
//!
//! This crate knows bytes, boxes, commands and the rules of a conversation; it does not know
//! sockets, runtimes or clocks. Programs normally use it through `amp-rpc`; this one is for those with
//! an event loop of their own, and for tools that look at boxes.
//!
//! ```
//! use amp_rpc_core::{AmpBox, wire};
//!
//! let sum = AmpBox::from([("_ask", "1"), ("_command", "Sum"), ("a", "13"), ("b", "81")]);
//! let bytes = sum.to_bytes()?;
//! assert_eq!(bytes, b"\0\x04_ask\0\x011\0\x08_command\0\x03Sum\0\x01a\0\x0213\0\x01b\0\x0281\0\0");
//!
//! for view in wire::parse(&bytes) {
//!     assert_eq!(view?.to_owned(), sum);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A box has a name for what to do, and arguments; [`Command`] makes a struct of them. A
//! [`Conversation`](conversation::Conversation) is told what happened, appends bytes to a buffer of the
//! caller's, and returns what is to be done.
//!
//! In reading order:
//!
//! * [`wire`]: boxes as bytes;
//! * [`AmpBox`]: a box as a map;
//! * [`argument`]: Rust values as the values of a box ([`Argument`], [`Field`], [`Item`]);
//! * [`Fields`], [`Command`], [`CommandError`]: what can be called;
//! * [`schema`]: the same, readable at run time;
//! * [`dynamic`]: values whose types are known at run time only;
//! * [`conversation`]: asks and answers in both directions.
//!
//! The feature `std`, on by default, adds paths as arguments. The others add types of other crates:
//! `bigint`, `rust_decimal`, `bigdecimal`, `chrono`, `jiff`, `time`.

#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod amp_box;
pub mod argument;
mod command;
mod context;
pub mod conversation;
mod derive;
pub mod dynamic;
mod error;
mod excerpt;
mod fields;
pub mod schema;
mod shared;
pub mod wire;

pub use amp_box::{AmpBox, Iter};
pub use argument::{Argument, DateTime, Decimal, Field, Item};
pub use command::{Answer, Command, CommandError, Failure, NoErrors, RemoteError};
pub use context::{AnyDescriptor, Context, NoContext};
pub use error::{DecodeError, EncodeError, EncodeProblem};
pub use excerpt::Excerpt;
pub use fields::{Fields, FromFront, WriteFields};
pub use shared::Shared;

/// What the derive macros write; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::argument::list::{decode_rows, encode_rows};
    pub use crate::argument::{Argument, Field, Item, Single, Source};
    pub use crate::command::{Command, CommandError, NoErrors};
    pub use crate::context::Context;
    pub use crate::derive::{FromDescription, IsError, assert_is_error};
    pub use crate::error::{DecodeError, EncodeError};
    pub use crate::fields::{Fields, FromFront};
    pub use crate::schema::{CommandKind, CommandSchema, ErrorSchema, Errors, FieldSchema, Type};
    pub use crate::shared::Shared;
    pub use crate::wire::{
        AtOnce, BoxLength, BoxView, BoxWriter, Front, Key, Name, Need, Prefix, RawValue,
        ValueWriter,
    };
    pub use alloc::string::{String, ToString};
    pub use alloc::sync::Arc;
    pub use alloc::vec::Vec;
    pub use core;
}
