//! Conversions from and to the crate `rust_decimal`.

use alloc::format;

use rust_decimal::Decimal as Other;

use super::{Decimal, DecimalError, DecimalParts};
use crate::argument::Argument;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// The most digits that 96 bits have.
const MAX_DIGITS: usize = 29;

/// The same sign, digits and places.
impl From<Other> for Decimal {
    fn from(number: Other) -> Self {
        let digits = format!("{}", number.mantissa().unsigned_abs());
        let exponent = -i64::from(number.scale());
        Self::finite(number.is_sign_negative(), &digits, exponent)
            .expect("29 digits and 28 places are in range")
    }
}

/// The same number, never a rounded one. Zeros are added to a whole number with an exponent (`1E+2`
/// becomes `100`), and taken from the end of a fraction that has more digits than there is room for.
///
/// # Errors
///
/// When it is an infinity or a NaN, and when it would have to be rounded.
impl TryFrom<&Decimal> for Other {
    type Error = DecimalError;

    fn try_from(number: &Decimal) -> Result<Self, DecimalError> {
        let DecimalParts::Finite { digits, exponent } = number.parts() else {
            return Err(DecimalError::NotFinite);
        };
        // Not every number of the largest length fits, but without its last zero it may.
        let mut result = fit(digits, exponent, MAX_DIGITS)
            .or_else(|| fit(digits, exponent, MAX_DIGITS - 1))
            .ok_or(DecimalError::DoesNotFit)?;
        result.set_sign_negative(number.is_negative());
        Ok(result)
    }
}

/// The number with at most that many digits and no more places than the type has.
fn fit(digits: &str, exponent: i64, max_digits: usize) -> Option<Other> {
    let max_places = u64::from(Other::MAX_SCALE);
    let places = exponent.min(0).unsigned_abs();
    if digits == "0" {
        return Other::try_from_i128_with_scale(0, places.min(max_places) as u32).ok();
    }
    let zeros = usize::try_from(exponent.max(0)).ok()?;
    let surplus_digits = digits.len().saturating_sub(max_digits) as u64;
    let surplus = surplus_digits.max(places.saturating_sub(max_places));
    let scale = u32::try_from(places.checked_sub(surplus)?).ok()?;
    let kept = digits.len().checked_sub(usize::try_from(surplus).ok()?)?;
    let (kept, cut) = digits.split_at_checked(kept)?;
    if zeros > max_digits - kept.len() || cut.bytes().any(|digit| digit != b'0') {
        return None;
    }
    let mantissa = kept
        .bytes()
        .chain(core::iter::repeat_n(b'0', zeros))
        .fold(0, |number, digit| number * 10 + i128::from(digit - b'0'));
    Other::try_from_i128_with_scale(mantissa, scale).ok()
}

impl TryFrom<Decimal> for Other {
    type Error = DecimalError;

    fn try_from(number: Decimal) -> Result<Self, DecimalError> {
        Self::try_from(&number)
    }
}

/// Twisted's `Decimal`, as far as this type can hold it: infinities, NaNs and numbers that would have
/// to be rounded are refused.
impl Argument for Other {
    const TYPE: &'static Type = &Type::Decimal;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        Decimal::from(*self).encode(out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Self::try_from(Decimal::decode(value)?).map_err(|_| {
            let expected = "a finite decimal number of 96 bits with at most 28 places";
            DecodeError::expected(expected, &value)
        })
    }
}
