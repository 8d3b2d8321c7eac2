//! Schemas and values of the notation as those of the library, and back for comparison.

use amp_rpc_core::argument::{DateTime, Decimal, DecimalParts};
use amp_rpc_core::dynamic::{Value, Values};
use amp_rpc_core::schema::{CommandKind, CommandSchema, ErrorSchema, FieldSchema, Type};
use amp_rpc_core::wire;
use num_bigint::BigInt;

use crate::notation::{
    CommandNote, DateTimeNote, DecimalNote, FieldNote, Kind, Name, Offset, Ordered, Text, TypeNote,
    ValueNote,
};

/// The error that stands for all errors.
pub(crate) const ANY: &str = "*";

/// A command's schema.
pub(crate) fn command(note: &CommandNote) -> Result<CommandSchema, String> {
    let kind = match (note.kind, note.closes_after_answer) {
        (Kind::Command, false) => CommandKind::Plain,
        (Kind::Command, true) => CommandKind::ClosesAfterAnswer,
        (Kind::ProtocolSwitch, false) => CommandKind::ProtocolSwitch,
        (Kind::StartTls, false) => CommandKind::StartTls,
        (kind, true) => return Err(format!("a command of kind {kind:?} that closes")),
    };
    Ok(CommandSchema::new(&note.name.0)
        .kind(kind)
        .wants_answer(note.requires_answer.unwrap_or(true))
        .arguments(fields(&note.arguments)?)
        .response(fields(&note.response)?)
        .errors(errors(&note.errors, &note.fatal_errors)))
}

/// The errors of a command. As in a Python dictionary, a label that is declared twice keeps its place
/// and takes the later code.
pub(crate) fn errors(
    plain: &Ordered<String, Name>,
    fatal: &Ordered<String, Name>,
) -> Vec<ErrorSchema> {
    let mut all: Vec<ErrorSchema> = Vec::new();
    let plain = plain.iter().map(|pair| (pair, false));
    for ((label, code), is_fatal) in plain.chain(fatal.iter().map(|pair| (pair, true))) {
        let mut schema = ErrorSchema::new(label, &code.0);
        if is_fatal {
            schema = schema.fatal();
        }
        if label == ANY {
            schema = schema.catch_all();
        }
        match all.iter_mut().find(|known| *known.label == **label) {
            Some(known) => *known = schema,
            None => all.push(schema),
        }
    }
    all
}

/// Fields of a command.
pub(crate) fn fields(notes: &[FieldNote]) -> Result<Vec<FieldSchema>, String> {
    let field = |note: &FieldNote| {
        let name =
            wire::Name::new(&note.name.0).map_err(|why| format!("{:?}: {why}", note.name))?;
        let field = FieldSchema::new(name, ty(&note.ty)?);
        Ok(if note.optional {
            field.optional()
        } else {
            field
        })
    };
    notes.iter().map(field).collect()
}

/// A type.
pub(crate) fn ty(note: &TypeNote) -> Result<Type, String> {
    Ok(match note {
        TypeNote::Plain(name) => match name.as_str() {
            "Integer" => Type::Integer,
            "String" => Type::String,
            "Unicode" => Type::Unicode,
            "Float" => Type::Float,
            "Boolean" => Type::Boolean,
            "Path" => Type::Path,
            "Decimal" => Type::Decimal,
            "DateTime" => Type::DateTime,
            "Descriptor" => Type::Descriptor,
            _ => return Err(format!("the type {name}")),
        },
        TypeNote::ListOf(element) => Type::ListOf(ty(element)?.into()),
        TypeNote::AmpList(notes) => {
            Type::AmpList(amp_rpc_core::Shared::Counted(fields(notes)?.into()))
        }
    })
}

/// A value that Rust's types cannot hold, so that nobody can send it: which, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unholdable(pub(crate) String);

/// A value; `None` where it is absent.
pub(crate) fn value(note: &ValueNote) -> Result<Option<Value>, Unholdable> {
    Ok(Some(match note {
        ValueNote::Absent => return Ok(None),
        ValueNote::Integer(digits) => {
            let number: BigInt = digits.parse().map_err(|_| Unholdable(digits.clone()))?;
            Value::from(number)
        }
        ValueNote::String(bytes) => Value::from(bytes.clone()),
        ValueNote::Unicode(Text::Text(text)) => Value::from(text.as_str()),
        ValueNote::Unicode(Text::Surrogates(_)) => {
            return Err(Unholdable("text with lone surrogates".into()));
        }
        ValueNote::Float(number) => Value::from(*number),
        ValueNote::Boolean(value) => Value::from(*value),
        ValueNote::Path(path) => Value::Path(path.clone()),
        ValueNote::Decimal(note) => Value::from(decimal(note)?),
        ValueNote::DateTime(note) => Value::from(date_time(note)?),
        ValueNote::ListOf(notes) => {
            let items = notes.iter().map(|note| {
                value(note)?.ok_or_else(|| Unholdable("an element that is absent".into()))
            });
            Value::ListOf(items.collect::<Result<_, _>>()?)
        }
        ValueNote::AmpList(rows) => {
            Value::AmpList(rows.iter().map(values).collect::<Result<_, _>>()?)
        }
    }))
}

/// Fields with their values; absent ones are left out.
pub(crate) fn values(notes: &Ordered<Name, ValueNote>) -> Result<Values, Unholdable> {
    let mut all = Values::new();
    for (name, note) in notes.iter() {
        if let Some(value) = value(note)? {
            all.insert(name.0.clone(), value);
        }
    }
    Ok(all)
}

/// A decimal number.
pub(crate) fn decimal(note: &DecimalNote) -> Result<Decimal, Unholdable> {
    let negative = note.sign == 1;
    let payload = note.payload.as_deref().unwrap_or("");
    let made = match (&note.digits, note.exponent, note.special.as_deref()) {
        (Some(digits), Some(exponent), None) => Decimal::finite(negative, digits, exponent),
        (None, None, Some("Infinity")) => Ok(Decimal::infinity(negative)),
        (None, None, Some("NaN")) => Decimal::nan(negative, payload),
        (None, None, Some("sNaN")) => Decimal::signaling_nan(negative, payload),
        _ => return Err(Unholdable(format!("{note:?}"))),
    };
    made.map_err(|why| Unholdable(format!("{note:?}: {why}")))
}

/// A point in time.
fn date_time(note: &DateTimeNote) -> Result<DateTime, Unholdable> {
    let time = DateTime::new(note.year, note.month, note.day)
        .and_then(|date| date.with_time(note.hour, note.minute, note.second, note.microsecond));
    let time = time.and_then(|time| match note.offset {
        Offset::Minutes(minutes) => {
            // Too many for the type are too many for any offset.
            time.with_offset_minutes(minutes.try_into().unwrap_or(i16::MAX))
        }
        Offset::Seconds(seconds) => time.with_offset_seconds(seconds),
        Offset::None => Ok(time),
    });
    if note.offset == Offset::None {
        return Err(Unholdable("a time without an offset".into()));
    }
    time.map_err(|why| Unholdable(format!("{note:?}: {why}")))
}

/// Whether a decoded value is the noted one, part by part: `==` on Rust's values forgives more.
pub(crate) fn is_same(note: &ValueNote, value: Option<&Value>) -> bool {
    match (note, value) {
        (ValueNote::Absent, None) => true,
        (ValueNote::Float(wanted), Some(Value::Float(got))) => {
            wanted.to_bits() == got.to_bits() || (wanted.is_nan() && got.is_nan())
        }
        (ValueNote::Decimal(wanted), Some(Value::Decimal(got))) => {
            decimal(wanted).is_ok_and(|wanted| is_same_decimal(&wanted, got))
        }
        (ValueNote::ListOf(notes), Some(Value::ListOf(items))) => {
            notes.len() == items.len()
                && notes
                    .iter()
                    .zip(items)
                    .all(|(note, item)| is_same(note, Some(item)))
        }
        (ValueNote::AmpList(notes), Some(Value::AmpList(rows))) => {
            notes.len() == rows.len()
                && notes
                    .iter()
                    .zip(rows)
                    .all(|(note, row)| are_same(note, row))
        }
        (note, Some(got)) => self::value(note) == Ok(Some(got.clone())),
        (_, None) => false,
    }
}

fn is_same_decimal(wanted: &Decimal, got: &Decimal) -> bool {
    let parts: (DecimalParts<'_>, DecimalParts<'_>) = (wanted.parts(), got.parts());
    wanted.is_negative() == got.is_negative() && parts.0 == parts.1
}

/// The same for all fields of a box.
pub(crate) fn are_same(notes: &Ordered<Name, ValueNote>, values: &Values) -> bool {
    let present = notes
        .iter()
        .filter(|(_, note)| !matches!(note, ValueNote::Absent));
    present.count() == values.len()
        && notes
            .iter()
            .all(|(name, note)| is_same(note, values.get(&name.0)))
}
