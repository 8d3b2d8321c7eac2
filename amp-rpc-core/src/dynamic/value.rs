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
    i32 => Integer,
    i64 => Integer,
    i128 => Integer,
    u32 => Integer,
    u64 => Integer,
    Bytes => String,
    Vec<u8> => String,
    &'static [u8] => String,
    String => Unicode,
    &str => Unicode,
    f64 => Float,
    bool => Boolean,
    Decimal => Decimal,
    DateTime => DateTime,
    Vec<Value> => ListOf,
    Vec<Values> => AmpList,
}

#[cfg(feature = "bigint")]
impl From<num_bigint::BigInt> for Value {
    fn from(value: num_bigint::BigInt) -> Self {
        match i128::try_from(&value) {
            Ok(small) => Self::Integer(small),
            Err(_) => Self::BigInteger(value),
        }
    }
}
