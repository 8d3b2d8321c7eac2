//! Values as the contract writes them in JSON.

use amp_rpc::dynamic::{Value, Values};
use amp_rpc::schema::{FieldSchema, Type};
use num_bigint::BigInt;
use serde_json::{Map, Value as Json};

/// Reads the fields of a command.
///
/// # Errors
///
/// What is wrong with which field.
pub fn read_fields(schema: &[FieldSchema], json: &Map<String, Json>) -> Result<Values, String> {
    let mut values = Values::new();
    for (name, json) in json {
        let field = schema
            .iter()
            .find(|field| field.name.as_bytes() == name.as_bytes())
            .ok_or_else(|| format!("there is no field {name}"))?;
        if !json.is_null() {
            let value = read(&field.ty, json).map_err(|why| format!("{name}: {why}"))?;
            values.insert(name.as_bytes(), value);
        }
    }
    Ok(values)
}

fn read(ty: &Type, json: &Json) -> Result<Value, String> {
    let text = || {
        json.as_str()
            .ok_or_else(|| format!("{ty} is a string in JSON"))
    };
    let list = || {
        json.as_array()
            .ok_or_else(|| format!("{ty} is an array in JSON"))
    };
    Ok(match ty {
        Type::Integer => Value::from(text()?.parse::<BigInt>().map_err(|e| e.to_string())?),
        Type::String => Value::String(read_hex(text()?)?.into()),
        Type::Unicode => Value::Unicode(text()?.to_owned()),
        Type::Path => Value::Path(text()?.to_owned()),
        Type::Float => Value::Float(text()?.parse().map_err(|_| "no number".to_owned())?),
        Type::Boolean => Value::Boolean(json.as_bool().ok_or("a Boolean is true or false")?),
        Type::Decimal => Value::Decimal(text()?.parse().map_err(|_| "no decimal".to_owned())?),
        Type::DateTime => Value::DateTime(text()?.parse().map_err(|_| "no time".to_owned())?),
        Type::ListOf(element) => {
            let items = list()?.iter().map(|item| read(element, item));
            Value::ListOf(items.collect::<Result<_, _>>()?)
        }
        Type::AmpList(schema) => {
            let rows = list()?.iter().map(|row| {
                let row = row.as_object().ok_or("a row is an object in JSON")?;
                read_fields(schema, row)
            });
            Value::AmpList(rows.collect::<Result<_, _>>()?)
        }
        other => return Err(format!("the contract has no {other}")),
    })
}

fn read_hex(text: &str) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16)
            .ok()
            .filter(|_| pair.len() == 2)
    });
    bytes
        .collect::<Option<_>>()
        .ok_or_else(|| "not pairs of hexadecimal digits".to_owned())
}

/// Writes the fields of an answer.
pub fn write_fields(values: Values) -> Map<String, Json> {
    let fields = values.into_iter();
    fields
        .map(|(name, value)| (latin1(&name), write(value)))
        .collect()
}

fn write(value: Value) -> Json {
    match value {
        Value::Integer(number) => number.to_string().into(),
        Value::BigInteger(number) => number.to_string().into(),
        Value::String(bytes) | Value::Custom(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            digits.into()
        }
        Value::Unicode(text) | Value::Path(text) => text.into(),
        Value::Float(number) if number.is_nan() => "nan".into(),
        Value::Float(number) => format!("{number:?}").into(),
        Value::Boolean(value) => value.into(),
        Value::Decimal(number) => number.to_string().into(),
        Value::DateTime(time) => time.to_string().into(),
        Value::ListOf(items) => items.into_iter().map(write).collect(),
        Value::AmpList(rows) => rows
            .into_iter()
            .map(|row| Json::Object(write_fields(row)))
            .collect(),
        _ => Json::Null,
    }
}

/// Bytes as the characters with their values.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
