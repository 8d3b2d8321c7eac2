use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::values::Values;
use crate::argument::{DateTime, Decimal};

/// A value of any type that Twisted's AMP has.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An `Integer` of up to 128 bits.
    Integer(i128),
    /// An `Integer` beyond 128 bits.
    #[cfg(feature = "bigint")]
    BigInteger(num_bigint::BigInt),
    /// A `String`: bytes.
    String(Bytes),
    /// A `Unicode`: text.
    Unicode(String),
    /// A `Float`.
    Float(f64),
    /// A `Boolean`.
    Boolean(bool),
    /// A `Path`, as text.
    Path(String),
    /// A `Decimal`.
    Decimal(Decimal),
    /// A `DateTime`.
    DateTime(DateTime),
    /// A `Descriptor`, by its ordinal: how many descriptors were sent over the connection before it.
    Descriptor(u64),
    /// A `ListOf`.
    ListOf(Vec<Self>),
    /// An `AmpList`.
    AmpList(Vec<Values>),
    /// A value of an application's own type, as its bytes.
    Custom(Bytes),
}

impl Value {
    /// A `ListOf` of what can be made values.
    pub fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::ListOf(items.into_iter().map(Into::into).collect())
    }

    /// An `AmpList` of these rows.
    pub fn rows(rows: impl IntoIterator<Item = Values>) -> Self {
        Self::AmpList(rows.into_iter().collect())
    }

    /// The number, if this is an `Integer` of up to 128 bits.
    pub fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The bytes, if this is a `String` or a value of an application's own type.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::String(bytes) | Self::Custom(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text, if this is a `Unicode` or a `Path`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Unicode(text) | Self::Path(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is a `Float`.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The value, if this is a `Boolean`.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if this is a `Decimal`.
    pub fn as_decimal(&self) -> Option<&Decimal> {
        match self {
            Self::Decimal(number) => Some(number),
            _ => None,
        }
    }

    /// The date and time, if this is a `DateTime`.
    pub fn as_date_time(&self) -> Option<DateTime> {
        match self {
            Self::DateTime(time) => Some(*time),
            _ => None,
        }
    }

    /// The elements, if this is a `ListOf`.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::ListOf(items) => Some(items),
            _ => None,
        }
    }

    /// The rows, if this is an `AmpList`.
    pub fn as_rows(&self) -> Option<&[Values]> {
        match self {
            Self::AmpList(rows) => Some(rows),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) => "Integer",
            #[cfg(feature = "bigint")]
            Self::BigInteger(_) => "Integer",
            Self::String(_) => "String",
            Self::Unicode(_) => "Unicode",
            Self::Float(_) => "Float",
            Self::Boolean(_) => "Boolean",
            Self::Path(_) => "Path",
            Self::Decimal(_) => "Decimal",
            Self::DateTime(_) => "DateTime",
            Self::Descriptor(_) => "Descriptor",
            Self::ListOf(_) => "ListOf",
            Self::AmpList(_) => "AmpList",
            Self::Custom(_) => "custom",
        }
    }
}

macro_rules! from {
    ($($source:ty => $variant:ident,)*) => {$(
        impl From<$source> for Value {
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from! {
    i8 => Integer,
    i16 => Integer,
    i32 => Integer,
    i64 => Integer,
    i128 => Integer,
    u8 => Integer,
    u16 => Integer,
    u32 => Integer,
    u64 => Integer,
    Bytes => String,
    Vec<u8> => String,
    &'static [u8] => String,
    String => Unicode,
    &str => Unicode,
    f32 => Float,
    f64 => Float,
    bool => Boolean,
    Decimal => Decimal,
    DateTime => DateTime,
    Vec<Value> => ListOf,
    Vec<Values> => AmpList,
}

macro_rules! from_size {
    ($($size:ty),*) => {$(
        impl From<$size> for Value {
            fn from(value: $size) -> Self {
                // No machine has sizes of 128 bits.
                Self::Integer(value as i128)
            }
        }
    )*};
}

from_size!(isize, usize);

#[cfg(feature = "bigint")]
impl From<num_bigint::BigInt> for Value {
    fn from(value: num_bigint::BigInt) -> Self {
        match i128::try_from(&value) {
            Ok(small) => Self::Integer(small),
            Err(_) => Self::BigInteger(value),
        }
    }
}
