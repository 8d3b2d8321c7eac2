//! How Python reads numbers: what its parsers let pass besides the digits.

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// Whether a number begins with a minus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Positive,
    Negative,
}

/// Removes the white space of ASCII around a number, as Python does for bytes and text alike.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = value.iter().position(|byte| !is_space(byte));
    let Some(start) = start else {
        return &[];
    };
    let end = value.iter().rposition(|byte| !is_space(byte));
    &value[start..=end.unwrap_or(start)]
}

/// Splits a sign off.
pub(crate) fn split_sign(value: &[u8]) -> (Sign, &[u8]) {
    match value {
        [b'-', rest @ ..] => (Sign::Negative, rest),
        [b'+', rest @ ..] => (Sign::Positive, rest),
        _ => (Sign::Positive, value),
    }
}

/// Removes underscores that stand between two digits; `None` where one stands elsewhere.
pub(crate) fn without_underscores(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !value.contains(&b'_') {
        return Some(Cow::Borrowed(value));
    }
    let is_digit = |index: Option<usize>| {
        index
            .and_then(|index| value.get(index))
            .is_some_and(u8::is_ascii_digit)
    };
    let mut kept = Vec::with_capacity(value.len());
    for (index, byte) in value.iter().enumerate() {
        if *byte != b'_' {
            kept.push(*byte);
        } else if !is_digit(index.checked_sub(1)) || !is_digit(Some(index + 1)) {
            return None;
        }
    }
    Some(Cow::Owned(kept))
}

/// The sign and the digits of a whole number as Python's `int` takes it; at least one digit.
pub(crate) fn digits(value: &[u8]) -> Option<(Sign, Cow<'_, [u8]>)> {
    let (sign, rest) = split_sign(trim(value));
    let digits = without_underscores(rest)?;
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then_some((sign, digits))
}
