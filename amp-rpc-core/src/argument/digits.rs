//! Decimal digits, eight at a time.

/// What eight decimal digits can say.
const EIGHT: u64 = 100_000_000;

/// What four decimal digits can say.
const FOUR: u64 = 10_000;

/// Eight times the digit zero.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The most bytes of a number with a magnitude of 64 bits, its minus included.
pub(super) const MOST: usize = 21;

/// Writes a number at the front of the place, and says how many bytes it has.
#[inline(always)]
pub(super) fn write(negative: bool, magnitude: u64, place: &mut [u8; MOST]) -> usize {
    let sign = usize::from(negative);
    place[0] = b'-';
    let place = (place[sign..].first_chunk_mut()).expect("one byte is for the sign");
    sign + match magnitude {
        ..EIGHT => write_first(magnitude, place),
        EIGHT.. => write_long(magnitude, place),
    }
}

/// Writes up to eight digits, without zeros in front, in eight bytes.
#[inline(always)]
fn write_first(number: u64, place: &mut [u8; MOST - 1]) -> usize {
    // One digit stays of a zero.
    if number < FOUR {
        let digits = four_digits(number as u32);
        let zeros = (digits | (1 << 24)).trailing_zeros() / 8;
        let text = (digits | ZEROS as u32) >> (8 * zeros);
        place[..4].copy_from_slice(&text.to_le_bytes());
        return 4 - zeros as usize;
    }
    let digits = eight_digits(number);
    let zeros = (digits | (1 << 56)).trailing_zeros() / 8;
    let text = (digits | ZEROS) >> (8 * zeros);
    place[..8].copy_from_slice(&text.to_le_bytes());
    8 - zeros as usize
}

/// Writes more than eight digits.
#[inline(never)]
fn write_long(number: u64, place: &mut [u8; MOST - 1]) -> usize {
    let high = number / EIGHT;
    let mut at = write_first(if high < EIGHT { high } else { high / EIGHT }, place);
    let mut write_next = |number| {
        let text = eight_digits(number) | ZEROS;
        place[at..at + 8].copy_from_slice(&text.to_le_bytes());
        at += 8;
    };
    if high >= EIGHT {
        write_next(high % EIGHT);
    }
    write_next(number % EIGHT);
    at
}

/// The decimal digits of a number below 100,000,000, one in each byte, the highest in the lowest byte: all of them at
/// once, first halves, then quarters, then single ones. Divisions are multiplications that are exact within their range.
#[inline(always)]
fn eight_digits(number: u64) -> u64 {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    let tens = ((halves * 5_243) >> 19) & 0x0000_007f_0000_007f;
    let pairs = tens | ((halves - tens * 100) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((pairs - tens * 10) << 8)
}

/// The decimal digits of a number below 10,000, in the same way.
#[inline(always)]
fn four_digits(number: u32) -> u32 {
    let high = (number * 5_243) >> 19;
    let pairs = high | ((number - high * 100) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f;
    tens | ((pairs - tens * 10) << 8)
}

/// Reads the number that the last bytes are, so many of them, if these are one to four digits and at least four bytes are
/// there: what most small numbers are. Before a number of no digits there has to be something else, such as its length.
#[inline(always)]
pub(super) fn read_last_four(bytes: &[u8], length: usize) -> Option<u32> {
    /// Without what stands before the number: that becomes zeros in front of it. With no digits, what stands there is seen.
    const OWN: [u32; 5] = [
        0xff00_0000,
        0xff00_0000,
        0xffff_0000,
        0xffff_ff00,
        0xffff_ffff,
    ];
    let last = u32::from_le_bytes(*bytes.last_chunk()?);
    let digits = (last ^ ZEROS as u32) & OWN.get(length)?;
    if (digits | digits.wrapping_add(0x7676_7676)) & 0x8080_8080 != 0 {
        return None;
    }
    let pairs = digits * 10 + (digits >> 8);
    Some((pairs & 0x00ff_00ff).wrapping_mul(1 + (100 << 16)) >> 16)
}

/// The same for one to eight digits, perhaps behind a minus, where at least eight bytes are there. Branches on nothing that
/// differs from one number to the next.
#[inline(always)]
pub(super) fn read_last(bytes: &[u8], length: usize) -> Option<i64> {
    let last = u64::from_le_bytes(*bytes.last_chunk()?);
    let is_minus = *bytes.get(bytes.len().wrapping_sub(length))? == b'-';
    let count = length - usize::from(is_minus);
    if count.wrapping_sub(1) >= 8 {
        return None;
    }
    // Without what stands before the digits: that becomes zeros in front of them.
    let before = 64 - 8 * count as u32;
    let digits = (last ^ ZEROS) >> before << before;
    let sign = -i64::from(is_minus);
    are_digits(digits).then(|| (value(digits) ^ sign) - sign)
}

/// Whether each byte is the value of a digit.
#[inline(always)]
fn are_digits(digits: u64) -> bool {
    (digits | (digits.wrapping_add(0x7676_7676_7676_7676))) & 0x8080_8080_8080_8080 == 0
}

/// What eight digits say, one in each byte, the highest in the lowest byte: first pairs, then all four of them.
#[inline(always)]
fn value(digits: u64) -> i64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits * 10 + (digits >> 8);
    let even = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let odd = ((pairs >> 16) & PAIRS).wrapping_mul(1 + (10_000 << 32));
    (even.wrapping_add(odd) >> 32) as i64
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::{MOST, read_last, read_last_four, write};

    fn numbers() -> impl Iterator<Item = u64> {
        let powers = (0..20).map(|digits| 10_u64.pow(digits));
        let around =
            powers.flat_map(|power| [power - 1, power, power + 1, power.saturating_mul(7)]);
        (0..20_000).chain(around).chain([u64::MAX - 1, u64::MAX])
    }

    #[test]
    fn numbers_are_written_as_their_digits() {
        for number in numbers() {
            for (negative, text) in [(false, format!("{number}")), (true, format!("-{number}"))] {
                let mut place = [b'x'; MOST];
                let length = write(negative, number, &mut place);
                assert_eq!(&place[..length], text.as_bytes());
            }
        }
    }

    #[test]
    fn up_to_eight_digits_read_back() {
        for number in numbers().filter(|number| *number < 100_000_000) {
            let number = number as i64;
            for number in [number, -number] {
                let text = format!("{number}");
                let bytes = format!("1234567{text}");
                let wanted = Some(number);
                assert_eq!(read_last(bytes.as_bytes(), text.len()), wanted, "{text}");
                let wanted = wanted.filter(|_| number >= 0 && text.len() <= 4);
                let got = read_last_four(bytes.as_bytes(), text.len());
                assert_eq!(got.map(i64::from), wanted, "{text}");
            }
        }
        assert_eq!(read_last(b"12345600", 2), Some(0));
        assert_eq!(read_last(b"1234-007", 4), Some(-7));
        assert_eq!(read_last(b"1234567", 2), None);
    }

    #[test]
    fn what_are_not_digits_alone_is_not_read() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let bytes = [b"123456", &[first, second][..]].concat();
                let text = core::str::from_utf8(&bytes[6..]).unwrap_or_default();
                let is_plain = !text.starts_with('+');
                let wanted = text.parse().ok().filter(|_| is_plain);
                assert_eq!(read_last(&bytes, 2), wanted, "{first} {second}");
                let wanted = wanted.filter(|_| first != b'-').map(|number| number as u32);
                assert_eq!(read_last_four(&bytes, 2), wanted, "{first} {second}");
            }
            let wanted = char::from(first).to_digit(10).map(i64::from);
            assert_eq!(
                read_last(&[b'1', b'1', b'1', b'1', b'1', b'1', b'1', first], 1),
                wanted
            );
        }
        assert_eq!(read_last(b"12345678", 0), None);
        assert_eq!(read_last_four(b"1234567\0", 0), None);
        assert_eq!(read_last_four(b"12345678", 5), None);
        assert_eq!(read_last_four(b"123", 3), None);
        assert_eq!(read_last(b"123456789", 9), None);
    }
}
