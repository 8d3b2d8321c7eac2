//! The same calls with schemas and values made at run time.

use amp_rpc::dynamic::{Value, Values};
use amp_rpc::schema::{CommandSchema, ErrorSchema, FieldSchema, Type};
use amp_rpc::wire::Name;
use amp_rpc::{CallError, Command as _, Compat, Peer, RemoteError, Shared};
use interop::types::commands::{Hold, LookupOwned, Release, Tell, Told};
use interop::types::echoes::{EchoAmpList, MaybeAmpList};
use num_bigint::BigInt;

use crate::{closed_by_peer, modes, usable, with_twisted};

fn field(name: &'static str, ty: Type) -> FieldSchema {
    FieldSchema::new(Name::new(name).expect("a name"), ty)
}

fn list_of(element: Type) -> Type {
    Type::ListOf(element.into())
}

/// The rows of the AmpList.
fn rows() -> Type {
    let points = [
        field("ok", Type::Boolean).optional(),
        field("price", Type::Decimal).optional(),
        field("when", Type::DateTime).optional(),
        field("x", Type::Float),
    ];
    let points = Type::AmpList(Shared::Counted(points.into()));
    let rows = [
        field("count", Type::Integer).optional(),
        field("data", Type::String).optional(),
        field("name", Type::Unicode),
        field("points", points).optional(),
        field("tags", list_of(Type::Unicode)).optional(),
    ];
    Type::AmpList(Shared::Counted(rows.into()))
}

/// Calls both commands of a type, with a value and with none.
async fn echoed(peer: &Peer, name: &str, ty: &Type, value: Value) {
    let command = |prefix: &str, value: FieldSchema| {
        CommandSchema::new(format!("{prefix}{name}"))
            .arguments(vec![value.clone()])
            .response(vec![value])
    };
    let echo = command("Echo", field("value", ty.clone()));
    let maybe = command("Maybe", field("value", ty.clone()).optional());
    let value = Values::from([("value", value)]);
    for (schema, value) in [
        (&echo, value.clone()),
        (&maybe, value),
        (&maybe, Values::new()),
    ] {
        let sent = format!("{value:?}");
        let answer = peer.call_dynamic(schema, value).await.expect("an answer");
        // As text, -0.0 is not 0.0, and a NaN is equal to itself.
        assert_eq!(format!("{answer:?}"), sent);
    }
}

#[tokio::test]
async fn values_of_every_type() {
    let big = BigInt::from(-3).pow(500);
    let text = |text: &str| Value::from(text);
    let decimal = |text: &str| Value::Decimal(text.parse().expect("a decimal"));
    let time = Value::DateTime(
        "2012-01-23T12:34:56.054321-01:23"
            .parse()
            .expect("a date and time"),
    );
    let examples = [
        ("Integer", Type::Integer, vec![i128::MIN.into(), big.into()]),
        ("String", Type::String, vec![vec![0, 255].into()]),
        ("Unicode", Type::Unicode, vec![text("☃")]),
        (
            "Float",
            Type::Float,
            vec![Value::from(-0.0), f64::NAN.into(), f64::INFINITY.into()],
        ),
        ("Boolean", Type::Boolean, vec![true.into(), false.into()]),
        ("Path", Type::Path, vec![Value::Path("/tmp/ü".into())]),
        (
            "Decimal",
            Type::Decimal,
            vec![decimal("-0E+3"), decimal("sNaN12")],
        ),
        ("DateTime", Type::DateTime, vec![time]),
    ];
    with_twisted(async |twisted| {
        let peer = twisted.connect(Compat::default()).await;
        for (name, ty, values) in &examples {
            for value in values {
                echoed(&peer, name, ty, value.clone()).await;
            }
            let name = format!("ListOf{name}");
            let ty = list_of(ty.clone());
            echoed(&peer, &name, &ty, Value::ListOf(values.clone())).await;
            echoed(&peer, &name, &ty, Value::ListOf(vec![])).await;
        }
    })
    .await;
}

#[tokio::test]
async fn lists_and_rows() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(Compat::default()).await;
        let lists = Value::ListOf(vec![
            Value::ListOf(vec![]),
            Value::ListOf(vec!["a".into(), "".into()]),
        ]);
        let ty = list_of(list_of(Type::Unicode));
        echoed(&peer, "ListOfListOfUnicode", &ty, lists).await;

        let point = Values::from([("x", Value::from(0.1)), ("ok", false.into())]);
        let bare = Values::from([("name", "")]);
        let full = Values::from([
            ("name", Value::from("ü")),
            ("count", (-1).into()),
            ("tags", Value::ListOf(vec!["a".into()])),
            ("data", vec![0, 255].into()),
            ("points", vec![point].into()),
        ]);
        echoed(&peer, "AmpList", &rows(), vec![full, bare].into()).await;
        echoed(&peer, "AmpList", &rows(), Vec::<Values>::new().into()).await;
    })
    .await;
}

/// What is made at run time is what the derives make.
#[test]
fn the_schemas_of_derived_commands_are_the_same() {
    let value = || field("value", rows());
    assert_eq!(EchoAmpList::SCHEMA.arguments[..], [value()]);
    assert_eq!(MaybeAmpList::SCHEMA.arguments[..], [value().optional()]);
}

#[tokio::test]
async fn errors_have_their_codes() {
    with_twisted(async |twisted| {
        for mode in modes() {
            let peer = twisted.connect(mode).await;
            let schema = CommandSchema::new("LookupOwned")
                .arguments(vec![field("kind", Type::Unicode)])
                .errors(vec![
                    ErrorSchema::new("NotThere", b"NOT_THERE"),
                    ErrorSchema::new("NotYours", b"NOT_YOURS"),
                ]);
            for schema in [&schema, LookupOwned::SCHEMA] {
                for (kind, label) in [("not there yet", "NotThere"), ("not yours", "NotYours")] {
                    let kind_is = Values::from([("kind", kind)]);
                    let error = remote(peer.call_dynamic(schema, kind_is).await);
                    let declared = schema.errors.by_code(&error.code).expect("it is declared");
                    assert_eq!((&*declared.label, &*error.description), (label, kind));
                }
            }

            let nobody = CommandSchema::new("Nobody");
            let unhandled = peer.call_dynamic(&nobody, Values::new()).await;
            assert!(
                matches!(unhandled, Err(CallError::Unhandled { .. })),
                "{unhandled:?}"
            );
            usable(&peer).await;

            let crash = CommandSchema::new("Crash").arguments(vec![field("text", Type::Unicode)]);
            let text = Values::from([("text", "secret")]);
            let error = remote(peer.call_dynamic(&crash, text).await);
            assert_eq!(error, RemoteError::new("UNKNOWN", "Unknown Error"));
            closed_by_peer(&peer).await;
        }
    })
    .await;
}

fn remote(result: Result<Values, CallError>) -> RemoteError {
    match result {
        Err(CallError::Remote(error)) => *error,
        other => panic!("not an error of the peer: {other:?}"),
    }
}

#[tokio::test]
async fn a_bad_argument_is_not_sent() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(Compat::default()).await;
        for kind in [Values::new(), Values::from([("kind", 1)])] {
            let result = peer.call_dynamic(LookupOwned::SCHEMA, kind).await;
            assert!(matches!(result, Err(CallError::Local(_))), "{result:?}");
        }
        usable(&peer).await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_another_type_is_a_bad_answer() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(Compat::default()).await;
        let schema = CommandSchema::new("EchoUnicode")
            .arguments(vec![field("value", Type::Unicode)])
            .response(vec![field("value", Type::Integer)]);
        let value = Values::from([("value", "no number")]);
        match peer.call_dynamic(&schema, value).await {
            Err(CallError::BadAnswer(error)) => assert_eq!(error.key(), Some(&b"value"[..])),
            other => panic!("{other:?}"),
        }
        usable(&peer).await;
    })
    .await;
}

#[tokio::test]
async fn tells_and_many_calls() {
    with_twisted(async |twisted| {
        let peer = twisted.connect(Compat::default()).await;
        let texts: Vec<_> = (0..100).map(|n| Value::from(format!("text {n}"))).collect();
        for text in texts.clone() {
            let text = Values::from([("text", text)]);
            let told = peer.tell_dynamic(Tell::SCHEMA, text);
            told.await.expect("it is sent");
        }
        let told = peer.call_dynamic(Told::SCHEMA, Values::new()).await;
        let expected = Values::from([("texts", Value::ListOf(texts))]);
        assert_eq!(told.expect("an answer"), expected);

        let number = |n: i32| Values::from([("number", n)]);
        let calls: Vec<_> = (0..1_000)
            .map(|n| peer.call_dynamic(Hold::SCHEMA, number(n)).start())
            .collect();
        let released = peer.call_dynamic(Release::SCHEMA, Values::new()).await;
        let expected = Values::from([("count", 1_000)]);
        assert_eq!(released.expect("an answer"), expected);
        for (n, call) in (0..).zip(calls) {
            assert_eq!(call.await.expect("an answer"), number(n));
        }
    })
    .await;
}
