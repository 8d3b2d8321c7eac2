use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value as Json;

use super::fields::FieldNote;
use super::text::{Hex, Name, Ordered};

/// The type of an argument.
#[derive(Debug, Clone)]
pub enum TypeNote {
    /// A type without parts, by its name.
    Plain(String),
    /// A list of values.
    ListOf(Box<Self>),
    /// A list of rows.
    AmpList(Vec<FieldNote>),
}

const PLAIN: [&str; 9] = [
    "Integer",
    "String",
    "Unicode",
    "Float",
    "Boolean",
    "Path",
    "Decimal",
    "DateTime",
    "Descriptor",
];

impl<'de> Deserialize<'de> for TypeNote {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(from)?;
        if let Json::String(name) = &json {
            if PLAIN.contains(&name.as_str()) {
                return Ok(Self::Plain(name.clone()));
            }
        }
        match only_member(&json) {
            Some(("ListOf", element)) => Self::deserialize(element)
                .map(|element| Self::ListOf(Box::new(element)))
                .map_err(D::Error::custom),
            Some(("AmpList", fields)) => Vec::<FieldNote>::deserialize(fields)
                .map(Self::AmpList)
                .map_err(D::Error::custom),
            _ => Err(D::Error::custom(format!("the type {json}"))),
        }
    }
}

/// A value, tagged by its type.
#[derive(Debug, Clone)]
pub enum ValueNote {
    /// An optional value that is not there.
    Absent,
    /// A whole number, in decimal.
    Integer(String),
    /// Bytes.
    String(Vec<u8>),
    /// Text.
    Unicode(Text),
    /// A binary64 number.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// A path.
    Path(String),
    /// A decimal number.
    Decimal(DecimalNote),
    /// A point in time.
    DateTime(DateTimeNote),
    /// A list of values.
    ListOf(Vec<Self>),
    /// A list of rows.
    AmpList(Vec<Ordered<Name, Self>>),
}

/// Text as Python has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Text.
    Text(String),
    /// Code points of which some are surrogates, which is no text in Rust.
    Surrogates(Vec<u32>),
}

/// A decimal number by its parts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecimalNote {
    /// 1 for a minus.
    pub sign: u8,
    /// The coefficient of a finite number.
    pub digits: Option<String>,
    /// Its exponent.
    pub exponent: Option<i64>,
    /// `Infinity`, `NaN` or `sNaN`.
    pub special: Option<String>,
    /// The payload of a NaN.
    pub payload: Option<String>,
    /// For people.
    #[serde(rename = "str")]
    pub text: Option<String>,
}

/// A point in time by its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateTimeNote {
    /// 1 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999,999.
    pub microsecond: u32,
    /// From UTC.
    pub offset: Offset,
}

/// How far a point in time is from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// Python's naive datetime.
    None,
    /// Whole minutes.
    Minutes(i32),
    /// Not whole minutes.
    Seconds(i32),
}

impl<'de> Deserialize<'de> for DateTimeNote {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            year: u16,
            month: u8,
            day: u8,
            hour: u8,
            minute: u8,
            second: u8,
            microsecond: u32,
            offset_minutes: Option<i32>,
            offset_seconds: Option<i32>,
        }
        let parts = Parts::deserialize(from)?;
        let offset = match (parts.offset_minutes, parts.offset_seconds) {
            (None, None) => Offset::None,
            (Some(minutes), None) => Offset::Minutes(minutes),
            (None, Some(seconds)) => Offset::Seconds(seconds),
            (Some(_), Some(_)) => return Err(D::Error::custom("an offset twice")),
        };
        Ok(Self {
            year: parts.year,
            month: parts.month,
            day: parts.day,
            hour: parts.hour,
            minute: parts.minute,
            second: parts.second,
            microsecond: parts.microsecond,
            offset,
        })
    }
}

impl ValueNote {
    /// The name of the type that the value is tagged with; `None` where it is absent.
    pub fn tag(&self) -> Option<&'static str> {
        Some(match self {
            Self::Absent => return None,
            Self::Integer(_) => "Integer",
            Self::String(_) => "String",
            Self::Unicode(_) => "Unicode",
            Self::Float(_) => "Float",
            Self::Boolean(_) => "Boolean",
            Self::Path(_) => "Path",
            Self::Decimal(_) => "Decimal",
            Self::DateTime(_) => "DateTime",
            Self::ListOf(_) => "ListOf",
            Self::AmpList(_) => "AmpList",
        })
    }

    /// Reads a value; `Err` says what is unknown about it.
    pub fn read(json: &Json) -> Result<Self, String> {
        fn part<'de, T: Deserialize<'de>>(json: &'de Json) -> Result<T, String> {
            T::deserialize(json).map_err(|why| format!("{why} in {json}"))
        }
        if json.is_null() {
            return Ok(Self::Absent);
        }
        let Some((tag, value)) = only_member(json) else {
            return Err(format!("the value {json}"));
        };
        Ok(match tag {
            "Integer" => {
                let digits: String = part(value)?;
                let unsigned = digits.strip_prefix('-').unwrap_or(&digits);
                if unsigned.is_empty() || !unsigned.bytes().all(|c| c.is_ascii_digit()) {
                    return Err(format!("the integer {digits:?}"));
                }
                Self::Integer(digits)
            }
            "String" => Self::String(part::<Hex>(value)?.0),
            "Unicode" => Self::Unicode(Text::Text(part(value)?)),
            "Unicode_codepoints" => {
                let points: Vec<u32> = part(value)?;
                let text: Option<String> = points.iter().map(|&c| char::from_u32(c)).collect();
                if points.iter().any(|&point| point > 0x10_ffff) {
                    return Err(format!("the code points {points:?}"));
                }
                Self::Unicode(text.map_or(Text::Surrogates(points), Text::Text))
            }
            "Float" => {
                #[derive(serde::Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Float {
                    bits: Hex,
                    #[serde(rename = "repr")]
                    _repr: Option<String>,
                }
                let bits = part::<Float>(value)?.bits.0;
                let bits = bits
                    .try_into()
                    .map_err(|_| format!("the bits of {value}"))?;
                Self::Float(f64::from_be_bytes(bits))
            }
            "Boolean" => Self::Boolean(part(value)?),
            "Path" => Self::Path(part(value)?),
            "Decimal" => Self::Decimal(part(value)?),
            "DateTime" => Self::DateTime(part(value)?),
            "ListOf" => Self::ListOf(part(value)?),
            "AmpList" => Self::AmpList(part(value)?),
            _ => return Err(format!("the value {json}")),
        })
    }
}

impl<'de> Deserialize<'de> for ValueNote {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::read(&Json::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// The member of an object that has exactly one.
pub(crate) fn only_member(json: &Json) -> Option<(&str, &Json)> {
    let object = json.as_object().filter(|object| object.len() == 1)?;
    object
        .iter()
        .next()
        .map(|(key, value)| (key.as_str(), value))
}
