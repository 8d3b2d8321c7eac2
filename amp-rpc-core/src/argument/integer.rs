//! Whole numbers: decimal digits, as Python's `int` writes and reads them.

use alloc::vec::Vec;
use core::fmt::Display;

use super::number::{Sign, digits as spelled_digits};
use super::{Argument, digits, list};
use crate::context::Context;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{Found, RawValue, ValueWriter};

/// Reads up to 18 plain digits with or without a minus: what nearly every number is.
#[inline]
fn read_plain(value: &[u8]) -> Option<i64> {
    let (first, rest) = value.split_first()?;
    if rest.len() > 17 {
        return None;
    }
    let first = first.wrapping_sub(b'0');
    if first > 9 {
        return read_negative(first, rest);
    }
    read_digits(first, rest)
}

/// What stands behind a minus, if that is what the first byte is.
fn read_negative(first: u8, rest: &[u8]) -> Option<i64> {
    let (digit, rest) = rest.split_first()?;
    let digit = digit.wrapping_sub(b'0');
    if first != b'-'.wrapping_sub(b'0') || digit > 9 {
        return None;
    }
    read_digits(digit, rest).map(|number| -number)
}

#[inline]
fn read_digits(first: u8, rest: &[u8]) -> Option<i64> {
    let mut number = i64::from(first);
    for digit in rest {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some(number)
}

/// Reads anything that Python's `int` takes, within 128 bits.
#[cold]
fn read_any<T>(
    value: &[u8],
    from_positive: impl FnOnce(u128) -> Option<T>,
    from_negative: impl FnOnce(u128) -> Option<T>,
    least: impl Display,
    most: impl Display,
) -> Result<T, DecodeError> {
    let (sign, digits) = spelled_digits(value).ok_or_else(|| not_an_integer(value))?;
    let magnitude = digits.iter().try_fold(0_u128, |number, digit| {
        number
            .checked_mul(10)?
            .checked_add(u128::from(digit - b'0'))
    });
    let number = magnitude.and_then(|magnitude| match sign {
        Sign::Positive => from_positive(magnitude),
        Sign::Negative => from_negative(magnitude),
    });
    number.ok_or_else(|| {
        DecodeError::expected(alloc::format!("an integer from {least} to {most}"), value)
    })
}

/// The error for a value that is no whole number.
#[cold]
pub(super) fn not_an_integer(value: &[u8]) -> DecodeError {
    DecodeError::expected("an integer", value)
}

/// A number as its sign and what is behind it, where that has 64 bits at most.
trait Magnitude: Sized {
    fn magnitude(self) -> Option<(bool, u64)>;
}

/// Reads the number that the last bytes are, so many of them.
#[inline(never)]
fn read_last<T: Argument + TryFrom<i64>>(bytes: &[u8], length: usize) -> Option<T> {
    match digits::read_last(bytes, length) {
        Some(number) => number.try_into().ok(),
        None => T::decode(RawValue::new(bytes.get(bytes.len() - length..)?)).ok(),
    }
}

/// What a type has of its own for lists, or else that their numbers are read where they lie.
macro_rules! list_functions {
    () => {
        fn decode_list(
            value: RawValue<'_>,
            cx: &mut dyn Context,
        ) -> Result<Vec<Self>, DecodeError> {
            // With its length, a number has about eight bytes; and this is no more memory than the list has.
            let numbers = Vec::with_capacity(value.len() / size_of::<Self>().max(8));
            list::decode_in_place(value, numbers, cx, |element, up_to_its_end, _| {
                let number = digits::read_last(up_to_its_end, element.len());
                let number = number.and_then(|number| Self::try_from(number).ok());
                number.map_or_else(|| Self::decode(element), Ok)
            })
        }
    };
    ($($own:item)+) => { $($own)+ };
}

macro_rules! integers {
    ($($int:ident $(($($own:item)*))?,)*) => {$(
        impl Magnitude for $int {
            #[inline(always)]
            #[allow(unused_comparisons, reason = "unsigned types are never negative")]
            fn magnitude(self) -> Option<(bool, u64)> {
                let negative = self < 0;
                if Self::BITS <= u64::BITS {
                    let bits = self as u64;
                    return Some((negative, if negative { bits.wrapping_neg() } else { bits }));
                }
                let magnitude = if negative { self.wrapping_neg() } else { self };
                Some((negative, u64::try_from(magnitude).ok()?))
            }
        }

        impl Argument for $int {
            const TYPE: &'static Type = &Type::Integer;
            const MOST: usize = if Self::BITS <= u64::BITS { digits::MOST } else { usize::MAX };
            const IS_PLAIN: bool = true;
            const IS_SHORT: bool = true;

            #[inline]
            fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
                match Magnitude::magnitude(*self) {
                    Some((negative, magnitude)) => {
                        out.extend_in_place(|place| digits::write(negative, magnitude, place));
                    }
                    None => out.extend_from_slice(alloc::format!("{self}").as_bytes()),
                }
                Ok(())
            }

            #[inline(always)]
            fn encode_in(&self, place: &mut [u8]) -> usize {
                match (Magnitude::magnitude(*self), place.first_chunk_mut()) {
                    (Some((negative, magnitude)), Some(place)) => {
                        digits::write(negative, magnitude, place)
                    }
                    _ => 0,
                }
            }

            #[inline(always)]
            fn read_found(found: Found<'_>) -> Option<Self> {
                let (bytes, length) = found.last();
                match digits::read_last_four(bytes, length) {
                    Some(number) => Self::try_from(number).ok(),
                    None => read_last(bytes, length),
                }
            }

            #[inline]
            fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
                if let Some(Ok(number)) = read_plain(&value).map(Self::try_from) {
                    return Ok(number);
                }
                read_any(
                    &value,
                    |magnitude| Self::try_from(magnitude).ok(),
                    |magnitude| {
                        // The least number has no positive counterpart in its own type.
                        let negated = 0_i128.checked_sub_unsigned(magnitude)?;
                        Self::try_from(negated).ok()
                    },
                    Self::MIN,
                    Self::MAX,
                )
            }

            list_functions! { $($($own)*)? }
        }
    )*};
}

integers! {
    i8, i16, i32, i64, i128, isize,
    u16, u32, u64, u128, usize,
    u8 (
        // A list of bytes is a string of bytes.
        const LIST_TYPE: &'static Type = &Type::String;

        fn encode_list<'a>(
            items: impl Iterator<Item = &'a Self>,
            out: &mut ValueWriter<'_>,
        ) -> Result<(), EncodeError> {
            out.extend(items.copied());
            Ok(())
        }

        fn decode_list(
            value: RawValue<'_>,
            _cx: &mut dyn Context,
        ) -> Result<Vec<Self>, DecodeError> {
            Ok(value.to_vec())
        }
    ),
}

#[cfg(feature = "bigint")]
mod big {
    use alloc::string::ToString;

    use num_bigint::{BigInt, BigUint, Sign as BigSign};

    use super::{
        Argument, DecodeError, EncodeError, RawValue, Sign, Type, ValueWriter, not_an_integer,
        spelled_digits,
    };

    /// Any size that fits a value: up to 65,535 digits. Python itself reads 4,300 digits at most
    /// unless it is told otherwise.
    impl Argument for BigInt {
        const TYPE: &'static Type = &Type::Integer;

        fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
            check_size(self.bits())?;
            out.extend_from_slice(self.to_string().as_bytes());
            Ok(())
        }

        fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
            let (sign, magnitude) = read(&value)?;
            let sign = match sign {
                Sign::Positive => BigSign::Plus,
                Sign::Negative => BigSign::Minus,
            };
            Ok(Self::from_biguint(sign, magnitude))
        }
    }

    impl Argument for BigUint {
        const TYPE: &'static Type = &Type::Integer;

        fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
            check_size(self.bits())?;
            out.extend_from_slice(self.to_string().as_bytes());
            Ok(())
        }

        fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
            match read(&value)? {
                (Sign::Negative, magnitude) if magnitude != Self::ZERO => Err(
                    DecodeError::expected("an integer that is not negative", &value),
                ),
                (_, magnitude) => Ok(magnitude),
            }
        }
    }

    fn read(value: &[u8]) -> Result<(Sign, BigUint), DecodeError> {
        let (sign, digits) = spelled_digits(value).ok_or_else(|| not_an_integer(value))?;
        let magnitude = BigUint::parse_bytes(&digits, 10).ok_or_else(|| not_an_integer(value))?;
        Ok((sign, magnitude))
    }

    /// Refuses numbers that cannot fit a value before their digits are worked out, which takes time
    /// that grows faster than the number.
    fn check_size(bits: u64) -> Result<(), EncodeError> {
        // 65,535 digits have fewer bits than this.
        const MOST: u64 = 217_707;
        if bits > MOST {
            return Err(EncodeError::unencodable(
                "the number has more than 65535 digits",
            ));
        }
        Ok(())
    }
}
