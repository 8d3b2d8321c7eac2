//! The peer's bytes, and the tags in them.

use std::cell::OnceCell;

use amp_rpc_core::wire::{BoxView, parse, protocol};

use crate::notation::Step;

/// Which tag of this side stands for which tag of Twisted's.
///
/// Twisted counts its calls; other tags are legal.
#[derive(Debug, Default)]
pub(super) struct Tags(Vec<(Vec<u8>, Vec<u8>)>);

impl Tags {
    /// A call of this side was written with the tag `ours`, where Twisted wrote `theirs`.
    pub(super) fn learn(&mut self, theirs: &[u8], ours: &[u8]) {
        self.0.push((theirs.to_vec(), ours.to_vec()));
    }

    /// What the peer, who answers Twisted, would write to this side.
    fn translate(&self, theirs: &[u8]) -> Vec<u8> {
        if let Some((_, ours)) = self.0.iter().rev().find(|(known, _)| known == theirs) {
            return ours.clone();
        }
        if self.0.iter().any(|(_, ours)| ours == theirs) {
            // Twisted never wrote this tag, so it must not mean a call of this side's either.
            return b"ffff".to_vec();
        }
        theirs.to_vec()
    }
}

/// What the peer sends in each step.
///
/// A box may come in pieces, in several steps: tags are found in the whole stream.
pub(super) struct Peer {
    stream: Vec<u8>,
    /// Where each step's bytes end.
    ends: Vec<usize>,
    edits: Vec<Edit>,
}

/// A tag in the stream: its length is at `at`, its bytes behind it.
struct Edit {
    at: usize,
    theirs: Vec<u8>,
    /// What stands there instead, decided when its length is sent.
    ours: OnceCell<Vec<u8>>,
}

impl Peer {
    pub(super) fn new(steps: &[Step]) -> Self {
        let mut stream = Vec::new();
        let mut ends = Vec::new();
        for step in steps {
            stream.extend_from_slice(step.recv.as_ref().map_or(&[], |hex| &hex.0));
            ends.push(stream.len());
        }
        let mut edits = Vec::new();
        let mut frames = parse(&stream);
        let mut at = 0;
        // What is no box is no answer either: it goes to another protocol, or closes.
        while let Some(Ok(view)) = frames.next() {
            find_tags(at, &view, &mut edits);
            at = frames.offset();
        }
        Self {
            stream,
            ends,
            edits,
        }
    }

    /// The bytes of a step, with the tags of this side's calls in place of Twisted's.
    pub(super) fn bytes(&self, step: usize, tags: &Tags) -> Vec<u8> {
        let begin = step.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut bytes = Vec::new();
        let mut at = begin;
        while at < self.ends[step] {
            let edit = self.edits.iter().find(|edit| edit.range().contains(&at));
            match edit {
                None => bytes.push(self.stream[at]),
                Some(edit) => edit.push(at, tags, &mut bytes),
            }
            at += 1;
        }
        bytes
    }
}

fn find_tags(mut at: usize, view: &BoxView<'_>, edits: &mut Vec<Edit>) {
    for (key, value) in view.iter() {
        at += 2 + key.len();
        if key == protocol::ANSWER.name() || key == protocol::ERROR.name() {
            edits.push(Edit {
                at,
                theirs: value.to_vec(),
                ours: OnceCell::new(),
            });
        }
        at += 2 + value.len();
    }
}

impl Edit {
    fn range(&self) -> std::ops::Range<usize> {
        self.at..self.at + 2 + self.theirs.len()
    }

    /// Appends what stands in place of the byte `at`. The whole tag comes with its last byte, so that
    /// nothing is complete earlier than it was.
    fn push(&self, at: usize, tags: &Tags, bytes: &mut Vec<u8>) {
        let ours = self.ours.get_or_init(|| tags.translate(&self.theirs));
        if at < self.at + 2 {
            bytes.push((ours.len() as u16).to_be_bytes()[at - self.at]);
        }
        if at + 1 == self.range().end {
            bytes.extend_from_slice(ours);
        }
    }
}
