//! What `derive(Fields)` writes and reads.

mod derive_support;

use amp_rpc::schema::Type;
use amp_rpc::wire::{RawValue, ValueWriter};
use amp_rpc::{Argument, DecodeError, EncodeError, Field, Fields};
use derive_support::{decode, decode_error, encode, names, wire};

#[derive(Debug, PartialEq, Fields)]
struct Person {
    r#type: String,
    name: String,
    #[amp(name = "years old")]
    age: Option<u8>,
    #[amp(name = b"\xff\0")]
    odd: i64,
}

fn person(age: Option<u8>) -> Person {
    Person {
        r#type: "user".into(),
        name: "Ada".into(),
        age,
        odd: -1,
    }
}

#[test]
fn keys_are_sent_in_order() {
    assert_eq!(
        encode(&person(Some(36))),
        wire(&[
            (b"name", b"Ada"),
            (b"type", b"user"),
            (b"years old", b"36"),
            (b"\xff\0", b"-1")
        ])
    );
}

#[test]
fn an_absent_option_is_not_sent() {
    let bytes = encode(&person(None));
    assert_eq!(
        bytes,
        wire(&[(b"name", b"Ada"), (b"type", b"user"), (b"\xff\0", b"-1")])
    );
    assert_eq!(decode::<Person>(&bytes), person(None));
}

#[test]
fn keys_are_read_in_any_order_and_others_ignored() {
    let bytes = wire(&[
        (b"\xff\0", b"5"),
        (b"zzz", b""),
        (b"years old", b"36"),
        (b"type", b"user"),
        (b"name", b"Ada"),
        (b"a", b"?"),
        (b"\xff\0", b"-1"),
    ]);
    assert_eq!(decode::<Person>(&bytes), person(Some(36)));
}

#[test]
fn errors_name_the_key() {
    let missing = decode_error::<Person>(&wire(&[(b"name", b"Ada"), (b"\xff\0", b"-1")]));
    assert_eq!(missing.key(), Some(&b"type"[..]));
    let malformed = wire(&[
        (b"name", b""),
        (b"type", b""),
        (b"\xff\0", b"-1"),
        (b"years old", b"x"),
    ]);
    assert_eq!(
        decode_error::<Person>(&malformed).key(),
        Some(&b"years old"[..])
    );
}

#[test]
fn the_schema_is_in_the_order_of_the_keys() {
    let schema: Vec<_> = Person::FIELDS
        .iter()
        .map(|field| (field.name.as_bytes(), field.ty.to_string(), field.optional))
        .collect();
    assert_eq!(
        schema,
        [
            (&b"name"[..], "Unicode".to_owned(), false),
            (b"type", "Unicode".to_owned(), false),
            (b"years old", "Integer".to_owned(), true),
            (b"\xff\0", "Integer".to_owned(), false),
        ]
    );
}

#[derive(Debug, Default, PartialEq, Fields)]
struct Unit;

#[derive(Debug, Default, PartialEq, Fields)]
struct Braces {}

#[derive(Debug, Default, PartialEq, Fields)]
struct Parentheses();

#[test]
fn a_struct_may_have_no_fields() {
    assert_eq!(encode(&Unit), b"\0\0");
    assert_eq!(encode(&Braces {}), b"\0\0");
    assert_eq!(encode(&Parentheses()), b"\0\0");
    let other = wire(&[(b"a", b"1")]);
    assert_eq!(decode::<Unit>(&other), Unit);
    assert_eq!(decode::<Braces>(&other), Braces {});
    assert_eq!(decode::<Parentheses>(&other), Parentheses());
}

#[derive(Debug, PartialEq, Fields)]
#[amp(rename_all = "kebab-case")]
struct Renamed {
    user_name: i64,
    #[amp(name = "KeptAsIs")]
    kept: i64,
    r#async: i64,
}

#[test]
fn rename_all_spells_the_keys_that_have_no_name() {
    assert_eq!(names(Renamed::FIELDS), ["KeptAsIs", "async", "user-name"]);
}

#[derive(Debug, PartialEq, Fields)]
struct Row {
    x: i64,
    label: Option<String>,
}

#[derive(Debug, PartialEq, Fields)]
struct Table {
    title: String,
    rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Fields)]
struct Tables {
    tables: Vec<Table>,
    more: Option<Vec<Row>>,
}

#[test]
fn a_list_of_structs_is_an_amp_list() {
    let row = |x, label: Option<&str>| Row {
        x,
        label: label.map(Into::into),
    };
    let table = Table {
        title: "t".into(),
        rows: vec![row(1, Some("one")), row(2, None)],
    };
    let rows = [
        wire(&[(b"label", b"one"), (b"x", b"1")]),
        wire(&[(b"x", b"2")]),
    ]
    .concat();
    let bytes = wire(&[(b"rows", &rows), (b"title", b"t")]);
    assert_eq!(encode(&table), bytes);
    let tables = Tables {
        tables: vec![table],
        more: None,
    };
    assert_eq!(encode(&tables), wire(&[(b"tables", &bytes)]));
    assert_eq!(decode::<Tables>(&encode(&tables)), tables);
    assert_eq!(
        <Vec<Table> as Field>::TYPE.to_string(),
        r#"AmpList([("rows", AmpList([("label", Unicode), ("x", Integer)])), ("title", Unicode)])"#
    );
}

#[test]
fn an_error_in_a_row_says_where() {
    let rows = [wire(&[(b"x", b"1")]), wire(&[(b"x", b"one")])].concat();
    let error = decode_error::<Table>(&wire(&[(b"rows", &rows), (b"title", b"t")])).to_string();
    assert!(error.contains("`rows`, element 1, `x`"), "{error}");
}

/// Its own name in a field must not become a condition for itself.
#[derive(Debug, PartialEq, Fields)]
#[allow(clippy::use_self)]
struct Tagged<T> {
    id: Id<Tagged<T>>,
    value: T,
    others: Vec<T>,
    next: Option<Vec<Id<Tagged<T>>>>,
}

/// A number whose type says what it numbers; it mentions a struct without holding it.
#[derive(Debug, PartialEq)]
struct Id<T>(i64, std::marker::PhantomData<T>);

impl<T: Fields> Argument for Id<T> {
    fn encode(&self, out: &mut ValueWriter<'_>) -> Result<(), EncodeError> {
        self.0.encode(out)
    }

    fn decode(value: RawValue<'_>) -> Result<Self, DecodeError> {
        i64::decode(value).map(id)
    }
}

fn id<T>(number: i64) -> Id<T> {
    Id(number, std::marker::PhantomData)
}

#[derive(Debug, PartialEq, Fields)]
struct Digest<const N: usize> {
    words: Vec<Word<N>>,
}

#[derive(Debug, PartialEq, Fields)]
struct Word<const N: usize> {
    bytes: Vec<u8>,
}

#[derive(Debug, PartialEq, Fields)]
struct Bounded<T: Default = i64>
where
    T: Clone,
{
    value: Option<T>,
}

#[test]
fn generic_structs() {
    let tagged = Tagged {
        id: id(1),
        value: 2_i64,
        others: vec![7],
        next: Some(vec![id(3)]),
    };
    assert_eq!(decode::<Tagged<i64>>(&encode(&tagged)), tagged);
    assert_eq!(
        names(Tagged::<i64>::FIELDS),
        ["id", "next", "others", "value"]
    );
    let digest = Digest::<3> {
        words: vec![Word {
            bytes: b"abc".to_vec(),
        }],
    };
    assert_eq!(decode::<Digest<3>>(&encode(&digest)), digest);
    assert_eq!(names(Bounded::<String>::FIELDS), ["value"]);
    assert!(matches!(*Bounded::<i64>::FIELDS[0].ty, Type::Integer));
}

/// Names that a careless macro would use itself.
mod shadowed {
    #![allow(
        non_camel_case_types,
        dead_code,
        non_upper_case_globals,
        non_snake_case
    )]
    use super::{decode, encode};

    struct Ok;
    struct Err;
    struct Some;
    struct None;
    struct Result;
    struct Option;
    struct Vec;
    struct Key;
    struct Self_;
    struct str;
    const KEYS: usize = 1;
    mod core {}
    mod std {}
    mod amp_rpc {}

    #[derive(Debug, PartialEq, ::amp_rpc::Fields)]
    pub(super) struct Shadowed {
        pub(super) out: i64,
        pub(super) cx: i64,
        pub(super) view: i64,
        pub(super) value_0: i64,
    }

    #[test]
    fn names_of_the_user_do_not_matter() {
        let fields = Shadowed {
            out: 1,
            cx: 2,
            view: 3,
            value_0: 4,
        };
        assert_eq!(decode::<Shadowed>(&encode(&fields)), fields);
    }
}

/// The macros with a crate of another name.
mod renamed {
    use super::{encode, wire};

    mod inner {
        pub(super) use amp_rpc as my_amp;
    }

    #[derive(::amp_rpc::Fields)]
    #[amp(crate = inner::my_amp)]
    struct ThroughAPath {
        a: i64,
    }

    #[derive(::amp_rpc::Fields)]
    #[amp(crate = amp_rpc_core)]
    struct WithTheCoreAlone {
        a: i64,
    }

    #[test]
    fn the_crate_can_be_renamed() {
        assert_eq!(encode(&ThroughAPath { a: 1 }), wire(&[(b"a", b"1")]));
        assert_eq!(encode(&WithTheCoreAlone { a: 1 }), wire(&[(b"a", b"1")]));
    }
}
