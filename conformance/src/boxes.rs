//! Boxes to bytes and bytes to boxes.

use amp_rpc_core::AmpBox;
use amp_rpc_core::wire::{Decoder, FrameError, Limits};
use serde::Deserialize;

use crate::notation::{Hex, Level, cases};
use crate::report::{FileReport, Verdict};

/// Plays one file.
pub fn play(name: &str, text: &[u8]) -> FileReport {
    cases(name, text, |case: &Case| match judge(case) {
        Ok(()) => Verdict::Passed,
        Err(why) => Verdict::Failed(why),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "op", rename_all = "lowercase")]
enum Case {
    Encode {
        #[serde(rename = "id")]
        _id: String,
        #[serde(rename = "why")]
        _why: String,
        #[serde(rename = "level")]
        _level: Level,
        #[serde(rename = "box")]
        pairs: Vec<(Hex, Hex)>,
        ok: bool,
        encoded: Option<Hex>,
        #[serde(rename = "error")]
        _error: Option<String>,
        error_is_key: Option<bool>,
    },
    Decode {
        #[serde(rename = "id")]
        _id: String,
        #[serde(rename = "why")]
        _why: String,
        #[serde(rename = "level")]
        _level: Level,
        input: Hex,
        chunkings: Vec<Chunking>,
        boxes: Vec<Vec<(Hex, Hex)>>,
        boxes_when: Option<Vec<(usize, usize)>>,
        closed: bool,
        close_offset: Option<usize>,
        reason: Reason,
        incomplete: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Chunking {
    Whole,
    Bytes,
    Pairs,
    Chunks(Vec<usize>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Reason {
    ConnectionDone,
    TooLong,
}

fn judge(case: &Case) -> Result<(), String> {
    match case {
        Case::Encode {
            pairs,
            ok,
            encoded,
            error_is_key,
            ..
        } => encode(pairs, *ok, encoded.as_ref(), *error_is_key),
        Case::Decode {
            input,
            chunkings,
            boxes,
            boxes_when,
            closed,
            close_offset,
            reason,
            incomplete,
            ..
        } => {
            let wanted = Decoded {
                boxes: boxes.iter().map(|pairs| amp_box(pairs)).collect(),
                boxes_when: None,
                close_offset: closed.then_some(close_offset.unwrap_or(input.0.len())),
                reason: *reason,
                incomplete: *incomplete,
            };
            if *closed && close_offset.is_none() {
                return Err("the case closes but does not say where".into());
            }
            for chunking in chunkings {
                for lengths in cut(chunking, input.0.len())? {
                    let got = decode(&input.0, &lengths);
                    compare(&wanted, &got).map_err(|why| format!("{chunking:?}: {why}"))?;
                }
            }
            // Where exactly something happens shows when the bytes come one at a time.
            let got = decode(&input.0, &vec![1; input.0.len()]);
            compare(&wanted, &got)?;
            if got.close_offset != wanted.close_offset {
                return Err(format!(
                    "closed after {:?} bytes instead of {:?}",
                    got.close_offset, wanted.close_offset
                ));
            }
            match boxes_when {
                Some(wanted) if got.boxes_when.as_ref() != Some(wanted) => {
                    let got = got.boxes_when;
                    Err(format!("boxes came after {got:?} instead of {wanted:?}"))
                }
                _ => Ok(()),
            }
        }
    }
}

fn amp_box(pairs: &[(Hex, Hex)]) -> AmpBox {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| (&key.0[..], &value.0[..]))
        .collect()
}

fn encode(
    pairs: &[(Hex, Hex)],
    ok: bool,
    encoded: Option<&Hex>,
    error_is_key: Option<bool>,
) -> Result<(), String> {
    match (amp_box(pairs).to_bytes(), encoded) {
        (Ok(bytes), Some(wanted)) if ok && bytes == wanted.0 => Ok(()),
        (Ok(bytes), _) => Err(format!("encoded as {}", bytes.escape_ascii())),
        (Err(error), _) if ok => Err(format!("refused: {error}")),
        // A value's error names the key that it stands under; a bad key is no place of an error.
        (Err(error), _) => match error_is_key {
            Some(is_key) if error.key().is_none() != is_key => {
                Err(format!("refused for another reason: {error}"))
            }
            _ => Ok(()),
        },
    }
}

/// The lengths of the pieces, for each way of cutting that `chunking` stands for.
fn cut(chunking: &Chunking, length: usize) -> Result<Vec<Vec<usize>>, String> {
    Ok(match chunking {
        Chunking::Whole => vec![vec![length]],
        Chunking::Bytes => vec![vec![1; length]],
        Chunking::Pairs => (0..=length).map(|at| vec![at, length - at]).collect(),
        Chunking::Chunks(lengths) => {
            // What the lengths do not cover comes last.
            let sum: usize = lengths.iter().sum();
            let Some(rest) = length.checked_sub(sum) else {
                return Err(format!("chunks of {sum} bytes for an input of {length}"));
            };
            let mut lengths = lengths.clone();
            lengths.push(rest);
            vec![lengths]
        }
    })
}

/// What came out of some bytes.
struct Decoded {
    boxes: Vec<AmpBox>,
    boxes_when: Option<Vec<(usize, usize)>>,
    close_offset: Option<usize>,
    reason: Reason,
    incomplete: bool,
}

fn compare(wanted: &Decoded, got: &Decoded) -> Result<(), String> {
    if got.boxes != wanted.boxes {
        return Err(format!(
            "boxes {:?} instead of {:?}",
            got.boxes, wanted.boxes
        ));
    }
    if got.close_offset.is_some() != wanted.close_offset.is_some() {
        return Err(format!("closed: {}", got.close_offset.is_some()));
    }
    if got.reason != wanted.reason {
        return Err(format!(
            "ended with {:?} instead of {:?}",
            got.reason, wanted.reason
        ));
    }
    // Behind the end nobody asks what is left over.
    if wanted.close_offset.is_none() && got.incomplete != wanted.incomplete {
        return Err(format!(
            "an unfinished box is left over: {}",
            got.incomplete
        ));
    }
    Ok(())
}

/// Feeds a decoder with the pieces of an input, as a connection would.
fn decode(input: &[u8], lengths: &[usize]) -> Decoded {
    let mut decoder = Decoder::new(Limits::default());
    let mut got = Decoded {
        boxes: Vec::new(),
        boxes_when: Some(Vec::new()),
        close_offset: None,
        reason: Reason::ConnectionDone,
        incomplete: false,
    };
    let (mut taken, mut come) = (0, 0);
    'pieces: for length in lengths {
        come += length;
        let before = got.boxes.len();
        loop {
            match decoder.decode(&input[taken..come]) {
                Ok(Some(frame)) => {
                    got.boxes.push(frame.view().to_owned());
                    taken += frame.len();
                }
                Ok(None) => break,
                Err(error) => {
                    got.close_offset = Some(come);
                    if matches!(error, FrameError::KeyTooLong { .. }) {
                        got.reason = Reason::TooLong;
                    }
                    break 'pieces;
                }
            }
        }
        if got.boxes.len() > before {
            let when = got.boxes_when.get_or_insert_default();
            when.push((come, got.boxes.len()));
        }
    }
    got.incomplete = taken < input.len();
    got
}
