//! Boxes into bytes.

use amp_rpc_core::conversation::{Answering, Compat};
use amp_rpc_core::wire::{BoxWriter, Key, Limits, Name, protocol};
use amp_rpc_core::{AmpBox, Context, EncodeError, NoContext, WriteFields};
use bytes::Bytes;
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

/// Keeps values apart, as a connection does.
#[derive(Default)]
struct Keeping(Vec<(usize, Bytes)>);

impl Context for Keeping {
    fn send_apart(&mut self, at: usize, bytes: &Bytes) -> bool {
        self.0.push((at, bytes.clone()));
        true
    }

    fn take_back_apart(&mut self) -> Option<(usize, Bytes)> {
        self.0.pop()
    }

    fn give_up_box(&mut self) {
        self.0.clear();
    }
}

impl Keeping {
    /// The whole bytes.
    fn join(&self, buffer: &[u8]) -> Vec<u8> {
        let mut joined = buffer.to_vec();
        for (at, bytes) in self.0.iter().rev() {
            joined.splice(*at..*at, bytes.iter().copied());
        }
        joined
    }
}

/// Pairs that lie in shared memory.
struct SharedPairs<'a>(&'a [(Key<'a>, Bytes)]);

impl WriteFields for SharedPairs<'_> {
    fn write_fields(
        &self,
        out: &mut BoxWriter<'_>,
        cx: &mut dyn Context,
    ) -> Result<(), EncodeError> {
        for (key, value) in self.0 {
            out.put_shared(*key, value, cx)?;
        }
        Ok(())
    }
}

/// The box of an answer, for a connection and for a buffer alone.
fn answer(pairs: &[(Key<'_>, Bytes)], limits: Limits, cx: &mut dyn Context) -> (bool, Vec<u8>) {
    let mut out = b"before".to_vec();
    let answering = Answering::new(Compat::default(), limits);
    let is_written = answering.answer(b"1", &SharedPairs(pairs), &mut out, cx);
    (is_written, out)
}

const LARGE: usize = 60_000;

#[test]
fn large_values_in_shared_memory_are_not_copied() {
    let pairs = [
        (A, Bytes::from(vec![1; LARGE])),
        (B, Bytes::from_static(b"2")),
    ];
    let mut cx = Keeping::default();
    let (is_written, out) = answer(&pairs, Limits::DEFAULT, &mut cx);
    assert!(is_written);
    let [(at, value)] = &cx.0[..] else {
        panic!("{} are apart", cx.0.len());
    };
    assert_eq!(value.as_ptr(), pairs[0].1.as_ptr());
    assert_eq!(&out[at - 2..*at], (LARGE as u16).to_be_bytes());
    assert_eq!(
        cx.join(&out),
        answer(&pairs, Limits::DEFAULT, &mut NoContext).1
    );
}

#[test]
fn values_apart_count_for_the_limits_of_values_and_boxes() {
    let pairs = [(A, Bytes::from(vec![1; LARGE]))];
    // Behind 12 bytes of tag and its key, 3 of the own key, 2 of the length and 2 of the end.
    let whole = 12 + 3 + 2 + LARGE + 2;
    for (limits, fits) in [
        (Limits::DEFAULT.box_bytes(whole), true),
        (Limits::DEFAULT.box_bytes(whole - 1), false),
        (Limits::DEFAULT.value_bytes(LARGE), true),
        (Limits::DEFAULT.value_bytes(LARGE - 1), false),
    ] {
        let mut cx = Keeping::default();
        let (is_written, out) = answer(&pairs, limits, &mut cx);
        assert_eq!(is_written, fits, "{limits:?}");
        let alone = answer(&pairs, limits, &mut NoContext);
        assert_eq!((is_written, cx.join(&out)), alone);
        if !fits {
            assert_eq!((&out[..], cx.0.len()), (&b"before"[..], 0));
        }
    }
    let pairs = [(A, Bytes::from(vec![1; 70_000]))];
    assert!(!answer(&pairs, Limits::DEFAULT, &mut Keeping::default()).0);
}

proptest! {
    #[test]
    fn values_apart_are_in_their_places(
        pairs in proptest::collection::vec(("[A-Za-c_]{1,3}", 0..20_000_usize), 0..6),
    ) {
        let pairs: Vec<_> = (pairs.iter().enumerate())
            .map(|(index, (key, length))| {
                (Name::new(key.as_bytes()).unwrap(), Bytes::from(vec![index as u8; *length]))
            })
            .collect();
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.key(), value.clone())).collect();
        let mut cx = Keeping::default();
        let (is_written, out) = answer(&pairs, Limits::DEFAULT, &mut cx);
        let alone = answer(&pairs, Limits::DEFAULT, &mut NoContext);
        prop_assert_eq!((is_written, cx.join(&out)), alone);
    }
}
