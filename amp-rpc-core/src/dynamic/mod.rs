//! Values whose types are known at run time only.
//!
//! A program that reads its commands from elsewhere describes them with a
//! [`CommandSchema`](crate::schema::CommandSchema) and fills them with [`Values`]. They are encoded and
//! decoded by the same functions as Rust types.
//!
//! ```
//! use amp_rpc_core::dynamic::{DynamicFields, Value, Values};
//! use amp_rpc_core::schema::{FieldSchema, Type};
//! use amp_rpc_core::wire::{BoxWriter, Limits, Name, parse};
//! use amp_rpc_core::{NoContext, WriteFields};
//!
//! let schema = [
//!     FieldSchema::new(Name::new("a")?, Type::Integer),
//!     FieldSchema::new(Name::new("note")?, Type::Unicode).optional(),
//! ];
//! let values = Values::from([("a", Value::from(13))]);
//!
//! let mut bytes = Vec::new();
//! let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
//! DynamicFields::new(&schema, &values).write_fields(&mut writer, &mut NoContext)?;
//! writer.finish()?;
//! assert_eq!(bytes, b"\0\x01a\0\x0213\0\0");
//!
//! let view = parse(&bytes).next().expect("one box")?;
//! assert_eq!(Values::from_box(&schema, &view, &mut NoContext)?, values);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codec;
mod fields;
mod raised;
mod value;
mod values;

pub use fields::{DynamicFields, OwnedFields};
pub use raised::Raised;
pub use value::Value;
pub use values::Values;
