//! Decimals: recorded from Python's `decimal` and from Twisted's argument type.

use amp_rpc_core::argument::{DecimalError, DecimalParts};
use amp_rpc_core::wire::{RawValue, ValueWriter};
use amp_rpc_core::{Argument, Decimal};
use proptest::prelude::*;

use Expected::{Finite, Inf, Nan, Snan};

enum Expected {
    Finite(&'static str, i64),
    Inf,
    Nan(&'static str),
    Snan(&'static str),
}

/// The text, whether it is negative, its parts, and the text that Python makes of them.
type Row = (&'static str, bool, Expected, &'static str);

const CANONICAL: &[Row] = &[
    ("0", false, Finite("0", 0), "0"),                // zero
    ("1", false, Finite("1", 0), "1"),                // one
    ("-1", true, Finite("1", 0), "-1"),               // minus one
    ("1.0", false, Finite("10", -1), "1.0"),          // precision two
    ("1.00", false, Finite("100", -2), "1.00"),       // precision three
    ("10", false, Finite("10", 0), "10"),             // ten, no exponent
    ("1E+1", false, Finite("1", 1), "1E+1"),          // ten with one digit
    ("1E+2", false, Finite("1", 2), "1E+2"),          // positive exponent
    ("0.1", false, Finite("1", -1), "0.1"),           // 0.1
    ("0.000001", false, Finite("1", -6), "0.000001"), // six places: plain
    ("1E-7", false, Finite("1", -7), "1E-7"),         // seven places: exponent form 1E-7
    ("-0", true, Finite("0", 0), "-0"),               // minus zero
    ("0E+3", false, Finite("0", 3), "0E+3"),          // zero with exponent
    ("0E-7", false, Finite("0", -7), "0E-7"),         // zero with negative exponent
    ("0.00", false, Finite("0", -2), "0.00"),         // zero with places
    (
        "123456789012345678901234567890.123456789",
        false,
        Finite("123456789012345678901234567890123456789", -9),
        "123456789012345678901234567890.123456789",
    ), // more than 28 digits are kept
    ("1.5E+2", false, Finite("15", 1), "1.5E+2"),     // 1.5E+2
    ("Infinity", false, Inf, "Infinity"),             // infinity
    ("-Infinity", true, Inf, "-Infinity"),            // minus infinity
    ("NaN", false, Nan(""), "NaN"),                   // quiet NaN
    ("-NaN", true, Nan(""), "-NaN"),                  // minus NaN
    ("sNaN", false, Snan(""), "sNaN"),                // signalling NaN
    ("-sNaN", true, Snan(""), "-sNaN"),               // minus signalling NaN
    ("NaN123", false, Nan("123"), "NaN123"),          // payload
    ("1E+999999", false, Finite("1", 999999), "1E+999999"), // large exponent
    ("1E-999999", false, Finite("1", -999999), "1E-999999"), // small exponent
    ("0E+8", false, Finite("0", 8), "0E+8"),          // random digits and exponent
    (
        "8.36941393693503575234215E-10",
        false,
        Finite("836941393693503575234215", -33),
        "8.36941393693503575234215E-10",
    ), // random digits and exponent
    (
        "1.449618484021961568801214562788920E+40",
        false,
        Finite("1449618484021961568801214562788920", 7),
        "1.449618484021961568801214562788920E+40",
    ), // random digits and exponent
    ("8.4E-31", false, Finite("84", -32), "8.4E-31"), // random digits and exponent
    (
        "-7.4038569324052E-14",
        true,
        Finite("74038569324052", -27),
        "-7.4038569324052E-14",
    ), // random digits and exponent
    ("1.5485E+13", false, Finite("15485", 9), "1.5485E+13"), // random digits and exponent
    (
        "-3983209109.471178496325860",
        true,
        Finite("3983209109471178496325860", -15),
        "-3983209109.471178496325860",
    ), // random digits and exponent
    (
        "3.7261595007064304490831E+28",
        false,
        Finite("37261595007064304490831", 6),
        "3.7261595007064304490831E+28",
    ), // random digits and exponent
    (
        "9.632163054351E-25",
        false,
        Finite("9632163054351", -37),
        "9.632163054351E-25",
    ), // random digits and exponent
    (
        "1.8706747727E-21",
        false,
        Finite("18706747727", -31),
        "1.8706747727E-21",
    ), // random digits and exponent
    (
        "-8.88599697275674645909340E+24",
        true,
        Finite("888599697275674645909340", 1),
        "-8.88599697275674645909340E+24",
    ), // random digits and exponent
    (
        "-3.407487345126E+13",
        true,
        Finite("3407487345126", 1),
        "-3.407487345126E+13",
    ), // random digits and exponent
    (
        "-5.830341199541E-7",
        true,
        Finite("5830341199541", -19),
        "-5.830341199541E-7",
    ), // random digits and exponent
    (
        "-65935391.4609990909",
        true,
        Finite("659353914609990909", -10),
        "-65935391.4609990909",
    ), // random digits and exponent
    (
        "-1.8326951898534359105E-10",
        true,
        Finite("18326951898534359105", -29),
        "-1.8326951898534359105E-10",
    ), // random digits and exponent
    (
        "0.000028840722356324376850293671613760551",
        false,
        Finite("28840722356324376850293671613760551", -39),
        "0.000028840722356324376850293671613760551",
    ), // random digits and exponent
    (
        "-1.4461454575452035455525",
        true,
        Finite("14461454575452035455525", -22),
        "-1.4461454575452035455525",
    ), // random digits and exponent
    (
        "-2.102835994924914836E-10",
        true,
        Finite("2102835994924914836", -28),
        "-2.102835994924914836E-10",
    ), // random digits and exponent
    (
        "9297700135651659.17181",
        false,
        Finite("929770013565165917181", -5),
        "9297700135651659.17181",
    ), // random digits and exponent
    ("4491130", false, Finite("4491130", 0), "4491130"), // random digits and exponent
    (
        "3.256579E-13",
        false,
        Finite("3256579", -19),
        "3.256579E-13",
    ), // random digits and exponent
    (
        "-3.668284183E-28",
        true,
        Finite("3668284183", -37),
        "-3.668284183E-28",
    ), // random digits and exponent
    (
        "-281355318184123338907364280782.3",
        true,
        Finite("2813553181841233389073642807823", -1),
        "-281355318184123338907364280782.3",
    ), // random digits and exponent
    (
        "8638886412909340714320.667844656",
        false,
        Finite("8638886412909340714320667844656", -9),
        "8638886412909340714320.667844656",
    ), // random digits and exponent
    (
        "-9.7325071E+16",
        true,
        Finite("97325071", 9),
        "-9.7325071E+16",
    ), // random digits and exponent
    ("-4E+8", true, Finite("4", 8), "-4E+8"),         // random digits and exponent
    (
        "-80114451297975142512121351.140",
        true,
        Finite("80114451297975142512121351140", -3),
        "-80114451297975142512121351.140",
    ), // random digits and exponent
    (
        "2.03044825646414409E-15",
        false,
        Finite("203044825646414409", -32),
        "2.03044825646414409E-15",
    ), // random digits and exponent
    ("951547.6", false, Finite("9515476", -1), "951547.6"), // random digits and exponent
    (
        "-3.400707525905E+16",
        true,
        Finite("3400707525905", 4),
        "-3.400707525905E+16",
    ), // random digits and exponent
];

const LENIENT: &[Row] = &[
    ("1e2", false, Finite("1", 2), "1E+2"),            // small e
    ("1E2", false, Finite("1", 2), "1E+2"),            // no plus
    ("+1", false, Finite("1", 0), "1"),                // plus
    ("007.50", false, Finite("750", -2), "7.50"),      // leading zeros are not digits
    (".5", false, Finite("5", -1), "0.5"),             // no leading digit
    ("5.", false, Finite("5", 0), "5"),                // no trailing digit
    (" 1.5 ", false, Finite("15", -1), "1.5"),         // spaces around
    ("1_000.5", false, Finite("10005", -1), "1000.5"), // underscores
    ("inf", false, Inf, "Infinity"),                   // inf
    ("INFINITY", false, Inf, "Infinity"),              // capitals
    ("nan", false, Nan(""), "NaN"),                    // lower case nan
    ("snan", false, Snan(""), "sNaN"),                 // lower case snan
    ("NaN007", false, Nan("7"), "NaN7"),               // leading zeros in a payload
    ("1E+0000002", false, Finite("1", 2), "1E+2"),     // zeros in the exponent
];

const REFUSED: &[(&[u8], &str)] = &[
    (b"", "empty"),
    (b"abc", "letters"),
    (b"1,5", "comma"),
    (b"1.2.3", "two points"),
    (b"1E", "empty exponent"),
    (b"0x1", "hexadecimal"),
    (b"NaN-1", "negative payload"),
    (b"Infinity5", "payload on infinity"),
    (b"\xff", "not ASCII"),
    (
        b"\xd9\xa1",
        "ARABIC-INDIC DIGIT ONE in UTF-8: not ASCII, refused before the parser sees it",
    ),
    (b"--1", "two signs"),
    (b"1 2", "inner space"),
    (b"1\x00", "trailing NUL"),
];

/// Read by Python in the same way as the texts that Twisted was seen to read, at the corners.
const CORNERS: &[Row] = &[
    (
        "1E+999999999999999999",
        false,
        Finite("1", 999_999_999_999_999_999),
        "1E+999999999999999999",
    ),
    (
        "0.1E+1000000000000000000",
        false,
        Finite("1", 999_999_999_999_999_999),
        "1E+999999999999999999",
    ),
    (
        "0E-1999999999999999997",
        false,
        Finite("0", -1_999_999_999_999_999_997),
        "0E-1999999999999999997",
    ),
    (
        "10E-1999999999999999997",
        false,
        Finite("10", -1_999_999_999_999_999_997),
        "1.0E-1999999999999999996",
    ),
    ("_1__0_", false, Finite("10", 0), "10"),
    ("1e+_5_", false, Finite("1", 5), "1E+5"),
    ("s_nan", false, Snan(""), "sNaN"),
    ("\t\x0b1\r\n\x1f", false, Finite("1", 0), "1"),
    ("-000.000", true, Finite("0", -3), "-0.000"),
    ("-sNaN0120", true, Snan("120"), "-sNaN120"),
    ("-INF", true, Inf, "-Infinity"),
    ("NaN0", false, Nan(""), "NaN"),
    (
        "1234567890123456789012",
        false,
        Finite("1234567890123456789012", 0),
        "1234567890123456789012",
    ),
    (
        "12345678901234567890123",
        false,
        Finite("12345678901234567890123", 0),
        "12345678901234567890123",
    ),
];

/// Refused by Python because no `Decimal` has such an exponent.
const OUT_OF_RANGE: &[&str] = &[
    "1E+1000000000000000000",
    "10E+999999999999999999",
    "1E-1999999999999999998",
    "0.1E-1999999999999999997",
    "0E+1000000000000000000",
    "0E-999999999999999999999999999999",
    "1E+999999999999999999999999999999",
    "0.1E+9223372036854775807",
    "0.1E-9223372036854775808",
];

/// Refused by Python because they are no numbers.
const NO_NUMBERS: &[&str] = &[
    ".", "+", "-", "_", "e5", ".e5", "1E++2", "1E+", "1 e5", "1e 5", "+ 1", "_ 1", "infinit",
    "na n", "nan.", "1..", "1\x7f", "i", "n", "sn", "\u{661}", "1\u{a0}",
];

fn decode(bytes: &[u8]) -> Result<Decimal, String> {
    Decimal::decode(RawValue::new(bytes)).map_err(|error| error.to_string())
}

fn encode(value: &Decimal) -> String {
    let mut out = Vec::new();
    value.encode(&mut ValueWriter::new(&mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

fn build(negative: bool, expected: &Expected) -> Decimal {
    match expected {
        Finite(digits, exponent) => Decimal::finite(negative, digits, *exponent).unwrap(),
        Inf => Decimal::infinity(negative),
        Nan(payload) => Decimal::nan(negative, payload).unwrap(),
        Snan(payload) => Decimal::signaling_nan(negative, payload).unwrap(),
    }
}

fn check((text, negative, expected, printed): &Row) {
    let value = decode(text.as_bytes()).unwrap();
    assert_eq!(value.is_negative(), *negative, "{text}");
    let parts = match *expected {
        Finite(digits, exponent) => DecimalParts::Finite { digits, exponent },
        Inf => DecimalParts::Infinity,
        Nan(payload) => DecimalParts::Nan { payload },
        Snan(payload) => DecimalParts::SignalingNan { payload },
    };
    assert_eq!(value.parts(), parts, "{text}");
    assert_eq!(value.is_finite(), matches!(expected, Finite(..)), "{text}");
    assert_eq!(value, build(*negative, expected), "{text}");
    assert_eq!(value.to_string(), *printed);
    assert_eq!(encode(&value), *printed);
    assert_eq!(text.parse(), Ok(value));
}

#[test]
fn the_forms_that_twisted_sends() {
    for row in CANONICAL {
        check(row);
        assert_eq!(row.0, row.3);
    }
}

#[test]
fn the_forms_that_twisted_understands() {
    LENIENT.iter().for_each(check);
}

#[test]
fn corners_of_pythons_decimal() {
    CORNERS.iter().for_each(check);
}

#[test]
fn what_twisted_refuses() {
    for (bytes, why) in REFUSED {
        let error = decode(bytes).expect_err(why);
        assert!(
            error.starts_with("expected a decimal number, got \""),
            "{why}: {error}"
        );
    }
}

#[test]
fn what_python_refuses() {
    for text in NO_NUMBERS {
        assert_eq!(text.parse::<Decimal>(), Err(DecimalError::Syntax), "{text}");
    }
}

#[test]
fn exponents_out_of_range() {
    for text in OUT_OF_RANGE {
        let error = text.parse::<Decimal>().unwrap_err();
        assert_eq!(error, DecimalError::ExponentOutOfRange, "{text}");
        let message = decode(text.as_bytes()).unwrap_err();
        let expected =
            format!("expected a decimal number with an exponent in range, got \"{text}\"");
        assert_eq!(message, expected);
    }
    let (least, most) = (Decimal::MIN_EXPONENT, Decimal::MAX_ADJUSTED_EXPONENT);
    assert!(Decimal::finite(false, "12", most - 1).is_ok());
    for exponent in [most, i64::MAX, least - 1, i64::MIN] {
        let error = Decimal::finite(false, "12", exponent).unwrap_err();
        assert_eq!(error, DecimalError::ExponentOutOfRange, "{exponent}");
    }
}

#[test]
fn constructors_refuse_what_is_no_digit() {
    for digits in ["", "-1", "+1", "1.0", "1e5", " 1", "1_0", "\u{661}"] {
        assert_eq!(
            Decimal::finite(false, digits, 0),
            Err(DecimalError::Syntax),
            "{digits}"
        );
        if !digits.is_empty() {
            assert_eq!(
                Decimal::nan(false, digits),
                Err(DecimalError::Syntax),
                "{digits}"
            );
            assert_eq!(
                Decimal::signaling_nan(false, digits),
                Err(DecimalError::Syntax)
            );
        }
    }
}

#[test]
fn equality_compares_the_representation() {
    let value = |text: &str| text.parse::<Decimal>().unwrap();
    assert_ne!(value("1.0"), value("1.00"));
    assert_ne!(value("1E+1"), value("10"));
    assert_ne!(value("0"), value("-0"));
    assert_ne!(value("NaN"), value("sNaN"));
    assert_ne!(value("NaN"), value("NaN1"));
    assert_eq!(value("NaN1"), value("nan01"));
    assert_eq!(value("007"), Decimal::from(7));
}

#[test]
fn integers_become_decimals() {
    assert_eq!(Decimal::from(0_u8).to_string(), "0");
    assert_eq!(Decimal::from(i64::MIN).to_string(), i64::MIN.to_string());
    assert_eq!(Decimal::from(u128::MAX).to_string(), u128::MAX.to_string());
}

#[test]
fn the_longest_value() {
    for text in ["9".repeat(65_535), format!("NaN{}", "9".repeat(65_532))] {
        assert_eq!(decode(text.as_bytes()).unwrap().to_string(), text);
    }
    let zeros = "0".repeat(65_535);
    assert_eq!(decode(zeros.as_bytes()).unwrap(), Decimal::from(0));
    let exponent = format!("1E+{}2", "0".repeat(65_531));
    assert_eq!(decode(exponent.as_bytes()).unwrap().to_string(), "1E+2");
}

#[test]
fn errors_show_no_more_than_the_beginning() {
    let error = decode("x".repeat(60_000).as_bytes()).unwrap_err();
    assert!(error.len() < 200, "{error}");
}

#[test]
fn a_debug_text_shows_the_number() {
    assert_eq!(format!("{:?}", Decimal::from(5)), "Decimal(5)");
}

fn decimals() -> impl Strategy<Value = Decimal> {
    let exponents = prop_oneof![
        -40_i64..40,
        Decimal::MIN_EXPONENT..=Decimal::MAX_ADJUSTED_EXPONENT - 60,
    ];
    prop_oneof![
        4 => (any::<bool>(), "[0-9]{1,60}", exponents)
            .prop_map(|(negative, digits, exponent)| {
                Decimal::finite(negative, &digits, exponent).unwrap()
            }),
        1 => any::<bool>().prop_map(Decimal::infinity),
        1 => (any::<bool>(), "[0-9]{0,40}")
            .prop_map(|(negative, payload)| Decimal::nan(negative, &payload).unwrap()),
        1 => (any::<bool>(), "[0-9]{0,40}")
            .prop_map(|(negative, payload)| Decimal::signaling_nan(negative, &payload).unwrap()),
    ]
}

proptest! {
    #[test]
    fn every_decimal_survives(value in decimals()) {
        prop_assert_eq!(decode(encode(&value).as_bytes()), Ok(value));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(value) = decode(&bytes) {
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }
    }

    #[test]
    fn likely_texts_are_read_or_refused(text in "[ _+-]{0,2}([0-9._eE+-]{0,12}|s?[nN]a[nN][0-9_.]{0,4}|[iI]nf)") {
        if let Ok(value) = text.parse::<Decimal>() {
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }
    }
}
