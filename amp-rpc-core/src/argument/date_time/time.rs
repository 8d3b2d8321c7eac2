//! Conversions from and to the crate `time`.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use super::{DateTime, DateTimeError, Parts, encode_converted};
use crate::argument::Argument;
use crate::error::{DecodeError, EncodeError};
use crate::schema::Type;
use crate::wire::{RawValue, ValueWriter};

/// The same local date and time at the same offset.
impl From<DateTime> for OffsetDateTime {
    fn from(value: DateTime) -> Self {
        let date = Month::try_from(value.month)
            .and_then(|month| Date::from_calendar_date(value.year.into(), month, value.day));
        let time = Time::from_hms_micro(value.hour, value.minute, value.second, value.microsecond);
        let offset = UtcOffset::from_whole_seconds(i32::from(value.offset_minutes) * 60);
        match (date, time, offset) {
            (Ok(date), Ok(time), Ok(offset)) => {
                PrimitiveDateTime::new(date, time).assume_offset(offset)
            }
            _ => unreachable!("`time` has every day of the years 1 to 9999 and offsets over a day"),
        }
    }
}

/// The same local date and time at the same offset, without what is below a microsecond.
///
/// # Errors
///
/// When the local year is not 1 to 9999, and when the offset has seconds or is a day or more.
impl TryFrom<OffsetDateTime> for DateTime {
    type Error = DateTimeError;

    fn try_from(value: OffsetDateTime) -> Result<Self, DateTimeError> {
        Self::try_from(Parts {
            year: value.year(),
            month: value.month().into(),
            day: value.day(),
            time: value.to_hms(),
            nanosecond: value.nanosecond(),
            offset_seconds: value.offset().whole_seconds(),
        })
    }
}

/// Twisted's `DateTime`. What is below a microsecond is left out.
impl Argument for OffsetDateTime {
    const TYPE: &'static Type = &Type::DateTime;

    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        encode_converted(DateTime::try_from(*self), out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        DateTime::decode(value).map(Self::from)
    }
}
