use super::metadata::Metadata;
use crate::wire::{BoxView, RawValue};

/// What a received box is, by the protocol's keys.
///
/// Where a box has several of them, `_answer` wins over `_error` wins over `_command`.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// The answer to an ask of this side.
    Answer {
        /// The tag of the ask.
        tag: RawValue<'a>,
    },
    /// An ask of this side failed.
    Error {
        /// The tag of the ask.
        tag: RawValue<'a>,
        /// The error's code; Twisted always sends one.
        code: Option<RawValue<'a>>,
        /// The error's description; Twisted always sends one.
        description: Option<RawValue<'a>>,
    },
    /// The peer calls a command.
    Ask {
        /// The tag to give back; without one the peer wants no answer.
        tag: Option<RawValue<'a>>,
        /// The name of the command.
        command: RawValue<'a>,
        /// What it brings besides its arguments.
        metadata: Metadata<'a>,
    },
}

impl<'a> Message<'a> {
    /// Tells what a box is; `None` where it has none of the protocol's keys, which ends the
    /// connection (Twisted's `NoEmptyBoxes`).
    #[inline]
    pub fn of(view: &BoxView<'a>) -> Option<Self> {
        // What nearly every box is. No other key of the protocol's follows, so nothing else can count.
        if let Some([tag, command]) = view.begins_with([b"\0\x04_ask", b"\0\x08_command"]) {
            return Some(Self::Ask {
                tag: Some(tag),
                command,
                metadata: Metadata::default(),
            });
        }
        if let Some([tag]) = view.begins_with([b"\0\x07_answer"]) {
            return Some(Self::Answer { tag });
        }
        Self::of_any(view)
    }

    fn of_any(view: &BoxView<'a>) -> Option<Self> {
        let (mut answer, mut error, mut code) = (None, None, None);
        let (mut description, mut command, mut ask) = (None, None, None);
        let mut metadata = Metadata::default();
        for (key, value) in view.iter() {
            if key[0] != b'_' {
                continue;
            }
            let place = match key {
                b"_command" => &mut command,
                b"_ask" => &mut ask,
                b"_answer" => &mut answer,
                b"_error" => &mut error,
                b"_error_code" => &mut code,
                b"_error_description" => &mut description,
                b"_deadline" => &mut metadata.deadline,
                b"_traceparent" => &mut metadata.traceparent,
                _ => continue,
            };
            *place = Some(value);
        }
        if let Some(tag) = answer {
            Some(Self::Answer { tag })
        } else if let Some(tag) = error {
            Some(Self::Error {
                tag,
                code,
                description,
            })
        } else {
            command.map(|command| Self::Ask {
                tag: ask,
                command,
                metadata,
            })
        }
    }
}
