//! Dates and times from and to the types of other crates, each behind the feature of its name.

#![cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]

use std::fmt::Debug;

use amp_rpc_core::argument::DateTimeError;
use amp_rpc_core::wire::{RawValue, ValueWriter};
use amp_rpc_core::{Argument, DateTime};

/// The form of Twisted, the moment in seconds of Unix, and its microseconds.
const MOMENTS: &[(&str, i64, u32)] = &[
    ("1970-01-01T00:00:00.000000-00:00", 0, 0),
    ("2012-01-23T12:34:56.054321-01:23", 1_327_327_076, 54_321),
    ("2012-01-23T12:34:56.054321+01:23", 1_327_317_116, 54_321),
    ("1969-12-31T23:59:59.999999-00:00", -1, 999_999),
    ("2000-02-29T00:00:00.000000+23:59", 951_696_060, 0),
    ("0001-01-01T00:00:00.000000+23:59", -62_135_683_140, 0),
];

/// The end of the calendar, which not every crate has.
const LAST: (&str, i64, u32) = ("9999-12-31T23:59:59.999999-23:59", 253_402_387_139, 999_999);

fn read(text: &str) -> DateTime {
    text.parse().unwrap()
}

fn encode(value: &impl Argument) -> Result<String, String> {
    let mut out = Vec::new();
    value
        .encode(&mut ValueWriter::new(&mut out))
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

fn decode<T: Argument>(text: &str) -> Result<T, String> {
    T::decode(RawValue::new(text.as_bytes())).map_err(|error| error.to_string())
}

/// A type that keeps the offset survives in both directions, as a conversion and as an argument.
fn check<T>((text, seconds, micros): (&str, i64, u32), unix: impl Fn(&T) -> (i64, u32))
where
    T: Argument + Clone + PartialEq + Debug + TryFrom<DateTime, Error: Debug>,
    DateTime: TryFrom<T, Error = DateTimeError>,
{
    let converted = T::try_from(read(text)).unwrap();
    assert_eq!(unix(&converted), (seconds, micros), "{text}");
    assert_eq!(decode::<T>(text), Ok(converted.clone()));
    assert_eq!(encode(&converted), Ok(text.to_owned()));
    assert_eq!(DateTime::try_from(converted), Ok(read(text)));
}

#[cfg(feature = "chrono")]
mod with_chrono {
    use chrono::{DateTime as Other, Days, FixedOffset, NaiveDate, TimeZone, Utc};

    use super::*;

    #[test]
    fn every_moment_survives() {
        for moment in MOMENTS.iter().chain([&LAST]) {
            check(*moment, |value: &Other<FixedOffset>| {
                (value.timestamp(), value.timestamp_subsec_micros())
            });
        }
    }

    #[test]
    fn utc_is_the_same_moment() {
        let utc: Other<Utc> = read("2012-01-23T12:34:56.054321-01:23").into();
        assert_eq!(utc.timestamp_micros(), 1_327_327_076_054_321);
        assert_eq!(encode(&utc).unwrap(), "2012-01-23T13:57:56.054321-00:00");
        assert_eq!(decode("2012-01-23T12:34:56.054321-01:23"), Ok(utc));
    }

    #[test]
    fn what_cannot_be_sent() {
        let local = |seconds| FixedOffset::east_opt(seconds).unwrap();
        let noon = NaiveDate::from_ymd_opt(2020, 1, 1)
            .unwrap()
            .and_hms_opt(12, 0, 0)
            .unwrap();
        let with_seconds = local(-90).from_local_datetime(&noon).unwrap();
        assert_eq!(
            DateTime::try_from(with_seconds),
            Err(DateTimeError::OffsetWithSeconds)
        );
        assert_eq!(
            encode(&with_seconds).unwrap_err(),
            "an offset that is not whole minutes"
        );
        let leap = NaiveDate::from_ymd_opt(2016, 12, 31).unwrap();
        let leap = leap.and_hms_milli_opt(23, 59, 59, 1_500).unwrap().and_utc();
        assert_eq!(DateTime::try_from(leap), Err(DateTimeError::Time));
        let late = Other::<Utc>::from(read(LAST.0)) + Days::new(1);
        assert_eq!(DateTime::try_from(late), Err(DateTimeError::Date));
        for extreme in [Other::<Utc>::MIN_UTC, Other::<Utc>::MAX_UTC] {
            let extreme = extreme.with_timezone(&local(3600));
            assert_eq!(DateTime::try_from(extreme), Err(DateTimeError::Date));
        }
    }

    #[test]
    fn nanoseconds_are_left_out() {
        let value = Other::from_timestamp_nanos(-1);
        assert_eq!(encode(&value).unwrap(), "1969-12-31T23:59:59.999999-00:00");
    }
}

#[cfg(feature = "time")]
mod with_time {
    use time::{OffsetDateTime, UtcOffset};

    use super::*;

    #[test]
    fn every_moment_survives() {
        for moment in MOMENTS.iter().chain([&LAST]) {
            check(*moment, |value: &OffsetDateTime| {
                (value.unix_timestamp(), value.microsecond())
            });
        }
    }

    #[test]
    fn what_cannot_be_sent() {
        let at = |seconds| {
            OffsetDateTime::UNIX_EPOCH.to_offset(UtcOffset::from_whole_seconds(seconds).unwrap())
        };
        assert_eq!(
            DateTime::try_from(at(-90)),
            Err(DateTimeError::OffsetWithSeconds)
        );
        assert_eq!(
            DateTime::try_from(at(86_400)),
            Err(DateTimeError::OffsetTooLarge)
        );
        let early = OffsetDateTime::from_unix_timestamp(-62_135_596_801).unwrap();
        assert_eq!(DateTime::try_from(early), Err(DateTimeError::Date));
        assert_eq!(
            encode(&early).unwrap_err(),
            "no such day in the years 1 to 9999"
        );
    }

    #[test]
    fn nanoseconds_are_left_out() {
        let value = OffsetDateTime::from_unix_timestamp_nanos(-1).unwrap();
        assert_eq!(encode(&value).unwrap(), "1969-12-31T23:59:59.999999-00:00");
    }
}

#[cfg(feature = "jiff")]
mod with_jiff {
    use jiff::tz::{Offset, TimeZone};
    use jiff::{Timestamp, ZonedDateTime};

    use super::*;

    #[test]
    fn every_moment_survives() {
        for moment in MOMENTS {
            check(*moment, |value: &ZonedDateTime| {
                let micros = value.timestamp().as_microsecond();
                (
                    micros.div_euclid(1_000_000),
                    micros.rem_euclid(1_000_000) as u32,
                )
            });
        }
    }

    #[test]
    fn timestamps_are_sent_in_utc() {
        for (text, seconds, micros) in MOMENTS {
            let expected =
                Timestamp::from_microsecond(seconds * 1_000_000 + i64::from(*micros)).unwrap();
            assert_eq!(decode(text), Ok(expected));
            if *seconds > -62_135_596_800 {
                let sent = encode(&expected).unwrap();
                assert!(sent.ends_with("-00:00"), "{sent}");
                assert_eq!(decode(&sent), Ok(expected));
            }
        }
    }

    #[test]
    fn the_last_days_of_the_calendar_are_refused() {
        let last = read(LAST.0);
        assert_eq!(Timestamp::try_from(last), Err(DateTimeError::OutOfRange));
        assert_eq!(
            ZonedDateTime::try_from(last),
            Err(DateTimeError::OutOfRange)
        );
        let message = decode::<Timestamp>(LAST.0).unwrap_err();
        assert!(
            message.starts_with("expected a date and time that `jiff` has"),
            "{message}"
        );
        assert!(decode::<ZonedDateTime>(LAST.0).is_err());
    }

    #[test]
    fn what_cannot_be_sent() {
        let at = |timestamp: Timestamp, seconds| {
            let zone = TimeZone::fixed(Offset::from_seconds(seconds).unwrap());
            DateTime::try_from(timestamp.to_zoned_datetime(zone))
        };
        assert_eq!(
            at(Timestamp::UNIX_EPOCH, -90),
            Err(DateTimeError::OffsetWithSeconds)
        );
        assert_eq!(
            at(Timestamp::UNIX_EPOCH, 86_400),
            Err(DateTimeError::OffsetTooLarge)
        );
        assert_eq!(DateTime::try_from(Timestamp::MIN), Err(DateTimeError::Date));
        assert_eq!(
            encode(&Timestamp::MIN).unwrap_err(),
            "no such day in the years 1 to 9999"
        );
        assert!(DateTime::try_from(Timestamp::MAX).is_ok());
    }

    #[test]
    fn nanoseconds_are_left_out() {
        let value = Timestamp::from_nanosecond(-1).unwrap();
        assert_eq!(encode(&value).unwrap(), "1969-12-31T23:59:59.999999-00:00");
    }
}
