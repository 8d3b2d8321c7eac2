//! The Rust types that can hold a value, each of which is played as well.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use amp_rpc_core::argument::{DateTime, Decimal, Source};
use amp_rpc_core::dynamic::{Value, Values};
use amp_rpc_core::wire::{BoxView, BoxWriter, Key, Limits, parse};
use amp_rpc_core::{Context, Field, Item, NoContext};
use amp_rpc_macros::Fields;
use bytes::Bytes;
use num_bigint::{BigInt, BigUint};

use crate::notation::{TypeNote, ValueNote};
use crate::translate;

const KEY: Key<'static> = Key::from_prefixed(b"\0\x05value");

/// A Rust type as one form of a dynamic value.
trait Form: Field {
    /// The value in this form; `None` where the form cannot hold it.
    fn of(value: &Value) -> Option<Self>;

    /// The form as a value again.
    fn into_value(self) -> Value;
}

type Encode = fn(&Value) -> Option<Result<Vec<u8>, String>>;
type Decode = fn(&BoxView<'_>, &mut dyn Context) -> Result<Value, String>;

/// One form, with its type erased.
struct Player {
    name: &'static str,
    holds: fn(&Value) -> bool,
    encode: Encode,
    decode: Decode,
}

fn player<T: Form>() -> Player {
    Player {
        name: std::any::type_name::<T>(),
        holds: |value| T::of(value).is_some(),
        encode: |value| T::of(value).map(|form| encode_field(&form)),
        decode: |view, cx| {
            let source = Source::new(KEY, view.get(KEY.name()), view);
            let decoded = T::from_box(source, cx);
            decoded
                .map(T::into_value)
                .map_err(|error| error.to_string())
        },
    }
}

/// A form, and the same as an optional argument.
fn both<T: Form>() -> [Player; 2]
where
    Option<T>: Form,
{
    [player::<T>(), player::<Option<T>>()]
}

fn encode_field(field: &impl Field) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
    field
        .to_box(KEY, &mut writer, &mut NoContext)
        .and_then(|()| writer.finish())
        .map_err(|error| error.to_string())?;
    let view = parse(&bytes).next().ok_or("there is no box")?;
    let view = view.map_err(|error| error.to_string())?;
    let value = view.get(KEY.name()).ok_or("nothing was written")?;
    Ok(value.to_vec())
}

/// Encodes a value in each form that can hold it.
pub(crate) fn encode(ty: &TypeNote, note: &ValueNote, wanted: Option<&[u8]>) -> Result<(), String> {
    let Ok(Some(value)) = translate::value(note) else {
        return Ok(());
    };
    for player in players(ty) {
        let Some(got) = (player.encode)(&value) else {
            continue;
        };
        if got.as_deref().ok() != wanted {
            return Err(format!("encoded as {got:?} by {}", player.name));
        }
    }
    Ok(())
}

/// Decodes a value in each form: those that can hold it give it, the others refuse it.
pub(crate) fn decode(
    ty: &TypeNote,
    wanted: Option<&ValueNote>,
    view: &BoxView<'_>,
    cx: &mut dyn Context,
) -> Result<(), String> {
    let value = wanted.map(translate::value).transpose();
    let value = value.map_err(|why| format!("{why:?}"))?.flatten();
    for player in players(ty) {
        let got = (player.decode)(view, cx);
        let fits = match (&value, &got, wanted) {
            (Some(value), Ok(got), Some(wanted)) => {
                (player.holds)(value) && translate::is_same(wanted, Some(got))
            }
            (Some(value), Err(_), _) => !(player.holds)(value),
            (None, got, _) => got.is_err(),
            (Some(_), Ok(_), None) => false,
        };
        // A number is rounded to the nearest f32: it need not be the same.
        let is_rounded = player.name.contains("f32") && got.is_ok() && value.is_some();
        if !fits && !is_rounded {
            return Err(format!("decoded as {got:?} by {}", player.name));
        }
    }
    Ok(())
}

macro_rules! players {
    ($($form:ty),* $(,)?) => {{
        let mut players = Vec::new();
        $(players.extend(both::<$form>());)*
        players
    }};
}

fn players(ty: &TypeNote) -> Vec<Player> {
    match ty {
        TypeNote::Plain(name) => match name.as_str() {
            "Integer" => players![
                i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, BigInt, BigUint
            ],
            "String" => players![Vec<u8>, Bytes, [u8; 0], [u8; 1], [u8; 4], [u8; 5]],
            "Unicode" => players![String, Box<str>, Arc<str>, Cow<'static, str>, char],
            "Float" => players![f64, f32],
            "Boolean" => players![bool],
            "Path" => players![PathBuf],
            "Decimal" => players![Decimal],
            "DateTime" => players![
                DateTime,
                chrono::DateTime<chrono::FixedOffset>,
                time::OffsetDateTime,
                jiff::ZonedDateTime
            ],
            _ => Vec::new(),
        },
        TypeNote::ListOf(element) => match &**element {
            TypeNote::Plain(name) => match name.as_str() {
                "Integer" => players![
                    Vec<i64>,
                    Vec<i128>,
                    Vec<BigInt>,
                    VecDeque<BigInt>,
                    Box<[BigInt]>,
                    Arc<[BigInt]>
                ],
                "String" => players![Vec<Vec<u8>>, Vec<Bytes>, VecDeque<Bytes>],
                "Unicode" => players![Vec<String>, Box<[String]>, Vec<Arc<str>>],
                "Float" => players![Vec<f64>, Arc<[f64]>],
                "Boolean" => players![Vec<bool>],
                "Path" => players![Vec<PathBuf>],
                "Decimal" => players![Vec<Decimal>],
                "DateTime" => players![Vec<DateTime>],
                _ => Vec::new(),
            },
            TypeNote::ListOf(inner) => match &**inner {
                TypeNote::Plain(name) if name == "Integer" => players![Vec<Vec<BigInt>>],
                TypeNote::Plain(name) if name == "Unicode" => players![Vec<Vec<String>>],
                _ => Vec::new(),
            },
            TypeNote::AmpList(_) => Vec::new(),
        },
        TypeNote::AmpList(_) => {
            let Ok(ty) = translate::ty(ty) else {
                return Vec::new();
            };
            // The rows that the vectors have most; the others are played as dynamic values alone.
            macro_rules! rows {
                ($($row:ty),*) => {
                    $(if ty == *<$row as Item>::LIST_TYPE {
                        return players![Vec<$row>, VecDeque<$row>];
                    })*
                };
            }
            rows!(Pair, Point, Lists, Rows, Mixed, Text);
            Vec::new()
        }
    }
}

macro_rules! forms {
    ($($form:ty: $value:pat => $of:expr, $self:ident => $into:expr;)*) => {$(
        impl Form for $form {
            fn of(value: &Value) -> Option<Self> {
                match value {
                    $value => $of,
                    _ => None,
                }
            }

            fn into_value($self) -> Value {
                $into
            }
        }
    )*};
}

macro_rules! integers {
    ($($int:ty),*) => {$(
        impl Form for $int {
            fn of(value: &Value) -> Option<Self> {
                match value {
                    Value::Integer(number) => (*number).try_into().ok(),
                    Value::BigInteger(number) => number.try_into().ok(),
                    _ => None,
                }
            }

            fn into_value(self) -> Value {
                Value::from(BigInt::from(self))
            }
        }
    )*};
}

integers!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

fn big(value: &Value) -> Option<BigInt> {
    match value {
        Value::Integer(number) => Some((*number).into()),
        Value::BigInteger(number) => Some(number.clone()),
        _ => None,
    }
}

impl Form for BigInt {
    fn of(value: &Value) -> Option<Self> {
        big(value)
    }

    fn into_value(self) -> Value {
        self.into()
    }
}

impl Form for BigUint {
    fn of(value: &Value) -> Option<Self> {
        big(value)?.try_into().ok()
    }

    fn into_value(self) -> Value {
        BigInt::from(self).into()
    }
}

forms! {
    Vec<u8>: Value::String(bytes) => Some(bytes.to_vec()), self => self.into();
    Bytes: Value::String(bytes) => Some(bytes.clone()), self => self.into();
    String: Value::Unicode(text) => Some(text.clone()), self => self.into();
    Box<str>: Value::Unicode(text) => Some(text.as_str().into()), self => (*self).into();
    Arc<str>: Value::Unicode(text) => Some(text.as_str().into()), self => (*self).into();
    Cow<'static, str>: Value::Unicode(text) => Some(text.clone().into()), self => (*self).into();
    f64: Value::Float(number) => Some(*number), self => self.into();
    bool: Value::Boolean(value) => Some(*value), self => self.into();
    Decimal: Value::Decimal(number) => Some(number.clone()), self => self.into();
    DateTime: Value::DateTime(time) => Some(*time), self => self.into();
    char: Value::Unicode(text) => {
        let mut characters = text.chars();
        characters.next().filter(|_| characters.next().is_none())
    }, self => self.to_string().into();
    f32: Value::Float(number) => {
        let narrow = *number as Self;
        (f64::from(narrow).to_bits() == number.to_bits()).then_some(narrow)
    }, self => f64::from(self).into();
    PathBuf: Value::Path(path) => Some(path.into()), self => {
        Value::Path(self.to_string_lossy().into_owned())
    };
}

/// Types of other crates, which convert to the crate's own and back.
macro_rules! foreign {
    ($($form:ty: $variant:ident($own:ty);)*) => {$(
        impl Form for $form {
            fn of(value: &Value) -> Option<Self> {
                match value {
                    Value::$variant(own) => Self::try_from(own.clone()).ok(),
                    _ => None,
                }
            }

            fn into_value(self) -> Value {
                let own = <$own>::try_from(self);
                own.map_or(Value::Custom(Bytes::new()), Value::from)
            }
        }
    )*};
}

foreign! {
    chrono::DateTime<chrono::FixedOffset>: DateTime(DateTime);
    time::OffsetDateTime: DateTime(DateTime);
    jiff::ZonedDateTime: DateTime(DateTime);
}

impl<const N: usize> Form for [u8; N] {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(bytes) => (**bytes).try_into().ok(),
            _ => None,
        }
    }

    fn into_value(self) -> Value {
        self.to_vec().into()
    }
}

/// What a list has in it. A list of bytes is no list.
trait Element: Item {
    fn of(value: &Value) -> Option<Self>;
    fn into_value(self) -> Value;
}

macro_rules! elements {
    ($($element:ty),*) => {$(
        impl Element for $element {
            fn of(value: &Value) -> Option<Self> {
                Form::of(value)
            }

            fn into_value(self) -> Value {
                Form::into_value(self)
            }
        }
    )*};
}

elements!(
    i64,
    i128,
    BigInt,
    Vec<u8>,
    Bytes,
    String,
    Arc<str>,
    f64,
    bool,
    PathBuf,
    Decimal,
    DateTime
);

macro_rules! nested {
    ($($element:ty),*) => {$(
        impl Element for Vec<$element> {
            fn of(value: &Value) -> Option<Self> {
                Form::of(value)
            }

            fn into_value(self) -> Value {
                Form::into_value(self)
            }
        }
    )*};
}

nested!(BigInt, String);

macro_rules! lists {
    ($($list:ident<$($element:ty),*>;)*) => {$($(
        impl Form for $list<$element> {
            fn of(value: &Value) -> Option<Self> {
                let Value::ListOf(items) = value else {
                    return None;
                };
                items.iter().map(<$element as Element>::of).collect()
            }

            fn into_value(self) -> Value {
                Value::ListOf(self.into_iter().map(Element::into_value).collect())
            }
        }
    )*)*};
}

lists! {
    Vec<i64, i128, BigInt, Vec<u8>, Bytes, String, Arc<str>, f64, bool, PathBuf, Decimal, DateTime,
        Vec<BigInt>, Vec<String>>;
    VecDeque<BigInt, Bytes>;
}

macro_rules! slices {
    ($($slice:ty: $element:ty;)*) => {$(
        impl Form for $slice {
            fn of(value: &Value) -> Option<Self> {
                <Vec<$element> as Form>::of(value).map(Into::into)
            }

            fn into_value(self) -> Value {
                Form::into_value(self.to_vec())
            }
        }
    )*};
}

slices! {
    Box<[BigInt]>: BigInt;
    Arc<[BigInt]>: BigInt;
    Box<[String]>: String;
    Arc<[f64]>: f64;
}

impl<T: Form> Form for Option<T>
where
    Self: Field,
{
    fn of(value: &Value) -> Option<Self> {
        T::of(value).map(Some)
    }

    fn into_value(self) -> Value {
        match self {
            Some(form) => form.into_value(),
            None => Value::Custom(Bytes::new()),
        }
    }
}

macro_rules! rows {
    ($($row:ident { $($field:ident $name:literal: $ty:ty,)* })*) => {$(
        #[derive(Fields)]
        #[amp(crate = amp_rpc_core)]
        struct $row {
            $(#[amp(name = $name)] $field: $ty,)*
        }

        impl Element for $row {
            fn of(value: &Value) -> Option<Self> {
                let Value::AmpList(rows) = value else {
                    return None;
                };
                let [row] = &rows[..] else {
                    return None;
                };
                Some(Self {
                    $($field: Member::of(row.get($name))?,)*
                })
            }

            fn into_value(self) -> Value {
                let mut row = Values::new();
                $(if let Some(value) = Member::into_value(self.$field) {
                    row.insert($name, value);
                })*
                Value::AmpList(vec![row])
            }
        }

        row_lists!($row);
    )*};
}

/// A list of rows; a row alone is a list of one here.
macro_rules! row_lists {
    ($row:ident) => {
        row_list!(Vec<$row>, $row);
        row_list!(VecDeque<$row>, $row);
    };
}

macro_rules! row_list {
    ($list:ty, $row:ident) => {
        impl Form for $list {
            fn of(value: &Value) -> Option<Self> {
                let Value::AmpList(rows) = value else {
                    return None;
                };
                let row = |row: &Values| <$row as Element>::of(&Value::AmpList(vec![row.clone()]));
                rows.iter().map(row).collect()
            }

            fn into_value(self) -> Value {
                let rows = self.into_iter().flat_map(|row| match row.into_value() {
                    Value::AmpList(rows) => rows,
                    _ => Vec::new(),
                });
                Value::AmpList(rows.collect())
            }
        }
    };
}

/// A member of a row, required or optional.
trait Member: Sized {
    fn of(value: Option<&Value>) -> Option<Self>;
    fn into_value(self) -> Option<Value>;
}

macro_rules! members {
    ($($required:ty),*; $($optional:ty),*) => {
        $(impl Member for $required {
            fn of(value: Option<&Value>) -> Option<Self> {
                Form::of(value?)
            }

            fn into_value(self) -> Option<Value> {
                Some(Form::into_value(self))
            }
        })*
        $(impl Member for Option<$optional> {
            fn of(value: Option<&Value>) -> Option<Self> {
                match value {
                    Some(value) => Form::of(value).map(Some),
                    None => Some(None),
                }
            }

            fn into_value(self) -> Option<Value> {
                self.map(Form::into_value)
            }
        })*
    };
}

members!(BigInt, String, Vec<BigInt>, Vec<Pair>, f64, bool, Bytes; String);

rows! {
    Pair { a "a": BigInt, b "b": String, }
    Point { x "x": BigInt, y "y": Option<String>, }
    Lists { l "l": Vec<BigInt>, }
    Rows { rows "rows": Vec<Pair>, }
    Mixed { z "Z": Bytes, a "a": f64, b "b": bool, }
    Text { s "s": Bytes, }
}
