//! The texts that Python's `Decimal()` reads, as far as they are ASCII.

use super::digits::Digits;
use super::{Decimal, DecimalError};
use crate::argument::number::{self, Sign};

impl Decimal {
    /// Reads ASCII text; what is accepted stands at [`Decimal`]'s `FromStr`.
    pub(super) fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        let text = strip(text);
        if !text.contains(&b'_') {
            return parse_stripped(text);
        }
        // Python takes underscores out before it reads, wherever they are.
        let mut kept = text.to_vec();
        kept.retain(|byte| *byte != b'_');
        parse_stripped(&kept)
    }
}

fn parse_stripped(text: &[u8]) -> Result<Decimal, DecimalError> {
    let (negative, text) = split_sign(text);
    if let Some(value) = parse_special(negative, text) {
        return value;
    }
    let e = text
        .iter()
        .position(|byte| byte.eq_ignore_ascii_case(&b'e'));
    let (coefficient, exponent) = match e {
        Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let point = coefficient.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&coefficient[..at], &coefficient[at + 1..]),
        None => (coefficient, &[][..]),
    };
    if whole.len() + fraction.len() == 0 || !are_digits(whole) || !are_digits(fraction) {
        return Err(DecimalError::Syntax);
    }
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let digits = Digits::collect_number(whole.iter().chain(fraction).copied());
    Decimal::from_digits(negative, digits, exponent.saturating_sub(places))
}

/// Infinities and NaNs; `None` for everything else.
fn parse_special(negative: bool, text: &[u8]) -> Option<Result<Decimal, DecimalError>> {
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Some(Ok(Decimal::infinity(negative)));
    }
    if let Some(payload) = split_name(text, b"nan") {
        return Some(Decimal::nan_of_digits(negative, payload));
    }
    split_name(text, b"snan").map(|payload| Decimal::signaling_nan_of_digits(negative, payload))
}

/// What is behind `name`, in capitals or not.
fn split_name<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(rest)
}

/// Numbers beyond an `i64` become its limits, which are far outside the range of exponents.
fn parse_exponent(text: &[u8]) -> Result<i64, DecimalError> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !are_digits(digits) {
        return Err(DecimalError::Syntax);
    }
    let magnitude = digits.iter().fold(0_i64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    Ok(if negative { -magnitude } else { magnitude })
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    let (sign, rest) = number::split_sign(text);
    (sign == Sign::Negative, rest)
}

pub(super) fn are_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

fn strip(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text {
        if !is_space(*first) {
            break;
        }
        text = rest;
    }
    while let [rest @ .., last] = text {
        if !is_space(*last) {
            break;
        }
        text = rest;
    }
    text
}

/// The ASCII characters for which Python's `str.isspace` holds.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0x1c..=0x1f)
}
