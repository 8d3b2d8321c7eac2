//! Conversions from and to the crate `jiff`.
//!
//! A [`Timestamp`] is the choice for a moment, a [`ZonedDateTime`] where the sender's offset matters. The name of
//! a time zone has no place on the wire.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ZonedDateTime, civil};

use super::{DateTime, DateTimeError, Parts, encode_converted};
use crate::argument::Argument;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// What errors of both argument types say would have been right.
const EXPECTED: &str = "a date and time that `jiff` has, up to about 9999-12-30 in UTC";

impl DateTime {
    fn to_jiff(self) -> Option<(Timestamp, Offset)> {
        let date = civil::Date::new(
            self.year.try_into().ok()?,
            self.month.try_into().ok()?,
            self.day.try_into().ok()?,
        );
        let time = civil::Time::new(
            self.hour.try_into().ok()?,
            self.minute.try_into().ok()?,
            self.second.try_into().ok()?,
            (self.microsecond * 1000).try_into().ok()?,
        );
        let offset = Offset::from_seconds(i32::from(self.offset_minutes) * 60).ok()?;
        let local = civil::DateTime::from_parts(date.ok()?, time.ok()?);
        Some((offset.to_timestamp(local).ok()?, offset))
    }

    fn from_jiff(local: civil::DateTime, offset: Offset) -> Result<Self, DateTimeError> {
        // The fields are small positive numbers, except for the year.
        Self::try_from(Parts {
            year: local.year().into(),
            month: local.month() as u8,
            day: local.day() as u8,
            time: (
                local.hour() as u8,
                local.minute() as u8,
                local.second() as u8,
            ),
            nanosecond: local.subsec_nanosecond().unsigned_abs(),
            offset_seconds: offset.seconds(),
        })
    }
}

/// The same moment.
///
/// # Errors
///
/// When it is in the last two days of the year 9999, which `jiff` keeps free.
impl TryFrom<DateTime> for Timestamp {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        let (timestamp, _) = value.to_jiff().ok_or(DateTimeError::OutOfRange)?;
        Ok(timestamp)
    }
}

/// The same local date and time, in a time zone of that fixed offset.
///
/// # Errors
///
/// When it is in the last two days of the year 9999, which `jiff` keeps free.
impl TryFrom<DateTime> for ZonedDateTime {
    type Error = DateTimeError;

    fn try_from(value: DateTime) -> Result<Self, DateTimeError> {
        let (timestamp, offset) = value.to_jiff().ok_or(DateTimeError::OutOfRange)?;
        Ok(timestamp.to_zoned_datetime(TimeZone::fixed(offset)))
    }
}

/// The same moment in UTC, without what is below a microsecond.
///
/// # Errors
///
/// When the year is not 1 to 9999.
impl TryFrom<Timestamp> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: Timestamp) -> Result<Self, DateTimeError> {
        Self::from_jiff(Offset::UTC.to_datetime(value), Offset::UTC)
    }
}

/// The same local date and time at the offset of that moment. The name of the time zone is lost, and so
/// is what is below a microsecond.
///
/// # Errors
///
/// When the local year is not 1 to 9999, and when the offset has seconds or is a day or more.
impl TryFrom<&ZonedDateTime> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: &ZonedDateTime) -> Result<Self, DateTimeError> {
        Self::from_jiff(value.datetime(), value.offset())
    }
}

impl TryFrom<ZonedDateTime> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: ZonedDateTime) -> Result<Self, DateTimeError> {
        Self::try_from(&value)
    }
}

/// Twisted's `DateTime`, sent in UTC and received with any offset. What is below a microsecond is left
/// out.
impl Argument for Timestamp {
    const TYPE: &'static Type = &Type::DateTime;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_converted(DateTime::try_from(*self), out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        let date_time = DateTime::decode(value)?;
        Self::try_from(date_time).map_err(|_| DecodeError::expected(EXPECTED, &value))
    }
}

/// Twisted's `DateTime`, with the offset but without the name of the time zone. What is below a
/// microsecond is left out.
impl Argument for ZonedDateTime {
    const TYPE: &'static Type = &Type::DateTime;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_converted(DateTime::try_from(self), out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        let date_time = DateTime::decode(value)?;
        Self::try_from(date_time).map_err(|_| DecodeError::expected(EXPECTED, &value))
    }
}
