//! The Asynchronous Messaging Protocol without I/O.
//!
//! This crate knows bytes, boxes, commands and the rules of a conversation; it does not know
//! sockets, runtimes or clocks. Programs normally use it through `amp-rpc`.
//!
//! In reading order:
//!
//! * [`wire`]: boxes as bytes;
//! * [`AmpBox`]: a box as a map;
//! * [`Argument`], [`Field`], [`Item`]: Rust values as the values of a box;
//! * [`Fields`], [`Command`], [`CommandError`]: what can be called;
//! * [`schema`]: the same, readable at run time;
//! * [`conversation`]: asks and answers in both directions.

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
pub use fields::{Fields, WriteFields};
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
    pub use crate::fields::Fields;
    pub use crate::schema::{CommandKind, CommandSchema, ErrorSchema, Errors, FieldSchema, Type};
    pub use crate::shared::Shared;
    pub use crate::wire::{BoxView, BoxWriter, Key, Name, RawValue, ValueWriter};
    pub use alloc::string::{String, ToString};
    pub use alloc::sync::Arc;
    pub use alloc::vec::Vec;
    pub use core;
}
