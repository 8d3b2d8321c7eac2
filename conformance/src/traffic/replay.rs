//! Each side of the capture as a conversation: it gets what that side received, makes the calls and
//! gives the answers that it made and gave, and has to write the same boxes.

use std::collections::BTreeMap;

use amp_rpc_core::conversation::{Ask, Compat, Conversation, Event, Outcome, OwnCall};
use amp_rpc_core::schema::{CommandKind, Errors};
use amp_rpc_core::wire::{self, Limits, protocol};
use amp_rpc_core::{AmpBox, Context, NoContext, RemoteError, Shared};

use super::{Capture, Direction, Indexed};

/// Replays both sides.
pub(super) fn sides(capture: &Capture) -> Result<(), String> {
    for sends in Direction::BOTH {
        replay(capture, sends).map_err(|why| format!("the side that sends {sends:?}: {why}"))?;
    }
    Ok(())
}

/// One side, which sends in the direction `sends`.
fn replay(capture: &Capture, sends: Direction) -> Result<(), String> {
    let mut side = Side {
        conversation: Conversation::new(Compat::twisted(), Limits::default()),
        asks: BTreeMap::new(),
        tags: BTreeMap::new(),
    };
    for indexed in &capture.manifest.boxes {
        let at = |why| format!("the box at {} of {:?}: {why}", indexed.offset, indexed.dir);
        if indexed.dir == sends {
            side.send(capture, indexed).map_err(at)?;
        } else {
            side.receive(capture, indexed).map_err(at)?;
        }
    }
    let pending = side.conversation.end().len();
    match pending + side.asks.len() {
        0 => Ok(()),
        left => Err(format!("{left} calls never ended")),
    }
}

struct Side<'a> {
    conversation: Conversation<&'a [u8]>,
    /// The peer's asks that are not answered yet, by their tags.
    asks: BTreeMap<Vec<u8>, Ask>,
    /// The capture's tags of this side's calls, and the conversation's.
    tags: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl<'a> Side<'a> {
    /// Writes what this side wrote, and compares.
    fn send(&mut self, capture: &'a Capture, indexed: &'a Indexed) -> Result<(), String> {
        let mut wanted = capture.amp_box(indexed)?;
        let mut out = Vec::new();
        let mut fields = wanted.clone();
        for key in protocol::KEYS {
            fields.remove(key.name());
        }
        let text = |key: &str| indexed.protocol.get(key).map(|name| &name.0[..]);
        if let Some(command) = text("_command") {
            let call = OwnCall {
                command: Shared::Counted(command.into()),
                kind: CommandKind::Plain,
                fields: Box::new(fields),
                data: text("_ask").map(|_| command),
            };
            let id = self.conversation.call(call, &mut out, &mut NoContext);
            let id = id.map_err(|(_, why)| format!("refused: {why:?}"))?;
            if let (Some(id), Some(tag)) = (id, text("_ask")) {
                let own = id.tag().as_bytes().to_vec();
                wanted.insert("_ask", own.clone());
                self.tags.insert(tag.to_vec(), own);
            }
        } else {
            let tag = text("_answer").or_else(|| text("_error"));
            let tag = tag.ok_or("no protocol keys")?;
            let ask = self.asks.remove(tag).ok_or("an answer to no ask")?;
            let error = text("_error_code").map(|code| {
                let description = wanted.get("_error_description").unwrap_or_default();
                RemoteError::new(code, String::from_utf8_lossy(description))
            });
            let outcome = match &error {
                Some(error) => Outcome::Remote(error),
                None => Outcome::Answered(&fields),
            };
            let replied =
                (self.conversation).reply(&ask, Errors::NONE, outcome, &mut out, &mut NoContext);
            if replied.boundary.is_some() || replied.fault.is_some() {
                return Err(format!("{replied:?}"));
            }
        }
        let wrote: Result<Vec<AmpBox>, _> = wire::parse(&out)
            .map(|view| view.map(|view| view.to_owned()))
            .collect();
        match wrote {
            Ok(boxes) if boxes == [wanted] => Ok(()),
            other => Err(format!("wrote {other:?}")),
        }
    }

    /// Receives what this side received.
    fn receive(&mut self, capture: &'a Capture, indexed: &Indexed) -> Result<(), String> {
        let mut message = capture.amp_box(indexed)?;
        for key in ["_answer", "_error"] {
            if let Some(tag) = message.get(key) {
                let own = self.tags.remove(tag).ok_or("an answer to no call")?;
                message.insert(key, own);
            }
        }
        let bytes = message.to_bytes().map_err(|why| why.to_string())?;
        let mut out = Vec::new();
        let event = self.conversation.receive(&bytes, &mut out, &mut NoContext);
        let (length, event) = event.ok_or("nothing came of it")?;
        if length != bytes.len() || !out.is_empty() {
            return Err("not the whole box".into());
        }
        match event {
            Event::Ask {
                tag,
                command,
                fields,
            } => {
                let name = command.to_vec();
                let kind = capture
                    .schema(&name)
                    .map_or(CommandKind::Plain, |schema| schema.kind);
                let read =
                    |view: &wire::BoxView<'_>, _: &mut dyn Context| capture.arguments(&name, view);
                let event = (tag, &command[..], &fields);
                let (ask, _) = self
                    .conversation
                    .accept(event, Some(kind), read, &mut out, &mut NoContext)
                    .map_err(|replied| format!("{replied:?}"))?;
                if let Some(tag) = &ask.tag {
                    self.asks.insert(tag.as_bytes().to_vec(), ask);
                }
                Ok(())
            }
            Event::Answered { data, fields, .. } => {
                let answer = capture.response(data, &fields);
                answer.map(|_| ()).map_err(|why| why.to_string())
            }
            Event::Failed { error: Some(_), .. } => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }
}
