//! Both directions of a real program's connection.

mod expect;
mod index;
mod replay;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use amp_rpc_core::dynamic::Values;
use amp_rpc_core::schema::{CommandSchema, FieldSchema, Type};
use amp_rpc_core::wire::{self, BoxView};
use amp_rpc_core::{AmpBox, DecodeError, NoContext};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::notation::{FieldNote, Level, Name, Ordered};
use crate::report::{FileReport, Verdict};
use crate::translate;

/// Plays one capture: a folder with a manifest and the two streams.
pub fn play(folder: &Path) -> FileReport {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let mut report = FileReport::new(format!("real_traffic/{name}"));
    let capture = match Capture::read(folder) {
        Ok(capture) => capture,
        Err(why) => return FileReport::broken(report.name, why),
    };
    let checks: [(&str, Check); 4] = [
        ("the streams are what the manifest says", index::streams),
        ("each box is the indexed one, however cut", index::boxes),
        ("what was called and answered", expect::facts),
        (
            "each side's boxes come out of a conversation",
            replay::sides,
        ),
    ];
    for (what, check) in checks {
        let verdict = match check(&capture) {
            Ok(()) => Verdict::Passed,
            Err(why) => Verdict::Failed(why),
        };
        report.add(Level::Core, format!("{name}: {what}"), verdict);
    }
    report
}

/// One thing that is looked at.
type Check = fn(&Capture) -> Result<(), String>;

/// One direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Ab,
    Ba,
}

impl Direction {
    const BOTH: [Self; 2] = [Self::Ab, Self::Ba];

    fn back(self) -> Self {
        match self {
            Self::Ab => Self::Ba,
            Self::Ba => Self::Ab,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(rename = "about")]
    _about: Json,
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "what")]
    _what: String,
    #[serde(rename = "sides")]
    _sides: Json,
    #[serde(rename = "notes")]
    _notes: Json,
    counts: BTreeMap<Direction, Count>,
    commands: Ordered<Name, Command>,
    expect: Json,
    events: Vec<(Direction, usize, usize)>,
    boxes: Vec<Indexed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    bytes: usize,
    boxes: usize,
    requests: BTreeMap<Name, usize>,
    answers: usize,
    errors: BTreeMap<Name, usize>,
    unfinished_bytes_at_end: usize,
    sha256: String,
}

/// What else a box has in the index are the texts of its protocol keys; any other member would be
/// missed in the box.
#[derive(Debug, Deserialize)]
struct Indexed {
    dir: Direction,
    offset: usize,
    length: usize,
    keys: Vec<(Name, usize)>,
    /// The command of an answer's or error's request.
    command: Option<Name>,
    #[serde(flatten)]
    protocol: BTreeMap<String, Name>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    arguments: Vec<Field>,
    response: Vec<Field>,
    #[serde(default)]
    errors: Ordered<String, Name>,
    #[serde(default)]
    fatal_errors: Ordered<String, Name>,
    requires_answer: Option<bool>,
}

/// A field, of a type that Twisted has or of the application's own.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Field {
    Known(FieldNote),
    Custom(CustomField),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomField {
    name: Name,
    #[serde(rename = "type")]
    ty: CustomType,
    #[serde(rename = "custom")]
    _custom: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CustomType {
    Custom,
}

/// A capture, with its boxes taken apart.
struct Capture {
    manifest: Manifest,
    streams: BTreeMap<Direction, Vec<u8>>,
    schemas: BTreeMap<Vec<u8>, CommandSchema>,
}

impl Capture {
    fn read(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| fs::read(folder.join(name)).map_err(|why| format!("{name}: {why}"));
        let manifest: Manifest = serde_json::from_slice(&read("manifest.json")?)
            .map_err(|why| format!("manifest.json: {why}"))?;
        let schemas = manifest.commands.iter();
        let schemas = schemas.map(|(name, command)| Ok((name.0.clone(), schema(name, command)?)));
        Ok(Self {
            schemas: schemas.collect::<Result<_, String>>()?,
            streams: BTreeMap::from([
                (Direction::Ab, read("a_to_b.bin")?),
                (Direction::Ba, read("b_to_a.bin")?),
            ]),
            manifest,
        })
    }

    fn stream(&self, direction: Direction) -> &[u8] {
        self.streams.get(&direction).map_or(&[], |bytes| &bytes[..])
    }

    /// The schema of a command, where the manifest knows it.
    fn schema(&self, command: &[u8]) -> Option<&CommandSchema> {
        self.schemas.get(command)
    }

    /// Reads the arguments of a command; nothing of one that the manifest does not know.
    fn arguments(&self, command: &[u8], view: &BoxView<'_>) -> Result<Values, DecodeError> {
        self.schema(command).map_or_else(
            || Ok(Values::new()),
            |schema| Values::from_box(&schema.arguments, view, &mut NoContext),
        )
    }

    /// Reads the answer to a command; nothing of one that the manifest does not know.
    fn response(&self, command: &[u8], view: &BoxView<'_>) -> Result<Values, DecodeError> {
        self.schema(command).map_or_else(
            || Ok(Values::new()),
            |schema| Values::from_box(&schema.response, view, &mut NoContext),
        )
    }

    /// The bytes of an indexed box.
    fn bytes(&self, indexed: &Indexed) -> Result<&[u8], String> {
        let end = indexed.offset.saturating_add(indexed.length);
        let bytes = self.stream(indexed.dir).get(indexed.offset..end);
        bytes.ok_or_else(|| format!("a box at {} lies outside its stream", indexed.offset))
    }

    fn amp_box(&self, indexed: &Indexed) -> Result<AmpBox, String> {
        let view = wire::parse(self.bytes(indexed)?).next();
        let view = view.ok_or("an empty box")?.map_err(|why| why.to_string())?;
        Ok(view.to_owned())
    }
}

fn schema(name: &Name, command: &Command) -> Result<CommandSchema, String> {
    let fields =
        |all: &[Field]| -> Result<Vec<FieldSchema>, String> { all.iter().map(field).collect() };
    Ok(CommandSchema::new(&name.0)
        .arguments(fields(&command.arguments)?)
        .response(fields(&command.response)?)
        .errors(translate::errors(&command.errors, &command.fatal_errors))
        .wants_answer(command.requires_answer.unwrap_or(true)))
}

fn field(field: &Field) -> Result<FieldSchema, String> {
    match field {
        Field::Known(note) => {
            let mut fields = translate::fields(std::slice::from_ref(note))?;
            fields.pop().ok_or_else(|| "no field".into())
        }
        Field::Custom(CustomField { name, ty, .. }) => {
            let CustomType::Custom = ty;
            let name = wire::Name::new(&name.0).map_err(|why| why.to_string())?;
            let custom = Type::Custom(amp_rpc_core::Shared::Static("custom"));
            Ok(FieldSchema::new(name, custom))
        }
    }
}
