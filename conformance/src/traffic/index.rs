//! The streams against the manifest's counts and its index of boxes.

use std::collections::BTreeMap;

use amp_rpc_core::wire::{Decoder, Limits};
use sha2::{Digest as _, Sha256};

use super::{Capture, Direction, Indexed};
use crate::notation::Name;

/// Lengths, digests and counts.
pub(super) fn streams(capture: &Capture) -> Result<(), String> {
    for direction in Direction::BOTH {
        let bytes = capture.stream(direction);
        let count = capture.manifest.counts.get(&direction);
        let count = count.ok_or_else(|| format!("no counts of {direction:?}"))?;
        let boxes = capture.manifest.boxes.iter();
        let boxes: Vec<&Indexed> = boxes.filter(|indexed| indexed.dir == direction).collect();
        let end = boxes.last().map_or(0, |last| last.offset + last.length);
        let same = |what: &str, got: usize, wanted: usize| match got == wanted {
            true => Ok(()),
            false => Err(format!("{direction:?}: {got} {what} instead of {wanted}")),
        };
        same("bytes", bytes.len(), count.bytes)?;
        same("boxes", boxes.len(), count.boxes)?;
        same(
            "bytes left over",
            bytes.len() - end,
            count.unfinished_bytes_at_end,
        )?;
        same(
            "answers",
            tally(&boxes, "_answer").values().sum(),
            count.answers,
        )?;
        if tally(&boxes, "_command") != count.requests {
            return Err(format!("{direction:?}: other requests than counted"));
        }
        if tally(&boxes, "_error_code") != count.errors {
            return Err(format!("{direction:?}: other errors than counted"));
        }
        if digest(bytes) != count.sha256 {
            return Err(format!("{direction:?}: another digest"));
        }
    }
    Ok(())
}

fn tally(boxes: &[&Indexed], key: &str) -> BTreeMap<Name, usize> {
    let mut tally = BTreeMap::new();
    for value in boxes.iter().filter_map(|indexed| indexed.protocol.get(key)) {
        *tally.entry(value.clone()).or_insert(0) += 1;
    }
    tally
}

pub(super) fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Each box, with the stream cut as it came, whole, and one byte at a time.
pub(super) fn boxes(capture: &Capture) -> Result<(), String> {
    for direction in Direction::BOTH {
        let bytes = capture.stream(direction);
        let wanted: Vec<&Indexed> = (capture.manifest.boxes.iter())
            .filter(|indexed| indexed.dir == direction)
            .collect();
        let came: Vec<usize> = (capture.manifest.events.iter())
            .filter(|event| event.0 == direction)
            .map(|event| event.2)
            .collect();
        if came.iter().sum::<usize>() != bytes.len() {
            return Err(format!(
                "{direction:?}: the events are not the whole stream"
            ));
        }
        for lengths in [came, vec![bytes.len()], vec![1; bytes.len()]] {
            let places = decode(bytes, &lengths)?;
            let indexed = wanted
                .iter()
                .map(|indexed| (indexed.offset, indexed.length));
            if !places.iter().copied().eq(indexed) {
                return Err(format!("{direction:?}: the boxes lie elsewhere"));
            }
        }
    }
    capture.manifest.boxes.iter().try_for_each(|indexed| {
        is_indexed(capture, indexed)
            .map_err(|why| format!("{:?}, the box at {}: {why}", indexed.dir, indexed.offset))
    })
}

/// Where the boxes are.
fn decode(bytes: &[u8], lengths: &[usize]) -> Result<Vec<(usize, usize)>, String> {
    let mut decoder = Decoder::new(Limits::default());
    let (mut taken, mut come, mut places) = (0, 0, Vec::new());
    for length in lengths {
        come += length;
        while let Some(frame) = decoder
            .decode(&bytes[taken..come])
            .map_err(|why| why.to_string())?
        {
            places.push((taken, frame.len()));
            taken += frame.len();
        }
    }
    Ok(places)
}

fn is_indexed(capture: &Capture, indexed: &Indexed) -> Result<(), String> {
    let bytes = capture.bytes(indexed)?;
    let view = amp_rpc_core::wire::parse(bytes).next();
    let view = view.ok_or("empty")?.map_err(|why| why.to_string())?;
    let keys = view.iter().map(|(key, value)| (key, value.len()));
    let wanted = indexed.keys.iter().map(|(key, size)| (&key.0[..], *size));
    if !keys.clone().eq(wanted) {
        return Err("other keys".into());
    }
    for (key, text) in &indexed.protocol {
        if view.get(key.as_bytes()).as_deref() != Some(&text.0[..]) {
            return Err(format!("another {key}"));
        }
    }
    let is_sorted = keys
        .clone()
        .zip(keys.skip(1))
        .all(|(one, next)| one.0 < next.0);
    let again = view.to_owned().to_bytes().map_err(|why| why.to_string())?;
    if is_sorted && again != bytes {
        return Err("encoded in another way".into());
    }
    Ok(())
}
