//! What was called and answered, by the commands' schemas.

use std::collections::BTreeMap;
use std::io::Read as _;

use amp_rpc_core::conversation::{Message, UNHANDLED, UNKNOWN};
use amp_rpc_core::dynamic::{Value, Values};
use amp_rpc_core::wire;
use flate2::read::ZlibDecoder;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::index::digest;
use super::{Capture, Direction};

/// One call of the capture.
struct Call {
    command: Vec<u8>,
    /// The whole box.
    fields: amp_rpc_core::AmpBox,
    arguments: Values,
    outcome: Option<Outcome>,
}

enum Outcome {
    Answer(Values),
    Error { code: Vec<u8>, description: Vec<u8> },
}

/// Decodes everything, and checks what the manifest expects.
pub(super) fn facts(capture: &Capture) -> Result<(), String> {
    let calls = calls(capture)?;
    let Some(expected) = capture.manifest.expect.as_object() else {
        return Err("unknown notation: `expect` is no object".into());
    };
    for (what, facts) in expected {
        match what.as_str() {
            "calls" => expected_calls(facts, &calls)?,
            "results_in_order" => expected_results(facts, &calls)?,
            "messages" => expected_messages(facts, &calls)?,
            other => return Err(format!("unknown notation: `expect` of `{other}`")),
        }
    }
    Ok(())
}

/// All calls in the order in which they were made.
fn calls(capture: &Capture) -> Result<Vec<Call>, String> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open = BTreeMap::<(Direction, Vec<u8>), usize>::new();
    for indexed in &capture.manifest.boxes {
        let bytes = capture.bytes(indexed)?;
        let view = wire::parse(bytes).next().ok_or("an empty box")?;
        let view = view.map_err(|why| why.to_string())?;
        let mut take = |tag: &[u8]| {
            let found = open.remove(&(indexed.dir.back(), tag.to_vec()));
            found.ok_or_else(|| format!("an answer to no ask: {}", tag.escape_ascii()))
        };
        match Message::of(&view).ok_or("a box without protocol keys")? {
            Message::Ask { tag, command, .. } => {
                let arguments = capture.arguments(&command, &view);
                if let Some(tag) = tag {
                    open.insert((indexed.dir, tag.to_vec()), calls.len());
                }
                calls.push(Call {
                    command: command.to_vec(),
                    fields: view.to_owned(),
                    arguments: arguments.map_err(|why| why.to_string())?,
                    outcome: None,
                });
                continue;
            }
            Message::Answer { tag } => {
                let call = &mut calls[take(&tag)?];
                let answer = capture.response(&call.command, &view);
                call.outcome = Some(Outcome::Answer(answer.map_err(|why| why.to_string())?));
                is_command(indexed, call)?;
            }
            Message::Error {
                tag,
                code,
                description,
            } => {
                let call = &mut calls[take(&tag)?];
                let (code, description) = code.zip(description).ok_or("half an error")?;
                let schema = capture.schema(&call.command);
                let is_reserved = [UNKNOWN, UNHANDLED].contains(&&code[..]);
                let is_undeclared =
                    schema.is_some_and(|schema| schema.errors.by_code(&code).is_none());
                if is_undeclared && !is_reserved {
                    return Err(format!("the error {} is not declared", code.escape_ascii()));
                }
                call.outcome = Some(Outcome::Error {
                    code: code.to_vec(),
                    description: description.to_vec(),
                });
                is_command(indexed, call)?;
            }
        }
    }
    Ok(calls)
}

fn is_command(indexed: &super::Indexed, call: &Call) -> Result<(), String> {
    match &indexed.command {
        Some(name) if name.0 != call.command => Err(format!("an answer to {name:?}")),
        _ => Ok(()),
    }
}

/// `calls`: the members of each are arguments, fields of the answer, or the error.
fn expected_calls(facts: &Json, calls: &[Call]) -> Result<(), String> {
    let facts = Vec::<Map<String, Json>>::deserialize(facts).map_err(|why| why.to_string())?;
    if facts.len() != calls.len() {
        return Err(format!("{} calls instead of {}", calls.len(), facts.len()));
    }
    for (number, (wanted, call)) in facts.iter().zip(calls).enumerate() {
        for (name, wanted) in wanted {
            let wanted = wanted.clone();
            let got = match (name.as_str(), &call.outcome) {
                ("error", Some(Outcome::Error { code, .. })) => Some(text(code)),
                ("description", Some(Outcome::Error { description, .. })) => {
                    Some(String::from_utf8_lossy(description).into())
                }
                (name, Some(Outcome::Answer(answer))) if answer.get(name).is_some() => {
                    answer.get(name).and_then(plain)
                }
                (name, _) => call.arguments.get(name).and_then(plain),
            };
            if got.as_ref() != Some(&wanted) {
                return Err(format!(
                    "call {number}, {name}: {got:?} instead of {wanted}"
                ));
            }
        }
    }
    Ok(())
}

/// `results_in_order`: the commands that report a test's result, with the test's name.
fn expected_results(facts: &Json, calls: &[Call]) -> Result<(), String> {
    let wanted = Vec::<(String, String)>::deserialize(facts).map_err(|why| why.to_string())?;
    let results = calls.iter().filter_map(|call| {
        let name = call.arguments.get("testName").and_then(plain)?;
        Some((latin1(&call.command), name.as_str()?.to_owned()))
    });
    let got: Vec<_> = results.collect();
    if got == wanted {
        return Ok(());
    }
    Err(format!("results {got:?}"))
}

/// `messages`: values that are cut into pieces, each compressed for itself, under several keys.
fn expected_messages(facts: &Json, calls: &[Call]) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Message {
        bytes: usize,
        pieces: usize,
        sha256: String,
    }
    const KEY: &str = "packed_data";
    let wanted = Vec::<Message>::deserialize(facts).map_err(|why| why.to_string())?;
    let messages: Vec<&Call> = (calls.iter())
        .filter(|call| call.command == b"MsgPortal2Server")
        .collect();
    if messages.len() != wanted.len() {
        return Err(format!(
            "{} messages instead of {}",
            messages.len(),
            wanted.len()
        ));
    }
    for (call, wanted) in messages.iter().zip(wanted) {
        let keys = std::iter::once(KEY.to_owned()).chain((2..).map(|n| format!("{KEY}.{n}")));
        let (mut whole, mut pieces) = (Vec::new(), 0);
        for piece in keys.map_while(|key| call.fields.get(key)) {
            let inflated = ZlibDecoder::new(piece).read_to_end(&mut whole);
            inflated.map_err(|why| why.to_string())?;
            pieces += 1;
        }
        let got = (whole.len(), pieces, digest(&whole));
        if got != (wanted.bytes, wanted.pieces, wanted.sha256) {
            return Err(format!("a message of {got:?}"));
        }
    }
    Ok(())
}

/// A value as plain JSON: numbers, text, hex digits.
fn plain(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Integer(number) => i64::try_from(*number).ok()?.into(),
        Value::Unicode(text) => text.as_str().into(),
        Value::Boolean(value) => (*value).into(),
        Value::Float(number) => (*number).into(),
        Value::String(bytes) => format!("{:?}", HexOf(bytes)).into(),
        _ => return None,
    })
}

struct HexOf<'a>(&'a [u8]);

impl std::fmt::Debug for HexOf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn text(bytes: &[u8]) -> Json {
    latin1(bytes).into()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::HexOf;
    use crate::notation::Hex;

    #[test]
    fn hex_reads_back() {
        let bytes = [0, 0x7f, 0xff];
        assert_eq!(
            Hex::parse(&format!("{:?}", HexOf(&bytes))),
            Some(Hex(bytes.to_vec()))
        );
    }
}
