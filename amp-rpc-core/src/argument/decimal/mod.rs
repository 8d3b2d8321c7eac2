//! Decimal numbers: every form that Python's `decimal.Decimal` has.

#[cfg(feature = "bigdecimal")]
mod bigdecimal;
mod digits;
mod parse;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;

use core::fmt::{self, Write};
use core::str::FromStr;

use self::digits::Digits;
use super::Argument;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// A decimal number as Python's `decimal.Decimal` holds it: a sign, the digits of a coefficient and a
/// power of ten, or an infinity or a NaN. Twisted's `Decimal` argument.
///
/// Nothing is rounded and nothing is normalized: `1.0`, `1.00` and `1E+0` keep their digits, zero
/// keeps its sign, a NaN keeps its payload. Equality and hashing compare this representation, so
/// `1.0 != 1.00` and a NaN equals itself. There is no arithmetic; convert to a type of a crate for
/// calculations (features `rust_decimal` and `bigdecimal`).
///
/// `Display` writes what Python's `str()` does, which is also the form on the wire.
///
/// # Limits
///
/// The exponent is never multiplied out: time and memory depend on the number of digits alone, also
/// for `1E+999999999999999999`. The number of digits is not limited here; on the wire it is by the
/// length of a value. Exponents are limited as in Python on 64-bit machines: see
/// [`MAX_ADJUSTED_EXPONENT`](Self::MAX_ADJUSTED_EXPONENT) and
/// [`MIN_EXPONENT`](Self::MIN_EXPONENT).
///
/// ```
/// use amp_rpc_core::{Decimal, argument::DecimalParts};
///
/// let price: Decimal = "120.50".parse()?;
/// assert_eq!(price.parts(), DecimalParts::Finite { digits: "12050", exponent: -2 });
/// assert_eq!(price.to_string(), "120.50");
/// assert_eq!(Decimal::finite(true, "12", 5)?.to_string(), "-1.2E+6");
/// # Ok::<(), amp_rpc_core::argument::DecimalError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    kind: Kind,
}

/// Coefficients have at least one digit; payloads may have none.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Kind {
    Finite { digits: Digits, exponent: i64 },
    Infinity,
    Nan { payload: Digits },
    SignalingNan { payload: Digits },
}

/// What a [`Decimal`] consists of beside its sign; see [`Decimal::parts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecimalParts<'a> {
    /// The number `digits` times ten to the power of `exponent`.
    Finite {
        /// The coefficient: at least one digit, and no leading zero unless it is zero.
        digits: &'a str,
        /// The power of ten.
        exponent: i64,
    },
    /// Infinity.
    Infinity,
    /// A quiet NaN.
    Nan {
        /// Digits without leading zeros, or nothing.
        payload: &'a str,
    },
    /// A signaling NaN.
    SignalingNan {
        /// Digits without leading zeros, or nothing.
        payload: &'a str,
    },
}

/// Why something is no [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecimalError {
    /// The text is not of the form that Python's `Decimal()` reads, or digits are no digits.
    #[error("not a decimal number")]
    Syntax,
    /// The exponent is above [`Decimal::MAX_ADJUSTED_EXPONENT`] or below [`Decimal::MIN_EXPONENT`].
    #[error("the exponent of a decimal number is out of range")]
    ExponentOutOfRange,
    /// An infinity or a NaN was to become a type that has none.
    #[error("neither an infinity nor a NaN can be converted")]
    NotFinite,
    /// A number was to become a type that has no such number: too large, or too many digits.
    #[error("the number is too large or has too many digits")]
    DoesNotFit,
}

impl Decimal {
    /// The largest exponent that a number may have in scientific notation (with one digit before
    /// the point): `MAX_EMAX` of Python's `decimal` on 64-bit machines.
    pub const MAX_ADJUSTED_EXPONENT: i64 = 999_999_999_999_999_999;

    /// The smallest exponent that the last digit may have: `MIN_ETINY` of Python's `decimal` on
    /// 64-bit machines.
    pub const MIN_EXPONENT: i64 = -1_999_999_999_999_999_997;

    /// The number `digits` times ten to the power of `exponent`, negative (also if zero) or not.
    /// Leading zeros are left out, as Python does.
    ///
    /// # Errors
    ///
    /// When `digits` is empty or has anything but ASCII digits, and when the exponent is out of
    /// range.
    pub fn finite(negative: bool, digits: &str, exponent: i64) -> Result<Self, DecimalError> {
        if digits.is_empty() || !parse::are_digits(digits.as_bytes()) {
            return Err(DecimalError::Syntax);
        }
        Self::from_digits(negative, Digits::collect_number(digits.bytes()), exponent)
    }

    /// Positive or negative infinity.
    pub fn infinity(negative: bool) -> Self {
        let kind = Kind::Infinity;
        Self { negative, kind }
    }

    /// A quiet NaN with a payload of digits, normally empty. Leading zeros are left out.
    ///
    /// # Errors
    ///
    /// When `payload` has anything but ASCII digits.
    pub fn nan(negative: bool, payload: &str) -> Result<Self, DecimalError> {
        Self::nan_of_digits(negative, payload.as_bytes())
    }

    /// A signaling NaN with a payload of digits, normally empty. Leading zeros are left out.
    ///
    /// # Errors
    ///
    /// When `payload` has anything but ASCII digits.
    pub fn signaling_nan(negative: bool, payload: &str) -> Result<Self, DecimalError> {
        Self::signaling_nan_of_digits(negative, payload.as_bytes())
    }

    /// Whether the sign is minus, which zeros, infinities and NaNs have too.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Whether this is neither an infinity nor a NaN.
    pub fn is_finite(&self) -> bool {
        matches!(self.kind, Kind::Finite { .. })
    }

    /// What the number consists of beside its sign.
    pub fn parts(&self) -> DecimalParts<'_> {
        match &self.kind {
            Kind::Finite { digits, exponent } => DecimalParts::Finite {
                digits: digits.as_str(),
                exponent: *exponent,
            },
            Kind::Infinity => DecimalParts::Infinity,
            Kind::Nan { payload } => DecimalParts::Nan {
                payload: payload.as_str(),
            },
            Kind::SignalingNan { payload } => DecimalParts::SignalingNan {
                payload: payload.as_str(),
            },
        }
    }

    fn from_digits(negative: bool, digits: Digits, exponent: i64) -> Result<Self, DecimalError> {
        let adjusted = adjusted_exponent(digits.as_str(), exponent);
        if adjusted > Self::MAX_ADJUSTED_EXPONENT || exponent < Self::MIN_EXPONENT {
            return Err(DecimalError::ExponentOutOfRange);
        }
        let kind = Kind::Finite { digits, exponent };
        Ok(Self { negative, kind })
    }

    fn nan_of_digits(negative: bool, payload: &[u8]) -> Result<Self, DecimalError> {
        let payload = payload_digits(payload)?;
        let kind = Kind::Nan { payload };
        Ok(Self { negative, kind })
    }

    fn signaling_nan_of_digits(negative: bool, payload: &[u8]) -> Result<Self, DecimalError> {
        let payload = payload_digits(payload)?;
        let kind = Kind::SignalingNan { payload };
        Ok(Self { negative, kind })
    }
}

fn payload_digits(payload: &[u8]) -> Result<Digits, DecimalError> {
    if !parse::are_digits(payload) {
        return Err(DecimalError::Syntax);
    }
    Ok(Digits::collect(payload.iter().copied()))
}

/// The exponent of the first digit. Saturates, which is far outside the range.
fn adjusted_exponent(digits: &str, exponent: i64) -> i64 {
    let behind_first = i64::try_from(digits.len() - 1).unwrap_or(i64::MAX);
    exponent.saturating_add(behind_first)
}

/// Writes what Python's `str()` does: `1.50`, `0.000001`, `1E-7`, `1.5E+2`, `-0`, `NaN123`, `-sNaN`,
/// `Infinity`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        match self.parts() {
            DecimalParts::Finite { digits, exponent } => write_finite(f, digits, exponent),
            DecimalParts::Infinity => f.write_str("Infinity"),
            DecimalParts::Nan { payload } => write!(f, "NaN{payload}"),
            DecimalParts::SignalingNan { payload } => write!(f, "sNaN{payload}"),
        }
    }
}

fn write_finite(f: &mut fmt::Formatter<'_>, digits: &str, exponent: i64) -> fmt::Result {
    /// The smallest adjusted exponent that is written without an `E`.
    const SMALLEST_PLAIN: i64 = -6;

    let adjusted = adjusted_exponent(digits, exponent);
    if exponent > 0 || adjusted < SMALLEST_PLAIN {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return write!(f, "{first}{point}{rest}E{adjusted:+}");
    }
    match usize::try_from(adjusted) {
        Ok(_) if exponent == 0 => f.write_str(digits),
        Ok(behind_first) => {
            let (whole, fraction) = digits.split_at(behind_first + 1);
            write!(f, "{whole}.{fraction}")
        }
        Err(_) => {
            let zeros = usize::try_from(-1 - adjusted).unwrap_or_default();
            write!(f, "0.{:0<zeros$}{digits}", "")
        }
    }
}

/// `Decimal(1.50)`, with the text of `Display`.
impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decimal({self})")
    }
}

/// Reads what Python's `Decimal()` does, as far as it is ASCII, which is all that Twisted lets
/// through: `1.5`, `-.5`, `5.`, `1e+3`, `inf`, `Infinity`, `nan`, `sNaN12`, in capitals or not, with white
/// space around and underscores anywhere.
impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::parse(text.as_bytes())
    }
}

impl Argument for Decimal {
    const TYPE: &'static Type = &Type::Decimal;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        write!(out, "{self}").map_err(|_| EncodeError::unencodable("the number cannot be written"))
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Self::parse(&value).map_err(|error| match error {
            DecimalError::ExponentOutOfRange => {
                DecodeError::expected("a decimal number with an exponent in range", &value)
            }
            _ => DecodeError::expected("a decimal number", &value),
        })
    }
}

macro_rules! from_integers {
    ($($int:ty),*) => {$(
        /// The number with the exponent zero.
        impl From<$int> for Decimal {
            fn from(number: $int) -> Self {
                let text = alloc::format!("{number}");
                let digits = text.trim_start_matches('-');
                Self {
                    negative: text.starts_with('-'),
                    kind: Kind::Finite {
                        digits: Digits::collect_number(digits.bytes()),
                        exponent: 0,
                    },
                }
            }
        }
    )*};
}

from_integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64, u128);
