//! Points in time with a fixed offset: Twisted's `DateTime`.

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "time")]
mod time;

use core::fmt::{self, Write};
use core::str::FromStr;

use super::Argument;
use super::number::{self, Sign};
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// The length of every date and time on the wire.
const WIRE_LENGTH: usize = 32;

/// What errors say would have been right.
const EXPECTED: &str = "a date and time such as `2012-01-23T12:34:56.054321-01:23`";

/// A date, a time of day to the microsecond and a fixed offset from UTC in whole minutes. Twisted's
/// `DateTime` argument, which is a Python `datetime` that knows its offset.
///
/// The date and time are local, at that offset. `Display` writes the 32 bytes of the wire form,
/// `2012-01-23T12:34:56.054321-01:23`, where UTC is `-00:00`. Equality compares the parts: the same
/// moment at two offsets is two values.
///
/// This is a plain value without a calendar: convert it to a type of `chrono`, `time` or `jiff` (features
/// of these names) to calculate with it.
///
/// ```
/// use amp_rpc_core::DateTime;
///
/// let landing = DateTime::new(1969, 7, 20)?
///     .with_time(16, 17, 40, 0)?
///     .with_offset_minutes(-4 * 60)?;
/// assert_eq!(landing.to_string(), "1969-07-20T16:17:40.000000-04:00");
/// assert_eq!(landing.to_string().parse(), Ok(landing));
/// # Ok::<(), amp_rpc_core::argument::DateTimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
    offset_minutes: i16,
}

/// Why something is no [`DateTime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DateTimeError {
    /// The text has not the form `2012-01-23T12:34:56.054321-01:23`.
    #[error("not of the form `2012-01-23T12:34:56.054321-01:23`")]
    Syntax,
    /// There is no such day in the years 1 to 9999.
    #[error("no such day in the years 1 to 9999")]
    Date,
    /// There is no such time of day; there are no leap seconds.
    #[error("no such time of day")]
    Time,
    /// The offset is 24 hours or more.
    #[error("an offset of 24 hours or more")]
    OffsetTooLarge,
    /// A value was to be converted whose offset has seconds, which the wire form has no place for.
    #[error("an offset that is not whole minutes")]
    OffsetWithSeconds,
    /// A date and time was to become a type that has no such moment.
    #[error("a moment beyond the range of the type")]
    OutOfRange,
}

impl DateTime {
    /// The largest offset from UTC, in either direction: 23 hours and 59 minutes.
    pub const MAX_OFFSET_MINUTES: i16 = 24 * 60 - 1;

    /// Midnight UTC of a day.
    ///
    /// # Errors
    ///
    /// When the Gregorian calendar has no such day, or the year is not 1 to 9999.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, DateTimeError> {
        let is_year = matches!(year, 1..=9999);
        if !is_year || day == 0 || day > days_of_month(year, month) {
            return Err(DateTimeError::Date);
        }
        Ok(Self {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            microsecond: 0,
            offset_minutes: 0,
        })
    }

    /// The same day at this time.
    ///
    /// # Errors
    ///
    /// When there is no such time. Python has no leap seconds: a second 60 is one.
    pub fn with_time(
        self,
        hour: u8,
        minute: u8,
        second: u8,
        microsecond: u32,
    ) -> Result<Self, DateTimeError> {
        if hour > 23 || minute > 59 || second > 59 || microsecond > 999_999 {
            return Err(DateTimeError::Time);
        }
        Ok(Self {
            hour,
            minute,
            second,
            microsecond,
            ..self
        })
    }

    /// The same local date and time at an offset east of UTC (west if negative).
    ///
    /// # Errors
    ///
    /// When the offset is beyond [`MAX_OFFSET_MINUTES`](Self::MAX_OFFSET_MINUTES).
    pub fn with_offset_minutes(self, minutes: i16) -> Result<Self, DateTimeError> {
        if minutes.unsigned_abs() > Self::MAX_OFFSET_MINUTES.unsigned_abs() {
            return Err(DateTimeError::OffsetTooLarge);
        }
        Ok(Self {
            offset_minutes: minutes,
            ..self
        })
    }

    /// The same local date and time at an offset in seconds, cut to whole minutes as Twisted does when
    /// it sends: down, so 90 seconds are `+00:01` and -30 seconds are `-00:01`. An offset that was cut
    /// makes it another moment, by less than a minute.
    ///
    /// # Errors
    ///
    /// When the offset in minutes is beyond [`MAX_OFFSET_MINUTES`](Self::MAX_OFFSET_MINUTES).
    pub fn with_offset_seconds(self, seconds: i32) -> Result<Self, DateTimeError> {
        let minutes = i16::try_from(seconds.div_euclid(60));
        self.with_offset_minutes(minutes.map_err(|_| DateTimeError::OffsetTooLarge)?)
    }

    /// The year, 1 to 9999.
    pub fn year(&self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(&self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(&self) -> u8 {
        self.day
    }

    /// The hour, 0 to 23.
    pub fn hour(&self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub fn minute(&self) -> u8 {
        self.minute
    }

    /// The second, 0 to 59.
    pub fn second(&self) -> u8 {
        self.second
    }

    /// The microsecond, 0 to 999,999.
    pub fn microsecond(&self) -> u32 {
        self.microsecond
    }

    /// Minutes east of UTC, negative in the west.
    pub fn offset_minutes(&self) -> i16 {
        self.offset_minutes
    }

    fn parse(text: &[u8]) -> Result<Self, DateTimeError> {
        if text.len() != WIRE_LENGTH || !text.is_ascii() {
            return Err(DateTimeError::Syntax);
        }
        let year = field(&text[0..4])? as u16;
        let [month, day] = [&text[5..7], &text[8..10]].map(small_field);
        let [hour, minute, second] = [&text[11..13], &text[14..16], &text[17..19]].map(small_field);
        let microsecond = field(&text[20..26])?;
        // Minutes above 59 count, and so does a sign of their own, as they do in Twisted.
        let offset = offset_field(&text[27..29])? * 60 + offset_field(&text[30..32])?;
        let offset = match text[26] {
            b'+' => offset,
            b'-' => -offset,
            _ => return Err(DateTimeError::Syntax),
        };
        Self::new(year, month?, day?)?
            .with_time(hour?, minute?, second?, microsecond)?
            .with_offset_minutes(offset)
    }
}

fn days_of_month(year: u16, month: u8) -> u8 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// The parts of a type of another crate, as wide as any such type may have them.
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
struct Parts {
    year: i32,
    month: u8,
    day: u8,
    time: (u8, u8, u8),
    nanosecond: u32,
    offset_seconds: i32,
}

/// Leaves out what is below a microsecond. An offset with seconds is refused: cutting it would make
/// it another moment.
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
impl TryFrom<Parts> for DateTime {
    type Error = DateTimeError;

    fn try_from(parts: Parts) -> Result<Self, DateTimeError> {
        let year = u16::try_from(parts.year).map_err(|_| DateTimeError::Date)?;
        if parts.offset_seconds % 60 != 0 {
            return Err(DateTimeError::OffsetWithSeconds);
        }
        let (hour, minute, second) = parts.time;
        Self::new(year, parts.month, parts.day)?
            .with_time(hour, minute, second, parts.nanosecond / 1000)?
            .with_offset_seconds(parts.offset_seconds)
    }
}

/// Encodes a value of another crate's type.
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
fn encode_converted(
    converted: Result<DateTime, DateTimeError>,
    out: &mut ValueWriter<'_>,
) -> Result<(), EncodeError> {
    converted
        .map_err(|error| EncodeError::unencodable(alloc::format!("{error}")))?
        .encode(out)
}

/// A field of at most six characters, read as Twisted reads it: with Python's `int`.
fn signed_field(text: &[u8]) -> Result<i32, DateTimeError> {
    let (sign, digits) = number::digits(text).ok_or(DateTimeError::Syntax)?;
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    Ok(match sign {
        Sign::Positive => number,
        Sign::Negative => -number,
    })
}

/// The same, where there are no negative numbers.
fn field(text: &[u8]) -> Result<u32, DateTimeError> {
    u32::try_from(signed_field(text)?).map_err(|_| DateTimeError::Syntax)
}

/// A field of two characters.
fn small_field(text: &[u8]) -> Result<u8, DateTimeError> {
    field(text).map(|number| number as u8)
}

/// A field of two characters, which `-8` fits.
fn offset_field(text: &[u8]) -> Result<i16, DateTimeError> {
    signed_field(text).map(|number| number as i16)
}

/// Writes the wire form. A zero offset is `-00:00`, as Twisted writes it.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.offset_minutes > 0 { '+' } else { '-' };
        let offset = self.offset_minutes.unsigned_abs();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}{sign}{:02}:{:02}",
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.microsecond,
            offset / 60,
            offset % 60,
        )
    }
}

/// `DateTime(2012-01-23T12:34:56.054321-01:23)`, with the text of `Display`.
impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DateTime({self})")
    }
}

/// Reads what Twisted does: 32 ASCII characters with numbers in their places, where `int` of Python
/// reads them (`+1` and ` 1` are one), and whatever separators. Only the sign of the offset is looked
/// at; its hours and minutes may have signs of their own. Offsets of 24 hours and more are refused, which Twisted lets through and Python then cannot use.
impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, DateTimeError> {
        Self::parse(text.as_bytes())
    }
}

impl Argument for DateTime {
    const TYPE: &'static Type = &Type::DateTime;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        write!(out, "{self}").map_err(|_| EncodeError::unencodable("the date cannot be written"))
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        Self::parse(&value).map_err(|error| match error {
            DateTimeError::Syntax => DecodeError::expected(EXPECTED, &value),
            error => {
                let found = crate::Excerpt(&value);
                DecodeError::refused(EXPECTED, alloc::format!("got {found}: {error}"))
            }
        })
    }
}
