//! Conversions from and to the crate `chrono`.

use chrono::{Datelike, FixedOffset, NaiveDate, Offset, TimeZone, Timelike, Utc};

use super::{DateTime, DateTimeError, Parts, encode_converted};
use crate::argument::Argument;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// The same local date and time at the same offset.
impl From<DateTime> for chrono::DateTime<FixedOffset> {
    fn from(value: DateTime) -> Self {
        let date = NaiveDate::from_ymd_opt(value.year.into(), value.month.into(), value.day.into());
        let local = date.and_then(|date| {
            date.and_hms_micro_opt(
                value.hour.into(),
                value.minute.into(),
                value.second.into(),
                value.microsecond,
            )
        });
        let offset = FixedOffset::east_opt(i32::from(value.offset_minutes) * 60);
        offset
            .zip(local)
            .and_then(|(offset, local)| offset.from_local_datetime(&local).single())
            .expect("chrono has every day of the years 1 to 9999 at every offset below a day")
    }
}

/// The same moment, in UTC.
impl From<DateTime> for chrono::DateTime<Utc> {
    fn from(value: DateTime) -> Self {
        chrono::DateTime::<FixedOffset>::from(value).to_utc()
    }
}

/// The same local date and time at the same offset, in any time zone; the name of the zone is lost, and
/// so is what is below a microsecond.
///
/// # Errors
///
/// When the local year is not 1 to 9999, in a leap second, and when the offset has seconds.
impl<Tz: TimeZone> TryFrom<chrono::DateTime<Tz>> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: chrono::DateTime<Tz>) -> Result<Self, DateTimeError> {
        Self::try_from(Parts {
            year: value.year(),
            month: value.month() as u8,
            day: value.day() as u8,
            time: (
                value.hour() as u8,
                value.minute() as u8,
                value.second() as u8,
            ),
            nanosecond: value.nanosecond(),
            offset_seconds: value.offset().fix().local_minus_utc(),
        })
    }
}

/// Twisted's `DateTime`. What is below a microsecond is left out.
impl Argument for chrono::DateTime<FixedOffset> {
    const TYPE: &'static Type = &Type::DateTime;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_converted(DateTime::try_from(*self), out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        DateTime::decode(value).map(Self::from)
    }
}

/// Twisted's `DateTime`, sent in UTC and received with any offset. What is below a microsecond is left
/// out.
impl Argument for chrono::DateTime<Utc> {
    const TYPE: &'static Type = &Type::DateTime;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_converted(DateTime::try_from(*self), out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        DateTime::decode(value).map(Self::from)
    }
}
