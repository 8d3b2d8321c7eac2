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

/// The same number, never a rounded one. It has as many places as this type can keep: zeros are
/// added to a whole number with an exponent (`1E+2` becomes `100`) and taken from the end of a
/// fraction with more than 28 places.
impl TryFrom<&Decimal> for Other {
    type Error = DecimalError;

    fn try_from(number: &Decimal) -> Result<Self, DecimalError> {
        let DecimalParts::Finite { digits, exponent } = number.parts() else {
            return Err(DecimalError::NotFinite);
        };
        let (digits, zeros, scale) = fit(digits, exponent)?;
        let mantissa = digits
            .bytes()
            .chain(core::iter::repeat_n(b'0', zeros))
            .fold(0_i128, |number, digit| {
                number * 10 + i128::from(digit - b'0')
            });
        let mut result = Self::try_from_i128_with_scale(mantissa, scale)
            .map_err(|_| DecimalError::DoesNotFit)?;
        result.set_sign_negative(number.is_negative());
        Ok(result)
    }
}

/// The digits that are left, the zeros to append and the number of places.
fn fit(digits: &str, exponent: i64) -> Result<(&str, usize, u32), DecimalError> {
    let does_not_fit = DecimalError::DoesNotFit;
    let is_zero = digits == "0";
    if exponent >= 0 {
        let zeros = if is_zero { 0 } else { exponent };
        let zeros = usize::try_from(zeros).map_err(|_| does_not_fit)?;
        let fits = digits
            .len()
            .checked_add(zeros)
            .is_some_and(|len| len <= MAX_DIGITS);
        return if fits {
            Ok((digits, zeros, 0))
        } else {
            Err(does_not_fit)
        };
    }
    let places = exponent.unsigned_abs();
    let surplus = places.saturating_sub(u64::from(Other::MAX_SCALE));
    let scale = places.min(u64::from(Other::MAX_SCALE)) as u32;
    if is_zero {
        return Ok((digits, 0, scale));
    }
    let kept = usize::try_from(surplus)
        .ok()
        .and_then(|surplus| digits.len().checked_sub(surplus))
        .and_then(|at| digits.split_at_checked(at))
        .filter(|(kept, cut)| kept.len() <= MAX_DIGITS && cut.bytes().all(|digit| digit == b'0'));
    kept.map(|(kept, _)| (kept, 0, scale)).ok_or(does_not_fit)
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
