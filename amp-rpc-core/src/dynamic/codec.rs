//! Dynamic values to bytes and back, by the functions of the Rust types.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::fields::DynamicFields;
use super::value::Value;
use super::values::Values;
use crate::argument::{Argument, DateTime, Decimal, list};
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::fields::WriteFields;
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// Appends a value as its type says.
pub(super) fn encode(
    ty: &Type,
    value: &Value,
    out: &mut ValueWriter<'_>,
    cx: &mut dyn Context,
) -> Result<(), EncodeError> {
    match (ty, value) {
        (Type::Integer, Value::Integer(number)) => number.encode(out),
        #[cfg(feature = "bigint")]
        (Type::Integer, Value::BigInteger(number)) => number.encode(out),
        (Type::String, Value::String(bytes)) | (Type::Custom(_), Value::Custom(bytes)) => {
            bytes.encode(out)
        }
        (Type::Unicode, Value::Unicode(text)) | (Type::Path, Value::Path(text)) => text.encode(out),
        (Type::Float, Value::Float(number)) => number.encode(out),
        (Type::Boolean, Value::Boolean(value)) => value.encode(out),
        (Type::Decimal, Value::Decimal(number)) => number.encode(out),
        (Type::DateTime, Value::DateTime(time)) => time.encode(out),
        (Type::Descriptor, Value::Descriptor(ordinal)) => ordinal.encode(out),
        (Type::ListOf(element), Value::ListOf(items)) => {
            list::encode(items.iter(), out, |item, out| {
                encode(element, item, out, cx)
            })
        }
        (Type::AmpList(schema), Value::AmpList(rows)) => {
            for (index, row) in rows.iter().enumerate() {
                out.nested_box(|out| DynamicFields::new(schema, row).write_fields(out, cx))
                    .map_err(|error| error.at_index(index))?;
            }
            Ok(())
        }
        (ty, value) => Err(EncodeError::unencodable(format!(
            "a value of type {ty} is wanted, this one is of type {}",
            value.kind()
        ))),
    }
}

/// Reads a value as its type says.
pub(super) fn decode(
    ty: &Type,
    value: RawValue<'_>,
    cx: &mut dyn Context,
) -> Result<Value, DecodeError> {
    Ok(match ty {
        Type::Integer => decode_integer(value)?,
        Type::String => Value::String(Bytes::decode(value)?),
        Type::Unicode => Value::Unicode(String::decode(value)?),
        Type::Float => Value::Float(f64::decode(value)?),
        Type::Boolean => Value::Boolean(bool::decode(value)?),
        Type::Path => Value::Path(
            String::decode(value).map_err(|_| DecodeError::expected("a path in UTF-8", &value))?,
        ),
        Type::Decimal => Value::Decimal(Decimal::decode(value)?),
        Type::DateTime => Value::DateTime(DateTime::decode(value)?),
        Type::Descriptor => Value::Descriptor(u64::decode(value)?),
        Type::ListOf(element) => Value::ListOf(list::decode(value, cx, |item, cx| {
            decode(element, item, cx)
        })?),
        Type::AmpList(schema) => {
            Value::AmpList(list::decode_boxes(value, Vec::new(), cx, |view, cx| {
                Values::from_box(schema, view, cx)
            })?)
        }
        Type::Custom(_) => Value::Custom(value.to_bytes()),
    })
}

#[cfg(not(feature = "bigint"))]
fn decode_integer(value: RawValue<'_>) -> Result<Value, DecodeError> {
    i128::decode(value).map(Value::Integer)
}

/// A number beyond 128 bits is rare: the fast way is tried first.
#[cfg(feature = "bigint")]
fn decode_integer(value: RawValue<'_>) -> Result<Value, DecodeError> {
    match i128::decode(value) {
        Ok(number) => Ok(Value::Integer(number)),
        Err(_) => num_bigint::BigInt::decode(value).map(Value::from),
    }
}
