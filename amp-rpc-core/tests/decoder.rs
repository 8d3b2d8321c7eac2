//! Bytes into boxes.

use amp_rpc_core::AmpBox;
use amp_rpc_core::wire::{Decoder, FrameError, Limits, SHARED_FROM, parse};
use bytes::Bytes;
use proptest::prelude::*;

/// Feeds the pieces one after the other; returns the boxes, the error, and what is left.
fn decode(pieces: &[&[u8]], limits: Limits) -> (Vec<AmpBox>, Result<(), FrameError>, Vec<u8>) {
    let mut decoder = Decoder::new(limits);
    let (mut boxes, mut buffer) = (Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let taken = match decoder.decode(&buffer) {
                Ok(Some(frame)) => {
                    boxes.push(frame.view().to_owned());
                    frame.len()
                }
                Ok(None) => break,
                Err(error) => return (boxes, Err(error), buffer),
            };
            buffer.drain(..taken);
        }
    }
    (boxes, Ok(()), buffer)
}

fn refused(input: &[u8], limits: Limits, error: &str) {
    let (_, result, _) = decode(&[input], limits);
    assert_eq!(result.unwrap_err().to_string(), error);
}

const DEFAULT: Limits = Limits::DEFAULT;

#[test]
fn a_key_over_255_names_the_protocol_that_it_looks_like() {
    refused(
        b"GET / HTTP/1.1\r\n",
        DEFAULT,
        r#"key length 18245 is over 255: these bytes look like HTTP, "GET / HT""#,
    );
    refused(
        b"SSH-2.0-OpenSSH",
        DEFAULT,
        r#"key length 21331 is over 255: these bytes look like SSH, "SSH-2.0-""#,
    );
    refused(
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        DEFAULT,
        r#"key length 5635 is over 255: these bytes look like TLS, "\x16\x03\x01\x02\x00\x01\x00\x01""#,
    );
    refused(b"\x01\x00", DEFAULT, "key length 256 is over 255");
}

#[test]
fn garbage_in_the_middle_of_a_box_is_found() {
    refused(
        b"\0\x01a\0\0\xff\xff",
        DEFAULT,
        "key length 65535 is over 255",
    );
}

#[test]
fn a_box_may_have_as_many_bytes_as_the_limit_and_no_more() {
    let limits = DEFAULT.box_bytes(10);
    let fits = b"\0\x01a\0\x03xyz\0\0";
    assert_eq!(decode(&[fits], limits).0.len(), 1);
    refused(
        b"\0\x01a\0\x04wxyz\0\0",
        limits,
        "a box is larger than the limit of 10 bytes",
    );
}

#[test]
fn a_value_over_the_limit_is_refused_before_it_comes() {
    let (_, result, buffered) = decode(&[b"\0\x01a\xff\xff"], DEFAULT.box_bytes(1_000));
    assert_eq!(result, Err(FrameError::BoxTooLarge { limit: 1_000 }));
    assert_eq!(buffered.len(), 5);
}

#[test]
fn a_key_over_the_limit_is_refused_before_it_comes() {
    let (_, result, buffered) = decode(&[b"\0\xff", b"k"], DEFAULT.box_bytes(100));
    assert_eq!(result, Err(FrameError::BoxTooLarge { limit: 100 }));
    assert_eq!(buffered.len(), 2);
    let (_, result, buffered) = decode(&[b"\0\x01", b"k"], DEFAULT.box_pairs(0));
    assert_eq!(result, Err(FrameError::TooManyPairs { limit: 0 }));
    assert_eq!(buffered.len(), 2);
}

#[test]
fn a_box_may_have_as_many_pairs_as_the_limit_and_no_more() {
    let pair = b"\0\x01a\0\0";
    let limits = DEFAULT.box_pairs(3);
    let fits = [&pair.repeat(3)[..], b"\0\0"].concat();
    assert_eq!(decode(&[&fits], limits).0.len(), 1);
    refused(
        &pair.repeat(4),
        limits,
        "a box has more pairs than the limit of 3",
    );
}

#[test]
fn the_default_limits_hold_a_box_of_16_mebibytes_and_65536_pairs() {
    let pair = b"\0\x01a\0\0";
    let (_, result, _) = decode(&[&pair.repeat(65_537)], DEFAULT);
    assert_eq!(result, Err(FrameError::TooManyPairs { limit: 65_536 }));
    let pair = [&b"\0\x01a\xff\xff"[..], &[0; 65_535]].concat();
    let (_, result, _) = decode(&[&pair.repeat(256)], DEFAULT);
    let limit = 16 * 1024 * 1024;
    assert_eq!(result, Err(FrameError::BoxTooLarge { limit }));
}

#[test]
fn a_refusal_is_final() {
    let mut decoder = Decoder::default();
    assert!(decoder.decode(b"\xff\xff").is_err());
    assert!(decoder.decode(b"\xff\xff").is_err());
}

#[test]
fn what_follows_a_box_is_not_looked_at() {
    let mut decoder = Decoder::default();
    let frame = decoder
        .decode(b"\0\x01a\0\x01b\0\0\xff\xff")
        .unwrap()
        .unwrap();
    assert_eq!(frame.len(), 8);
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    let view = parse(b"\0\x01a\0\x011\0\x01a\0\x012\0\0")
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(view.len(), 2);
    assert_eq!(view.get(b"a").as_deref(), Some(&b"2"[..]));
    assert_eq!(view.to_owned(), AmpBox::from([("a", "2")]));
}

#[test]
fn a_capture_that_ends_within_a_box_says_where_that_begins() {
    let results: Vec<_> = parse(b"\0\x01a\0\x011\0\0\0\x01b").collect();
    assert_eq!(results.len(), 2);
    let offset = 8;
    assert_eq!(results[1].unwrap_err(), FrameError::Incomplete { offset });
}

#[test]
fn every_split_point_gives_the_same_boxes() {
    let stream = b"\0\x01a\0\x0213\0\x01b\0\0\0\0\0\0\0\x04long\0\x05value\0\0";
    let whole = decode(&[stream], DEFAULT);
    assert_eq!(whole.0.len(), 3);
    for at in 0..=stream.len() {
        for next in at..=stream.len() {
            let pieces = [&stream[..at], &stream[at..next], &stream[next..]];
            assert_eq!(decode(&pieces, DEFAULT), whole, "{at}, {next}");
        }
    }
}

fn any_box() -> impl Strategy<Value = AmpBox> {
    let key = prop::collection::vec(any::<u8>(), 1..40);
    let value = prop::collection::vec(any::<u8>(), 0..300);
    prop::collection::vec((key, value), 0..8).prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #[test]
    fn any_box_is_read_as_it_was_written(message in any_box()) {
        let bytes = message.to_bytes().unwrap();
        let (boxes, result, rest) = decode(&[&bytes], DEFAULT);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(boxes, [message]);
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn any_cut_gives_the_same_boxes(
        messages in prop::collection::vec(any_box(), 0..5),
        cuts in prop::collection::vec(1_usize..50, 1..200),
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|m| m.to_bytes().unwrap()).collect();
        let (mut pieces, mut rest) = (Vec::new(), &stream[..]);
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        prop_assert_eq!(decode(&pieces, DEFAULT).0, messages);
    }

    #[test]
    fn any_bytes_are_boxes_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        decode(&[&bytes], DEFAULT).1.ok();
    }
}

#[test]
fn values_from_a_size_on_are_slices_of_what_was_read() {
    for (length, is_shared) in [(SHARED_FROM - 1, false), (SHARED_FROM, true)] {
        let message = AmpBox::from([("a", vec![b'x'; length])]);
        let read = Bytes::from(message.to_bytes().unwrap());
        let frame = parse(&read).next().unwrap().unwrap();
        let value = frame.within(&read).get(b"a").unwrap().to_bytes();
        assert_eq!(value, vec![b'x'; length]);
        let range = read.as_ptr_range();
        assert_eq!(range.contains(&value.as_ptr()), is_shared, "{length}");
        // Nobody knows of a buffer to share.
        let copied = frame.get(b"a").unwrap().to_bytes();
        assert!(!range.contains(&copied.as_ptr()));
    }
}
