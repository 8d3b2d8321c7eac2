//! Boxes into bytes.

use amp_rpc_core::wire::{BoxWriter, Key, Limits, Name, protocol};
use amp_rpc_core::{AmpBox, EncodeError};
use proptest::prelude::*;

const A: Key<'static> = Key::from_prefixed(b"\0\x01a");
const B: Key<'static> = Key::from_prefixed(b"\0\x01b");
const UPPER: Key<'static> = Key::from_prefixed(b"\0\x01Z");

fn write(
    protocol: &[(Key<'_>, &[u8])],
    pairs: &[(Key<'_>, &[u8])],
) -> Result<Vec<u8>, EncodeError> {
    let mut out = b"before".to_vec();
    let mut writer = BoxWriter::new(&mut out, Limits::DEFAULT, protocol);
    for (key, value) in pairs {
        writer.put(*key, value)?;
    }
    writer.finish()?;
    Ok(out.split_off(6))
}

#[test]
fn keys_of_the_protocol_are_merged_in_order() {
    let protocol = [(protocol::ASK, &b"1"[..]), (protocol::COMMAND, b"C")];
    let got = write(&protocol, &[(UPPER, b""), (A, b"")]).unwrap();
    let wanted = b"\0\x01Z\0\0\0\x04_ask\0\x011\0\x08_command\0\x01C\0\x01a\0\0\0\0";
    assert_eq!(got, wanted);
}

#[test]
fn keys_of_the_protocol_win_over_fields_of_their_names() {
    let protocol = [(protocol::ANSWER, &b"1"[..])];
    let got = write(&protocol, &[(protocol::ANSWER, b"2"), (A, b"")]).unwrap();
    assert_eq!(got, b"\0\x07_answer\0\x011\0\x01a\0\0\0\0");
}

#[test]
fn keys_out_of_order_are_sorted_and_the_last_of_a_repeated_one_stays() {
    let got = write(&[], &[(B, b"1"), (A, b"2"), (B, b"3")]).unwrap();
    assert_eq!(got, b"\0\x01a\0\x012\0\x01b\0\x013\0\0");
}

#[test]
fn a_value_over_65535_bytes_is_refused_and_nothing_is_left() {
    let mut out = b"before".to_vec();
    let mut writer = BoxWriter::new(&mut out, Limits::DEFAULT, &[]);
    writer.put(A, b"1").unwrap();
    let error = writer.put(B, &[0; 65_536]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`b`: the value has 65536 bytes, the limit is 65535"
    );
    drop(writer);
    assert_eq!(out, b"before");
}

#[test]
fn limits_on_values_and_boxes_can_be_set() {
    let mut out = Vec::new();
    let message = AmpBox::from([("a", "12345")]);
    let limits = Limits::DEFAULT.value_bytes(4);
    let error = message.write_to(&mut out, limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`a`: the value has 5 bytes, the limit is 4"
    );
    let limits = Limits::DEFAULT.box_bytes(11);
    let error = message.write_to(&mut out, limits).unwrap_err();
    assert_eq!(error.to_string(), "the box has 12 bytes, the limit is 11");
    assert!(out.is_empty());
}

#[test]
fn a_box_with_a_key_that_is_none_is_refused() {
    let error = AmpBox::from([("", "x")]).to_bytes().unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"\": a key has 1 to 255 bytes, this one has 0"
    );
    assert!(AmpBox::from([("k".repeat(256), "x")]).to_bytes().is_err());
    assert!(AmpBox::from([("k".repeat(255), "x")]).to_bytes().is_ok());
}

proptest! {
    #[test]
    fn any_order_of_pairs_gives_the_same_bytes(
        pairs in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 1..6), prop::collection::vec(any::<u8>(), 0..20)),
            0..12,
        ),
    ) {
        let names: Vec<_> = pairs.iter().map(|(key, _)| Name::new(key).unwrap()).collect();
        let keys = names.iter().map(Name::key);
        let written: Vec<_> = keys.zip(&pairs).map(|(key, (_, value))| (key, &value[..])).collect();
        let message: AmpBox = pairs.iter().cloned().collect();
        prop_assert_eq!(write(&[], &written).unwrap(), message.to_bytes().unwrap());
    }
}
