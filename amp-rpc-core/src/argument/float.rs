//! Binary floating-point numbers: text as Python's `repr` writes and its `float` reads it.

use super::Argument;
use super::number::{Sign, split_sign, trim, without_underscores};
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// Written as Python's `repr`: the fewest digits that give the same number back.
impl Argument for f64 {
    const TYPE: &'static Type = &Type::Float;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        write_repr(*self, out);
        Ok(())
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        read_float(&value).ok_or_else(|| DecodeError::expected("a number", &value))
    }
}

/// Written as the `f64` of the same value, so that a peer gets exactly this number; read as an
/// `f64` and rounded to the nearest `f32`, to infinity where it is too large.
impl Argument for f32 {
    const TYPE: &'static Type = &Type::Float;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        f64::from(*self).encode(out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        f64::decode(value).map(|number| number as Self)
    }
}

/// Appends what Python's `repr` makes of the number.
fn write_repr(number: f64, out: &mut ValueWriter<'_>) {
    if number.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    if number.is_infinite() {
        return out.extend_from_slice(b"inf");
    }
    if number == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let mut buffer = zmij::Buffer::new();
    let (digits, point) = digits_and_point(buffer.format_finite(number.abs()).as_bytes());
    let digits = digits.as_slice();
    // Python switches to an exponent where the decimal point is far from the digits.
    if !(-3..=16).contains(&point) {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let exponent = point - 1;
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let exponent = exponent.unsigned_abs();
        if exponent >= 100 {
            out.push(b'0' + (exponent / 100) as u8);
        }
        out.push(b'0' + (exponent / 10 % 10) as u8);
        out.push(b'0' + (exponent % 10) as u8);
    } else if point <= 0 {
        out.extend_from_slice(b"0.");
        (point..0).for_each(|_| out.push(b'0'));
        out.extend_from_slice(digits);
    } else {
        let point = point as usize;
        out.extend_from_slice(&digits[..digits.len().min(point)]);
        (digits.len()..point).for_each(|_| out.push(b'0'));
        out.push(b'.');
        match digits.get(point..) {
            Some(fraction @ [_, ..]) => out.extend_from_slice(fraction),
            _ => out.push(b'0'),
        }
    }
}

/// The significant digits of a number.
struct Digits {
    bytes: [u8; 20],
    len: usize,
}

impl Digits {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Takes a shortest text apart: its significant digits, and where the decimal point stands, counted
/// from the first of them.
fn digits_and_point(text: &[u8]) -> (Digits, i32) {
    let mut digits = Digits {
        bytes: [0; 20],
        len: 0,
    };
    let (mut point, mut exponent, mut leading) = (None, 0, 0);
    let mut bytes = text.iter();
    for byte in &mut bytes {
        match byte {
            b'.' => point = Some(digits.len as i32 - leading),
            b'e' => break,
            b'0' if digits.len == 0 => {
                // A zero before the first significant digit shifts it only behind the point.
                leading += i32::from(point.is_some());
            }
            digit => {
                if digits.len < digits.bytes.len() {
                    digits.bytes[digits.len] = *digit;
                }
                digits.len += 1;
            }
        }
    }
    let rest = bytes.as_slice();
    let (sign, rest) = split_sign(rest);
    for digit in rest {
        exponent = exponent * 10 + i32::from(digit - b'0');
    }
    if sign == Sign::Negative {
        exponent = -exponent;
    }
    let whole = point.unwrap_or(digits.len as i32);
    let point = whole - leading + exponent;
    while digits.len > 1 && digits.bytes[digits.len - 1] == b'0' {
        digits.len -= 1;
    }
    (digits, point)
}

/// Reads what Python's `float` reads.
fn read_float(value: &[u8]) -> Option<f64> {
    let trimmed = trim(value);
    let (sign, unsigned) = split_sign(trimmed);
    let magnitude =
        if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
            f64::INFINITY
        } else if unsigned.eq_ignore_ascii_case(b"nan") {
            f64::NAN
        } else {
            // What is left must be digits; Rust's parser takes the same spellings of those.
            let is_number = unsigned
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
            if !is_number {
                return None;
            }
            let text = without_underscores(unsigned)?;
            let text = core::str::from_utf8(&text).ok()?;
            if text.starts_with(['+', '-']) {
                return None;
            }
            text.parse().ok()?
        };
    Some(match sign {
        Sign::Positive => magnitude,
        Sign::Negative => -magnitude,
    })
}
