//! Every argument type there and back, alone, in lists, optional.

use std::fmt::Debug;
use std::path::PathBuf;

use amp_rpc::argument::{DateTime, Decimal};
use amp_rpc::{Compat, Peer};
use bytes::Bytes;
use interop::types::echoes::{
    Echo, EchoAmpList, EchoBoolean, EchoDateTime, EchoDecimal, EchoFloat, EchoInteger,
    EchoListOfBoolean, EchoListOfDateTime, EchoListOfDecimal, EchoListOfFloat, EchoListOfInteger,
    EchoListOfListOfListOfInteger, EchoListOfListOfUnicode, EchoListOfPath, EchoListOfString,
    EchoListOfUnicode, EchoPath, EchoString, EchoUnicode, MaybeAmpList, MaybeBoolean,
    MaybeDateTime, MaybeDecimal, MaybeFloat, MaybeInteger, MaybeListOfBoolean, MaybeListOfDateTime,
    MaybeListOfDecimal, MaybeListOfFloat, MaybeListOfInteger, MaybeListOfListOfListOfInteger,
    MaybeListOfListOfUnicode, MaybeListOfPath, MaybeListOfString, MaybeListOfUnicode, MaybePath,
    MaybeString, MaybeUnicode, Point, Row,
};
use num_bigint::BigInt;

use crate::with_twisted;

/// Calls a command with a value and expects the value back.
async fn echoed<C>(peer: &Peer, value: C::Value)
where
    C: Echo,
    C::Value: Debug,
{
    // As text, -0.0 is not 0.0, and a NaN is equal to itself.
    let sent = format!("{value:?}");
    let answer = peer.call(C::new(value)).await.expect("an answer");
    assert_eq!(format!("{:?}", answer.into_value()), sent);
}

/// Calls both commands of a type, with each of the values and with none.
async fn each<E, M>(peer: &Peer, values: Vec<E::Value>)
where
    E: Echo,
    M: Echo<Value = Option<E::Value>>,
    E::Value: Debug + Clone,
{
    echoed::<M>(peer, None).await;
    for value in values {
        echoed::<E>(peer, value.clone()).await;
        echoed::<M>(peer, Some(value)).await;
    }
}

/// Calls the commands of a type and of lists of it.
async fn check<E, M, EL, ML>(values: Vec<E::Value>)
where
    E: Echo,
    M: Echo<Value = Option<E::Value>>,
    EL: Echo<Value = Vec<E::Value>>,
    ML: Echo<Value = Option<Vec<E::Value>>>,
    E::Value: Debug + Clone,
{
    with_twisted(async |twisted| {
        let peer = twisted.connect(Compat::default()).await;
        // A list is one value: what is longer than a part of it stays out.
        let short = values.iter().filter(|v| format!("{v:?}").len() < 2_000);
        let short: Vec<_> = short.cloned().collect();
        let lists = vec![vec![], short[..1].to_vec(), short];
        each::<E, M>(&peer, values).await;
        each::<EL, ML>(&peer, lists).await;
    })
    .await;
}

fn parsed<T: std::str::FromStr<Err: Debug>>(texts: &[&str]) -> Vec<T> {
    let values = texts.iter().map(|text| text.parse());
    values.collect::<Result<_, _>>().expect("values")
}

#[tokio::test]
async fn integers_of_any_size() {
    let ten = BigInt::from(10);
    let mut values = vec![BigInt::ZERO, 1.into(), (-1).into()];
    for bits in [31_u32, 63, 64, 127, 128, 4096] {
        let power = BigInt::from(2).pow(bits);
        values.extend([power.clone() - 1, power.clone(), -power.clone(), -power - 1]);
    }
    values.extend([ten.pow(400), -ten.pow(4000)]);
    check::<EchoInteger, MaybeInteger, EchoListOfInteger, MaybeListOfInteger>(values).await;
}

#[tokio::test]
async fn bytes_up_to_the_longest_value() {
    let all: Vec<u8> = (0..=255).collect();
    let values = [
        "".into(),
        "\0".into(),
        all.into(),
        vec![b'x'; 65_535].into(),
    ];
    let values: Vec<Bytes> = values.into();
    check::<EchoString, MaybeString, EchoListOfString, MaybeListOfString>(values).await;
}

#[tokio::test]
async fn text_of_every_plane() {
    let long = "é".repeat(32_767);
    let values = [
        "",
        "\0",
        "ä\u{2028}\u{feff}",
        "\u{10ffff}",
        "☃ and\r\n",
        &long,
    ];
    let values = values.map(str::to_owned).into();
    check::<EchoUnicode, MaybeUnicode, EchoListOfUnicode, MaybeListOfUnicode>(values).await;
}

#[tokio::test]
async fn floats_to_the_last_bit() {
    let values = vec![
        0.0,
        -0.0,
        0.1,
        1e-5,
        0.0001,
        1e16,
        1e22,
        123_456_789_012_345_680.0,
        5e-324,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    check::<EchoFloat, MaybeFloat, EchoListOfFloat, MaybeListOfFloat>(values).await;
}

#[tokio::test]
async fn booleans() {
    let values = vec![true, false];
    check::<EchoBoolean, MaybeBoolean, EchoListOfBoolean, MaybeListOfBoolean>(values).await;
}

/// Absolute and plain ones: others Twisted changes.
#[tokio::test]
async fn paths() {
    let values = ["/", "/tmp/some file", "/ü/日本"].map(PathBuf::from);
    check::<EchoPath, MaybePath, EchoListOfPath, MaybeListOfPath>(values.into()).await;
}

#[tokio::test]
async fn decimals_in_every_form() {
    let digits = "9".repeat(80);
    let values: Vec<Decimal> = parsed(&[
        "0",
        "-0",
        "0.00",
        "-0E+3",
        "1E+2",
        "1E-10",
        "0E-10",
        "120.50",
        "123456789.0000000000000000001",
        "0.000001",
        "0.0000001",
        "1E+999999",
        "1E+999999999999999999",
        "Infinity",
        "-Infinity",
        "NaN",
        "-NaN",
        "NaN123",
        "sNaN",
        "-sNaN7",
        &digits,
    ]);
    check::<EchoDecimal, MaybeDecimal, EchoListOfDecimal, MaybeListOfDecimal>(values).await;
}

#[tokio::test]
async fn times_with_every_offset() {
    let values: Vec<DateTime> = parsed(&[
        "0001-01-01T00:00:00.000000-00:00",
        "9999-12-31T23:59:59.999999-00:00",
        "2000-01-02T03:04:05.000006-01:30",
        "2012-01-23T12:34:56.054321+23:59",
        "2012-01-23T12:34:56.054321-23:59",
        "2024-02-29T12:00:00.000000+00:01",
    ]);
    check::<EchoDateTime, MaybeDateTime, EchoListOfDateTime, MaybeListOfDateTime>(values).await;
}

#[tokio::test]
async fn lists_in_lists() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(Compat::default()).await;
        let text = |texts: &[&str]| -> Vec<String> { texts.iter().map(|&t| t.into()).collect() };
        let values = vec![
            vec![],
            vec![vec![]],
            vec![text(&["a", ""]), vec![], text(&["☃"])],
        ];
        each::<EchoListOfListOfUnicode, MaybeListOfListOfUnicode>(&peer, values).await;

        let one = BigInt::from(1);
        let values = vec![
            vec![],
            vec![vec![vec![]]],
            vec![
                vec![vec![one.clone(), -one.clone()], vec![]],
                vec![],
                vec![vec![one << 200]],
            ],
        ];
        each::<EchoListOfListOfListOfInteger, MaybeListOfListOfListOfInteger>(&peer, values).await;
    })
    .await;
}

fn bare() -> Row {
    Row {
        name: String::new(),
        count: None,
        tags: None,
        data: None,
        points: None,
    }
}

fn full() -> Row {
    let point = Point {
        x: 0.1,
        when: parsed(&["2024-02-29T23:59:59.999999+01:30"]).pop(),
        price: parsed(&["1.20"]).pop(),
        ok: Some(false),
    };
    let bare = Point {
        x: f64::NEG_INFINITY,
        when: None,
        price: None,
        ok: None,
    };
    Row {
        name: "ü".to_owned(),
        count: Some((-1).into()),
        tags: Some(vec!["a".to_owned(), String::new()]),
        data: Some(Bytes::from_static(b"\0\xff")),
        points: Some(vec![point, bare]),
    }
}

#[tokio::test]
async fn rows_with_and_without_their_optional_fields() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(Compat::default()).await;
        let no_points = Row {
            points: Some(vec![]),
            ..full()
        };
        let counted = |n: i32| Row {
            count: Some(n.into()),
            ..bare()
        };
        let values = vec![
            vec![],
            vec![bare()],
            vec![full()],
            vec![full(), bare(), no_points],
            (0..1_000).map(counted).collect(),
        ];
        each::<EchoAmpList, MaybeAmpList>(&peer, values).await;
    })
    .await;
}
