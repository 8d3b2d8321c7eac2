//! Conversions from and to the crate `bigdecimal`.
//!
//! `BigDecimal` is no argument type itself: a peer can send `1E+999999999999`, which takes a dozen bytes
//! as a [`Decimal`] and all memory as soon as `BigDecimal` adds one to it.

use alloc::format;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, Sign};

use super::{Decimal, DecimalError, DecimalParts};

/// The same digits and exponent; there is no negative zero.
///
/// # Errors
///
/// When the exponent is out of range.
impl TryFrom<&BigDecimal> for Decimal {
    type Error = DecimalError;

    fn try_from(number: &BigDecimal) -> Result<Self, DecimalError> {
        let (digits, scale) = number.as_bigint_and_scale();
        let exponent = scale
            .checked_neg()
            .ok_or(DecimalError::ExponentOutOfRange)?;
        let negative = digits.sign() == Sign::Minus;
        Self::finite(negative, &format!("{}", digits.magnitude()), exponent)
    }
}

impl TryFrom<BigDecimal> for Decimal {
    type Error = DecimalError;

    fn try_from(number: BigDecimal) -> Result<Self, DecimalError> {
        Self::try_from(&number)
    }
}

/// The same digits and exponent. Negative zero becomes zero.
///
/// The conversion itself is cheap, but `BigDecimal` multiplies exponents out when it calculates: look at
/// [`Decimal::parts`] before you calculate with what a peer sent.
///
/// # Errors
///
/// When it is an infinity or a NaN.
impl TryFrom<&Decimal> for BigDecimal {
    type Error = DecimalError;

    fn try_from(number: &Decimal) -> Result<Self, DecimalError> {
        let DecimalParts::Finite { digits, exponent } = number.parts() else {
            return Err(DecimalError::NotFinite);
        };
        let magnitude =
            BigInt::parse_bytes(digits.as_bytes(), 10).ok_or(DecimalError::DoesNotFit)?;
        let signed = if number.is_negative() {
            -magnitude
        } else {
            magnitude
        };
        Ok(Self::new(signed, -exponent))
    }
}

impl TryFrom<Decimal> for BigDecimal {
    type Error = DecimalError;

    fn try_from(number: Decimal) -> Result<Self, DecimalError> {
        Self::try_from(&number)
    }
}
