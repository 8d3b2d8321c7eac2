//! Values to bytes and bytes to values, of one argument each.

use amp_rpc_core::conversation::{Compat, Descriptors};
use amp_rpc_core::dynamic::{DynamicFields, Value, Values};
use amp_rpc_core::schema::FieldSchema;
use amp_rpc_core::wire::{BoxView, BoxWriter, Limits, Name, parse};
use amp_rpc_core::{Argument as _, EncodeProblem, WriteFields};
use serde::Deserialize;

use crate::context::PlayContext;
use crate::notation::{Hex, Level, TypeNote, ValueNote, cases};
use crate::report::{FileReport, Verdict};
use crate::rules;
use crate::translate::{self, Unholdable};
use crate::typed_forms;

/// Plays one file.
pub fn play(name: &str, text: &[u8]) -> FileReport {
    cases(name, text, |case: &Case| {
        let problem = match judge(case) {
            Ok(()) => return Verdict::Passed,
            Err(problem) => problem,
        };
        match rules::of_type(case, &problem) {
            Some(rule) if case.level != Level::Core => Verdict::Excused(rule.name),
            _ => Verdict::Failed(problem.to_string()),
        }
    })
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "why")]
    _why: String,
    /// How binding it is.
    pub level: Level,
    /// What is done.
    pub op: Op,
    /// The type.
    #[serde(rename = "type")]
    pub ty: TypeNote,
    /// The value, where there is one.
    #[serde(default, deserialize_with = "present")]
    pub value: Option<ValueNote>,
    encoded: Option<Encoded>,
    ok: Option<bool>,
    #[serde(rename = "error")]
    _error: Option<String>,
    #[serde(rename = "range")]
    _range: Option<Range>,
    count: Option<usize>,
    received: Option<usize>,
    result: Option<Vec<Claim>>,
}

/// A member that is there has a value, be it JSON's null.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<ValueNote>, D::Error> {
    ValueNote::deserialize(from).map(Some)
}

/// What a case does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// A value gives bytes.
    Encode,
    /// Bytes give a value.
    Decode,
    /// Descriptors that are sent get ordinals.
    EncodeSeq,
    /// Descriptors that are received are claimed.
    DecodeSeq,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Encoded {
    One(Hex),
    Each(Vec<Hex>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Range {
    I64,
    U64,
    I128,
    U128,
    Big,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    ok: bool,
    ordinal: Option<u64>,
    #[serde(rename = "error")]
    _error: Option<String>,
}

/// How a case differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The value has no form in Rust.
    Unholdable(String),
    /// It was refused, and Twisted takes it.
    Refused(String),
    /// It was refused for its length, and Twisted takes it.
    TooLong(String),
    /// It was taken, and Twisted refuses it.
    Taken(String),
    /// Something else came out.
    Other(String),
    /// The case does not say what it should.
    Notation(String),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unholdable(what) => write!(f, "Rust cannot hold {what}"),
            Self::Refused(why) | Self::TooLong(why) => write!(f, "refused: {why}"),
            Self::Taken(what) => write!(f, "taken as {what}"),
            Self::Other(what) => f.write_str(what),
            Self::Notation(what) => write!(f, "the case has no {what}"),
        }
    }
}

fn judge(case: &Case) -> Result<(), Problem> {
    match case.op {
        Op::Encode => encode(case),
        Op::Decode => decode(case),
        Op::EncodeSeq => send_descriptors(case),
        Op::DecodeSeq => claim_descriptors(case),
    }
}

impl Case {
    fn ok(&self) -> Result<bool, Problem> {
        self.ok.ok_or_else(|| Problem::Notation("`ok`".into()))
    }

    fn bytes(&self) -> Result<&[u8], Problem> {
        match &self.encoded {
            Some(Encoded::One(bytes)) => Ok(&bytes.0),
            _ => Err(Problem::Notation("`encoded` as bytes".into())),
        }
    }

    fn each(&self) -> Result<&[Hex], Problem> {
        match &self.encoded {
            Some(Encoded::Each(all)) => Ok(all),
            _ => Err(Problem::Notation("`encoded` as a list".into())),
        }
    }

    fn value(&self) -> Result<&ValueNote, Problem> {
        let missing = || Problem::Notation("`value`".into());
        self.value.as_ref().ok_or_else(missing)
    }

    /// Twisted's way where there is a switch for it, ours otherwise.
    fn context(&self) -> PlayContext {
        PlayContext(match self.level {
            Level::Quirk => Compat::twisted(),
            _ => Compat::default(),
        })
    }
}

/// The name that the only field has.
const NAME: &[u8] = b"value";

fn schema(ty: &TypeNote, is_optional: bool) -> Result<Vec<FieldSchema>, Problem> {
    let name = Name::new(NAME).map_err(|why| Problem::Other(why.to_string()))?;
    let field = FieldSchema::new(name, translate::ty(ty).map_err(Problem::Notation)?);
    Ok(vec![if is_optional { field.optional() } else { field }])
}

fn encode(case: &Case) -> Result<(), Problem> {
    let wanted = if case.ok()? {
        Some(case.bytes()?)
    } else {
        None
    };
    let note = case.value()?;
    let value = match translate::value(note) {
        Ok(value) => value,
        Err(Unholdable(what)) if wanted.is_some() => return Err(Problem::Unholdable(what)),
        // What Rust cannot hold, it cannot send either.
        Err(_) => return Ok(()),
    };
    let got = encode_dynamic(case, value);
    compare_bytes(wanted, got)?;
    typed_forms::encode(&case.ty, note, wanted).map_err(Problem::Other)
}

fn encode_dynamic(case: &Case, value: Option<Value>) -> Result<Vec<u8>, Problem> {
    let schema = schema(&case.ty, value.is_none())?;
    let mut values = Values::new();
    if let Some(value) = value {
        values.insert(NAME, value);
    }
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
    DynamicFields::new(&schema, &values)
        .write_fields(&mut writer, &mut case.context())
        .and_then(|()| writer.finish())
        .map_err(|error| match error.problem() {
            EncodeProblem::ValueTooLong { .. } => Problem::TooLong(error.to_string()),
            _ => Problem::Refused(error.to_string()),
        })?;
    let value = only_box(&bytes)?.get(NAME);
    value
        .map(|value| value.to_vec())
        .ok_or_else(|| Problem::Other("nothing was written".into()))
}

fn compare_bytes(wanted: Option<&[u8]>, got: Result<Vec<u8>, Problem>) -> Result<(), Problem> {
    match (wanted, got) {
        (Some(wanted), Ok(got)) if wanted == got => Ok(()),
        (Some(_), Ok(got)) => Err(Problem::Other(format!("encoded as {}", got.escape_ascii()))),
        (None, Ok(got)) => Err(Problem::Taken(got.escape_ascii().to_string())),
        (Some(_), Err(problem)) => Err(problem),
        (None, Err(_)) => Ok(()),
    }
}

fn only_box(bytes: &[u8]) -> Result<BoxView<'_>, Problem> {
    let first = parse(bytes).next();
    first
        .ok_or_else(|| Problem::Other("there is no box".into()))?
        .map_err(|error| Problem::Other(error.to_string()))
}

fn decode(case: &Case) -> Result<(), Problem> {
    let wanted = if case.ok()? {
        Some(case.value()?)
    } else {
        None
    };
    let encoded = case.bytes()?;
    let schema = schema(&case.ty, false)?;
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
    writer
        .put(schema[0].name.key(), encoded)
        .and_then(|()| writer.finish())
        .map_err(|error| Problem::Other(error.to_string()))?;
    let view = only_box(&bytes)?;
    let got = Values::from_box(&schema, &view, &mut case.context());
    match (wanted, got) {
        (Some(wanted), Ok(values)) if translate::is_same(wanted, values.get(NAME)) => {}
        (Some(_), Ok(values)) => {
            return Err(Problem::Other(format!("decoded as {:?}", values.get(NAME))));
        }
        (Some(_), Err(error)) => return Err(Problem::Refused(error.to_string())),
        (None, Ok(values)) => return Err(Problem::Taken(format!("{:?}", values.get(NAME)))),
        (None, Err(_)) => {}
    }
    typed_forms::decode(&case.ty, wanted, &view, &mut case.context()).map_err(Problem::Other)
}

fn send_descriptors(case: &Case) -> Result<(), Problem> {
    let count = case
        .count
        .ok_or_else(|| Problem::Notation("`count`".into()))?;
    let mut descriptors = Descriptors::<()>::new();
    let mut got = Vec::new();
    for _ in 0..count {
        let ordinal = Value::Descriptor(descriptors.sent());
        got.push(encode_dynamic(case, Some(ordinal))?);
    }
    let wanted: Vec<_> = case.each()?.iter().map(|hex| hex.0.clone()).collect();
    if got == wanted {
        return Ok(());
    }
    Err(Problem::Other(format!("encoded as {got:?}")))
}

fn claim_descriptors(case: &Case) -> Result<(), Problem> {
    let received = case.received;
    let received = received.ok_or_else(|| Problem::Notation("`received`".into()))?;
    let result = case.result.as_deref();
    let result = result.ok_or_else(|| Problem::Notation("`result`".into()))?;
    let mut descriptors = Descriptors::new();
    (0..received).for_each(|number| descriptors.received(number as u64));
    for (encoded, wanted) in case.each()?.iter().zip(result) {
        let ordinal = u64::decode(amp_rpc_core::wire::RawValue::new(&encoded.0));
        let claimed = ordinal.ok().and_then(|ordinal| descriptors.claim(ordinal));
        if claimed.is_some() != wanted.ok || (wanted.ok && claimed != wanted.ordinal) {
            return Err(Problem::Other(format!("{encoded:?} gave {claimed:?}")));
        }
    }
    if case.each()?.len() != result.len() {
        return Err(Problem::Notation("result for each".into()));
    }
    Ok(())
}
