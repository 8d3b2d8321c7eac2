use amp_rpc_core::AmpBox;
use amp_rpc_core::conversation::{CallId, Message, expect_answer, expect_ask};
use amp_rpc_core::wire::{CommandPair, Decoder, Frame, FrameError, Front, Key, Limits, RawValue};

use crate::Choices;

const A: Key<'static> = Key::from_prefixed(b"\0\x01a");
const B: Key<'static> = Key::from_prefixed(b"\0\x01b");
const ASK: Key<'static> = Key::from_prefixed(b"\0\x04_ask");

/// Any bytes, cut in any way, give the same boxes and the same error; nothing over the limits is
/// buffered; what comes out can be sent again.
pub fn decoder(input: &[u8]) {
    let mut choices = Choices(input);
    let limits = Limits::DEFAULT
        .box_bytes(64 + 16 * usize::from(choices.byte()))
        .box_pairs(usize::from(choices.byte() >> 2));
    let cut = usize::from(choices.byte() % 32) + 1;
    let stream = choices.0;

    let whole = decode(stream, stream.len().max(1), limits);
    let pieces = decode(stream, cut, limits);
    assert_eq!(whole.0, pieces.0, "the cut changes the boxes");
    assert_eq!(whole.1, pieces.1, "the cut changes the error");
    for message in &whole.0 {
        assert!(message.len() <= limits.box_pairs, "too many pairs");
        let bytes = message.to_bytes().expect("what came can be sent");
        assert!(bytes.len() <= limits.box_bytes, "too large a box");
        let (again, _) = decode(&bytes, bytes.len(), limits);
        assert_eq!(again.first(), Some(message), "another box when sent again");
    }
}

/// However keys are looked up, in their order or not, and in a copy or not, the values are the same.
fn check_lookup(frame: &Frame<'_>) {
    let view = frame.view();
    let last = |name: &[u8]| {
        let found = view.iter().filter(|(key, _)| *key == name).last();
        found.map(|(_, value)| value.as_bytes())
    };
    for keys in [[A, B], [ASK, A]] {
        for (key, found) in keys.iter().zip(view.lookup(&keys)) {
            assert_eq!(found.map(RawValue::as_bytes), last(key.name()), "{key:?}");
        }
    }
    let mut copy = view.as_wire().to_vec();
    copy.extend_from_slice(&[0, 0]);
    let again = view.outline().view(&copy);
    assert_eq!(again.to_owned(), view.to_owned(), "another box in a copy");
    assert_eq!(again.outline(), view.outline());
    // `_answer` wins over `_error` wins over `_command`.
    let names = [&b"_answer"[..], b"_error", b"_command"];
    let decisive = names.into_iter().find_map(|name| Some((name, last(name)?)));
    let seen = Message::of(&view).map(|message| match message {
        Message::Answer { tag } => (names[0], tag.as_bytes()),
        Message::Error { tag, .. } => (names[1], tag.as_bytes()),
        Message::Ask { tag, command, .. } => {
            assert_eq!(tag.map(RawValue::as_bytes), last(b"_ask"));
            (names[2], command.as_bytes())
        }
    });
    assert_eq!(seen, decisive, "another meaning");
}

/// What is read as the box that is expected is the box that the decoder finds, with the same values and meaning.
fn check_front(buffer: &[u8], limits: Limits, frame: &Frame<'_>) {
    let view = frame.view();
    let decoder = Decoder::new(limits);
    let front = || decoder.front(buffer).expect("at the beginning of a box");
    let same = |found: Frame<'_>| {
        assert_eq!(found.len(), frame.len(), "another end");
        assert_eq!(found.view().outline(), view.outline(), "another outline");
    };
    let expected = |mut front: Front<'_>| {
        let values = front.values(&[A, B], &[true, true])?;
        same(front.end()?);
        let found = view.lookup(&[A, B]);
        assert_eq!(
            values.map(|it| it.map(RawValue::as_bytes)),
            found.map(|it| it.map(RawValue::as_bytes)),
        );
        Some(())
    };
    let _ = expected(front());
    if let Some(found) = front().others() {
        same(found);
    }
    if let Some((call, found)) = decoder.front(buffer).and_then(expect_answer) {
        same(found);
        let meaning = Message::of(&view);
        assert!(
            matches!(meaning, Some(Message::Answer { tag }) if CallId::parse(&tag) == Some(call))
        );
    }
    if let Some(ask) = expect_ask(front()) {
        let arguments = ask.command().and_then(|name| {
            let (other, name) = (CommandPair::new(b"another")?, CommandPair::new(name)?);
            assert!(
                other == name || ask.arguments_of(&other).is_none(),
                "another command"
            );
            ask.arguments_of(&name)
        });
        if arguments.and_then(expected).is_some() {
            let meaning = Message::of(&view);
            assert!(matches!(
                meaning,
                Some(Message::Ask { tag: Some(tag), command, metadata })
                    if tag.as_bytes() == ask.tag && Some(command.as_bytes()) == ask.command()
                        && metadata.deadline.is_none() && metadata.traceparent.is_none()
            ));
        }
    }
}

fn decode(stream: &[u8], cut: usize, limits: Limits) -> (Vec<AmpBox>, Option<FrameError>) {
    let mut decoder = Decoder::new(limits);
    let (mut boxes, mut buffer) = (Vec::new(), Vec::new());
    for piece in stream.chunks(cut) {
        buffer.extend_from_slice(piece);
        loop {
            let taken = match decoder.decode(&buffer) {
                Ok(Some(frame)) => {
                    check_lookup(&frame);
                    check_front(&buffer, limits, &frame);
                    boxes.push(frame.view().to_owned());
                    frame.len()
                }
                Ok(None) => break,
                // The first bytes differ with what has come: only the kind is the same.
                Err(FrameError::KeyTooLong { length, .. }) => {
                    let start = [0; 8];
                    return (boxes, Some(FrameError::KeyTooLong { length, start }));
                }
                Err(error) => return (boxes, Some(error)),
            };
            buffer.drain(..taken);
        }
        assert!(
            buffer.len() < limits.box_bytes + cut,
            "more is buffered than the limit"
        );
    }
    (boxes, None)
}
