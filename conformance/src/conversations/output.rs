//! Comparing what was written.

use amp_rpc_core::AmpBox;
use amp_rpc_core::conversation::{UNHANDLED, UNKNOWN};
use amp_rpc_core::wire::{FrameError, parse, protocol};

use super::peer::Tags;
use super::side::Written;

/// All boxes in `bytes`.
pub(super) fn boxes(bytes: &[u8]) -> Result<Vec<AmpBox>, FrameError> {
    parse(bytes)
        .map(|view| view.map(|view| view.to_owned()))
        .collect()
}

/// Compares what was written with the record, box by box, and learns the tags of own calls. Order of
/// keys, tags and descriptions that are free text may differ.
pub(super) fn compare(
    wanted: &[u8],
    got: &Written,
    free_description: bool,
    tags: &mut Tags,
) -> Result<(), String> {
    let written = boxes(&got.boxes).map_err(|why| format!("{why} in what was written"))?;
    let mut frames = parse(wanted);
    for (index, ours) in written.iter().enumerate() {
        let theirs = match frames.next() {
            Some(Ok(view)) => view.to_owned(),
            _ => return Err(format!("one box too many: {}", show(ours))),
        };
        if !is_same(&theirs, ours, free_description, tags) {
            let (ours, theirs) = (show(ours), show(&theirs));
            return Err(format!("box {index} is {ours} instead of {theirs}"));
        }
    }
    let rest = &wanted[frames.offset()..];
    if rest != got.inner {
        return Err(match boxes(rest) {
            Ok(missing) if got.inner.is_empty() => {
                let missing: Vec<_> = missing.iter().map(show).collect();
                format!("missing: {}", missing.join(", "))
            }
            _ => format!(
                "the other protocol wrote \"{}\" instead of \"{}\"",
                got.inner.escape_ascii(),
                rest.escape_ascii()
            ),
        });
    }
    Ok(())
}

fn is_same(theirs: &AmpBox, ours: &AmpBox, free_description: bool, tags: &mut Tags) -> bool {
    let is_free = match theirs.get(protocol::ERROR_CODE.name()) {
        Some(UNKNOWN | UNHANDLED) => true,
        Some(_) => {
            let text = theirs.get(protocol::ERROR_DESCRIPTION.name());
            free_description && text == Some(b"(free text)")
        }
        None => false,
    };
    let is_call = theirs.contains_key(protocol::COMMAND.name());
    let same = |key: &[u8], theirs: &[u8]| {
        ours.get(key).is_some_and(|ours| {
            theirs == ours
                || (is_call && key == protocol::ASK.name())
                || (is_free && key == protocol::ERROR_DESCRIPTION.name())
        })
    };
    if theirs.len() != ours.len() || !theirs.iter().all(|(key, value)| same(key, value)) {
        return false;
    }
    let tag = protocol::ASK.name();
    if let (true, Some(theirs), Some(ours)) = (is_call, theirs.get(tag), ours.get(tag)) {
        tags.learn(theirs, ours);
    }
    true
}

fn show(shown: &AmpBox) -> String {
    let pairs = shown.iter().map(|(key, value)| {
        let start = &value[..value.len().min(60)];
        let (key, start) = (key.escape_ascii(), start.escape_ascii());
        match value.len() {
            length if length > 60 => format!("{key}={start}… ({length} bytes)"),
            _ => format!("{key}={start}"),
        }
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(" "))
}
