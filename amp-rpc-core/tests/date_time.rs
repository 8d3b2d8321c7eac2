//! Dates and times: recorded from Twisted's argument type.

use amp_rpc_core::argument::DateTimeError;
use amp_rpc_core::wire::{RawValue, ValueWriter};
use amp_rpc_core::{Argument, DateTime};
use proptest::prelude::*;

/// Year, month, day, hour, minute, second, microsecond, offset in minutes.
type Parts = (u16, u8, u8, u8, u8, u8, u32, i16);

/// The text and what it means.
type Row = (&'static str, Parts);

const CANONICAL: &[Row] = &[
    (
        "2012-01-23T12:34:56.054321-01:23",
        (2012, 1, 23, 12, 34, 56, 54321, -83),
    ), // negative offset
    (
        "2012-01-23T12:34:56.054321+01:23",
        (2012, 1, 23, 12, 34, 56, 54321, 83),
    ), // positive offset
    (
        "2024-02-29T00:00:00.000000-00:00",
        (2024, 2, 29, 0, 0, 0, 0, 0),
    ), // UTC is written -00:00
    ("0001-01-01T00:00:00.000000-00:00", (1, 1, 1, 0, 0, 0, 0, 0)), // year 1
    (
        "9999-12-31T23:59:59.999999-00:00",
        (9999, 12, 31, 23, 59, 59, 999999, 0),
    ), // the last microsecond of 9999
    (
        "1970-01-01T00:00:00.000001+01:00",
        (1970, 1, 1, 0, 0, 0, 1, 60),
    ), // one microsecond
    (
        "2000-06-30T23:59:59.000000-12:00",
        (2000, 6, 30, 23, 59, 59, 0, -720),
    ), // -12:00
    (
        "2000-06-30T23:59:59.000000+14:00",
        (2000, 6, 30, 23, 59, 59, 0, 840),
    ), // +14:00
    (
        "2020-07-04T03:02:01.100000+05:45",
        (2020, 7, 4, 3, 2, 1, 100000, 345),
    ), // +05:45
    (
        "1999-12-31T23:59:59.500000-00:01",
        (1999, 12, 31, 23, 59, 59, 500000, -1),
    ), // -00:01
    (
        "6243-06-08T05:57:58.404362+15:28",
        (6243, 6, 8, 5, 57, 58, 404362, 928),
    ), // random
    (
        "4645-09-09T12:54:46.800329+15:22",
        (4645, 9, 9, 12, 54, 46, 800329, 922),
    ), // random
    (
        "0153-04-22T00:28:09.157113-02:13",
        (153, 4, 22, 0, 28, 9, 157113, -133),
    ), // random
    (
        "2745-05-21T22:39:37.062389-15:49",
        (2745, 5, 21, 22, 39, 37, 62389, -949),
    ), // random
    (
        "9630-01-14T09:53:47.226359-19:02",
        (9630, 1, 14, 9, 53, 47, 226359, -1142),
    ), // random
    (
        "5902-12-16T04:35:42.019438-15:33",
        (5902, 12, 16, 4, 35, 42, 19438, -933),
    ), // random
    (
        "1617-03-23T05:03:17.333237-08:37",
        (1617, 3, 23, 5, 3, 17, 333237, -517),
    ), // random
    (
        "0428-10-19T05:27:56.835306-20:04",
        (428, 10, 19, 5, 27, 56, 835306, -1204),
    ), // random
    (
        "4939-07-05T03:42:05.426970-22:31",
        (4939, 7, 5, 3, 42, 5, 426970, -1351),
    ), // random
    (
        "8082-07-08T00:05:08.081649+07:18",
        (8082, 7, 8, 0, 5, 8, 81649, 438),
    ), // random
    (
        "6584-07-18T23:17:34.029457-23:01",
        (6584, 7, 18, 23, 17, 34, 29457, -1381),
    ), // random
    (
        "7599-06-06T04:51:04.750993-21:17",
        (7599, 6, 6, 4, 51, 4, 750993, -1277),
    ), // random
    (
        "1792-11-23T04:57:56.433332+20:45",
        (1792, 11, 23, 4, 57, 56, 433332, 1245),
    ), // random
    (
        "1398-10-17T13:38:54.104309-07:29",
        (1398, 10, 17, 13, 38, 54, 104309, -449),
    ), // random
    (
        "3615-07-12T23:29:43.757108+04:02",
        (3615, 7, 12, 23, 29, 43, 757108, 242),
    ), // random
];

const LENIENT: &[Row] = &[
    (
        "2012-01-23T12:34:56.054321+00:00",
        (2012, 1, 23, 12, 34, 56, 54321, 0),
    ), // core: +00:00 is accepted as UTC
    (
        "2012-01-23T12:34:56.054321-00:00",
        (2012, 1, 23, 12, 34, 56, 54321, 0),
    ), // core: -00:00 is UTC
    (
        "2012x01y23z12a34b56c054321-01d23",
        (2012, 1, 23, 12, 34, 56, 54321, -83),
    ), // lenient: separators are not looked at
    (
        "2012-01-23 12:34:56.054321-01:23",
        (2012, 1, 23, 12, 34, 56, 54321, -83),
    ), // lenient: a blank instead of T
    (
        "2012-+1-23T12:34:56.054321-01:23",
        (2012, 1, 23, 12, 34, 56, 54321, -83),
    ), // lenient: fields go through int(): +1
    (
        "2012- 1-23T12:34:56.054321-01:23",
        (2012, 1, 23, 12, 34, 56, 54321, -83),
    ), // lenient: fields go through int(): blank 1
    (
        "2012-01-23T12:34:56.054321+23:59",
        (2012, 1, 23, 12, 34, 56, 54321, 1439),
    ), // core: +23:59
    (
        "2012-01-23T12:34:56.054321+01:60",
        (2012, 1, 23, 12, 34, 56, 54321, 120),
    ), // quirk: offset minutes are not checked: +01:60 is +02:00
];

const REFUSED: &[(&[u8], &str)] = &[
    (b"2012-01-23T12:34:56.054321Z", "Z is refused (length)"),
    (b"2012-01-23T12:34:56.054321 01:23", "blank instead of a sign"),
    (b"2012-01-23T12:34:56.054321*01:23", "bad sign"),
    (b"2012-13-23T12:34:56.054321-01:23", "month 13"),
    (b"2012-02-30T12:34:56.054321-01:23", "30 February"),
    (b"2011-02-29T12:34:56.054321-01:23", "29 February of a common year"),
    (b"2012-01-23T24:00:00.000000-01:23", "hour 24"),
    (b"2012-01-23T12:34:60.000000-01:23", "second 60"),
    (b"0000-01-23T12:34:56.054321-01:23", "year 0"),
    (b"2012-01-23T12:34:56.054321-01:2", "31 characters"),
    (b"2012-01-23T12:34:56.054321-01:234", "33 characters"),
    (b"", "empty"),
    (b"2012-01-23T12:34:56.05432x-01:23", "a letter among the digits"),
    (b"2012-01-23T12:34:56.1_0_0_-01:23", "fields go through int(): trailing underscore"),
    (b"\xe2\x80\x8f\xe2\x80\x8f\xe2\x80\x8f\xe2\x80\x8f\xe2\x80\x8f\xe2\x80\x8f\xe2\x80\x8f\xe2\x80\x8f\xe2\x80\x8f\xe2\x80\x8fxx", "32 bytes, not ASCII"),
];

/// Read by Twisted in the same way, at the corners of Python's `int` and calendar.
const CORNERS: &[Row] = &[
    (
        "2012-01-23T12:34:56.054321+00:99",
        (2012, 1, 23, 12, 34, 56, 54321, 99),
    ),
    (
        "2012-01-23T12:34:56.054321-22:99",
        (2012, 1, 23, 12, 34, 56, 54321, -1419),
    ),
    (
        "1_00-01-23T12:34:56.1_0_00-01:23",
        (100, 1, 23, 12, 34, 56, 1000, -83),
    ),
    (
        "2012-01-23T12:34:-0.-00000-01:23",
        (2012, 1, 23, 12, 34, 0, 0, -83),
    ),
    (
        "2012-1 -23T12:34:56.+54321-01:23",
        (2012, 1, 23, 12, 34, 56, 54321, -83),
    ),
    (
        "2012-\t1-23T12:34:56.054321-01:23",
        (2012, 1, 23, 12, 34, 56, 54321, -83),
    ),
    (
        "2012-01-23T12:34:56.054321+-1:30",
        (2012, 1, 23, 12, 34, 56, 54321, -30),
    ),
    (
        "2012-01-23T12:34:56.054321-01:-8",
        (2012, 1, 23, 12, 34, 56, 54321, -52),
    ),
    (
        "2012-01-23T12:34:56.054321--9:00",
        (2012, 1, 23, 12, 34, 56, 54321, 540),
    ),
    (
        "2000-02-29T12:34:56.054321-01:23",
        (2000, 2, 29, 12, 34, 56, 54321, -83),
    ),
    (
        "9999-12-31T23:59:59.999999-23:59",
        (9999, 12, 31, 23, 59, 59, 999_999, -1439),
    ),
    (
        "0001-01-01T00:00:00.000000+23:59",
        (1, 1, 1, 0, 0, 0, 0, 1439),
    ),
];

const DATE: DateTimeError = DateTimeError::Date;
const TIME: DateTimeError = DateTimeError::Time;
const SYNTAX: DateTimeError = DateTimeError::Syntax;
const OFFSET: DateTimeError = DateTimeError::OffsetTooLarge;

/// Why a text is refused. Twisted lets the offset of 24 hours through, and Python fails later.
const REASONS: &[(&str, DateTimeError)] = &[
    ("2012-01-23T12:34:56.054321+24:00", OFFSET),
    ("2012-01-23T12:34:56.054321-99:99", OFFSET),
    ("2012-01-23T12:34:56.054321+01:--", SYNTAX),
    ("2012-01-23T12:34:56. 1   *01:23-", SYNTAX),
    ("2012-1_-23T12:34:56.054321-01:23", SYNTAX),
    ("-001-01-23T12:34:56.054321-01:23", SYNTAX),
    ("2012-  -23T12:34:56.054321-01:23", SYNTAX),
    ("2012-01-23T12:34:56.054321 01:23", SYNTAX),
    ("2012\u{e9}01-23T12:34:56.05432-01:23", SYNTAX),
    ("0000-01-01T00:00:00.000000-00:00", DATE),
    ("1900-02-29T12:34:56.054321-01:23", DATE),
    ("2012-04-31T12:34:56.054321-01:23", DATE),
    ("2012-01-32T12:34:56.054321-01:23", DATE),
    ("2012-01-00T12:34:56.054321-01:23", DATE),
    ("2012-00-01T12:34:56.054321-01:23", DATE),
    ("2012-13-01T12:34:56.054321-01:23", DATE),
    ("2012-01-23T24:00:00.000000-01:23", TIME),
    ("2012-01-23T12:60:56.054321-01:23", TIME),
    ("2012-01-23T12:34:60.054321-01:23", TIME),
];

fn decode(bytes: &[u8]) -> Result<DateTime, String> {
    DateTime::decode(RawValue::new(bytes)).map_err(|error| error.to_string())
}

fn encode(value: DateTime) -> String {
    let mut out = Vec::new();
    value.encode(&mut ValueWriter::new(&mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

fn build(parts: Parts) -> Result<DateTime, DateTimeError> {
    let (year, month, day, hour, minute, second, microsecond, offset) = parts;
    DateTime::new(year, month, day)?
        .with_time(hour, minute, second, microsecond)?
        .with_offset_minutes(offset)
}

fn parts(value: DateTime) -> Parts {
    (
        value.year(),
        value.month(),
        value.day(),
        value.hour(),
        value.minute(),
        value.second(),
        value.microsecond(),
        value.offset_minutes(),
    )
}

fn check((text, expected): &Row) {
    let value = decode(text.as_bytes()).unwrap();
    assert_eq!(parts(value), *expected, "{text}");
    assert_eq!(build(*expected), Ok(value), "{text}");
    assert_eq!(text.parse(), Ok(value));
}

#[test]
fn the_form_that_twisted_sends() {
    for row in CANONICAL {
        check(row);
        let value = build(row.1).unwrap();
        assert_eq!(encode(value), row.0);
        assert_eq!(value.to_string(), row.0);
    }
}

#[test]
fn the_forms_that_twisted_understands() {
    LENIENT.iter().chain(CORNERS).for_each(check);
}

#[test]
fn what_twisted_refuses() {
    for (bytes, why) in REFUSED {
        let error = decode(bytes).expect_err(why);
        let start = "expected a date and time such as `2012-01-23T12:34:56.054321-01:23`, got \"";
        assert!(error.starts_with(start), "{why}: {error}");
    }
    let not_ascii = b"2012\xe901-23T12:34:56.054321-01:23";
    assert!(decode(not_ascii).is_err());
}

#[test]
fn every_refusal_has_its_reason() {
    for (text, reason) in REASONS {
        assert_eq!(text.parse::<DateTime>(), Err(*reason), "{text}");
        let message = decode(text.as_bytes()).unwrap_err();
        let says_why = message.ends_with(&format!("\": {reason}"));
        assert_eq!(says_why, *reason != SYNTAX, "{message}");
    }
}

#[test]
fn constructors_check_every_part() {
    let midnight = DateTime::new(2020, 2, 29).unwrap();
    assert_eq!(parts(midnight), (2020, 2, 29, 0, 0, 0, 0, 0));
    for (year, month, day) in [
        (0, 1, 1),
        (10_000, 1, 1),
        (2019, 2, 29),
        (2020, 6, 31),
        (2020, 255, 1),
    ] {
        assert_eq!(
            DateTime::new(year, month, day),
            Err(DATE),
            "{year}-{month}-{day}"
        );
    }
    for (hour, minute, second, microsecond) in [
        (24, 0, 0, 0),
        (0, 60, 0, 0),
        (0, 0, 60, 0),
        (0, 0, 0, 1_000_000),
    ] {
        assert_eq!(
            midnight.with_time(hour, minute, second, microsecond),
            Err(TIME)
        );
    }
    for minutes in [1440, -1440, i16::MAX, i16::MIN] {
        assert_eq!(midnight.with_offset_minutes(minutes), Err(OFFSET));
    }
}

#[test]
fn offsets_in_seconds_are_cut_down_to_minutes() {
    let new_year = DateTime::new(2020, 1, 1).unwrap();
    let text = |seconds| new_year.with_offset_seconds(seconds).map(encode);
    assert_eq!(text(90).unwrap(), "2020-01-01T00:00:00.000000+00:01");
    assert_eq!(text(-30).unwrap(), "2020-01-01T00:00:00.000000-00:01");
    assert_eq!(text(30).unwrap(), "2020-01-01T00:00:00.000000-00:00");
    assert_eq!(text(86_399).unwrap(), "2020-01-01T00:00:00.000000+23:59");
    for seconds in [86_400, -86_399, i32::MAX, i32::MIN] {
        assert_eq!(text(seconds), Err(OFFSET));
    }
}

#[test]
fn a_debug_text_shows_the_date() {
    let text = format!("{:?}", DateTime::new(2020, 1, 1).unwrap());
    assert_eq!(text, "DateTime(2020-01-01T00:00:00.000000-00:00)");
}

proptest! {
    #[test]
    fn every_date_survives(
        (year, month, day) in (1..=9999_u16, 1..=12_u8, 1..=28_u8),
        (hour, minute, second, microsecond) in (0..24_u8, 0..60_u8, 0..60_u8, 0..1_000_000_u32),
        offset in -1439..=1439_i16,
    ) {
        let value = build((year, month, day, hour, minute, second, microsecond, offset)).unwrap();
        prop_assert_eq!(encode(value).len(), 32);
        prop_assert_eq!(decode(encode(value).as_bytes()), Ok(value));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(value) = decode(&bytes) {
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }
    }

    #[test]
    fn likely_texts_are_read_or_refused(text in "[0-9 _+-]{26}[+-][0-9 _+-]{5}") {
        if let Ok(value) = text.parse::<DateTime>() {
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }
    }
}
