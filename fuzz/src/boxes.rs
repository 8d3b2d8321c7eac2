use amp_rpc_core::AmpBox;
use amp_rpc_core::wire::{Decoder, FrameError, Limits};

use crate::Choices;

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

fn decode(stream: &[u8], cut: usize, limits: Limits) -> (Vec<AmpBox>, Option<FrameError>) {
    let mut decoder = Decoder::new(limits);
    let (mut boxes, mut buffer) = (Vec::new(), Vec::new());
    for piece in stream.chunks(cut) {
        buffer.extend_from_slice(piece);
        loop {
            let taken = match decoder.decode(&buffer) {
                Ok(Some(frame)) => {
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
