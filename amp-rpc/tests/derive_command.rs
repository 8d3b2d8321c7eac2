//! What `derive(Command)` makes of a struct.

mod derive_support;

use amp_rpc::schema::CommandKind;
use amp_rpc::{Command, CommandError, Fields, NoErrors};
use derive_support::{decode, encode, names, wire};

#[derive(Debug, PartialEq, Command)]
struct Ping;

#[derive(Debug, PartialEq, Fields)]
struct Total {
    total: i64,
}

#[derive(Debug, thiserror::Error, CommandError)]
enum SumError {
    #[error("too much")]
    #[amp(code = "OVERFLOW")]
    Overflow,
}

#[derive(Debug, PartialEq, Command)]
#[amp(name = "sum of", response = Total, error = SumError, no_answer, rename_all = "camelCase")]
struct Sum {
    second_term: i64,
    first_term: i64,
}

#[test]
fn everything_has_a_default() {
    fn has_no_response_and_errors<C: Command<Response = (), Error = NoErrors>>() {}
    has_no_response_and_errors::<Ping>();
    assert_eq!(Ping::NAME, b"Ping");
    assert_eq!(Ping::KIND, CommandKind::Plain);
    const { assert!(Ping::WANTS_ANSWER) };
    const { assert!(!Ping::IDEMPOTENT) };
    assert!(!<Ping as Command>::SCHEMA.idempotent);
    assert_eq!(encode(&Ping), b"\0\0");
}

#[test]
fn attributes_say_otherwise() {
    fn has_response_and_errors<C: Command<Response = Total, Error = SumError>>() {}
    has_response_and_errors::<Sum>();
    assert_eq!(Sum::NAME, b"sum of");
    const { assert!(!Sum::WANTS_ANSWER) };
    let sum = Sum {
        second_term: 2,
        first_term: 1,
    };
    let bytes = wire(&[(b"firstTerm", b"1"), (b"secondTerm", b"2")]);
    assert_eq!(encode(&sum), bytes);
    assert_eq!(decode::<Sum>(&bytes), sum);
}

#[test]
fn the_schema_is_readable_at_run_time() {
    let schema = <Sum as Command>::SCHEMA;
    assert_eq!(*schema.name, *b"sum of");
    assert_eq!(schema.kind, CommandKind::Plain);
    assert!(!schema.wants_answer);
    assert_eq!(names(&schema.arguments), ["firstTerm", "secondTerm"]);
    assert_eq!(names(&schema.response), ["total"]);
    let errors = schema.errors.to_vec();
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (&*errors[0].label, &*errors[0].code),
        ("Overflow", &b"OVERFLOW"[..])
    );
}

#[derive(Command)]
#[amp(closes)]
struct Quit;

#[derive(Command)]
#[amp(closes, no_answer)]
struct QuitSilently;

#[derive(Command)]
#[amp(idempotent, closes)]
struct Subscribe;

#[test]
fn a_command_says_whether_it_may_be_carried_out_twice() {
    const { assert!(Subscribe::IDEMPOTENT) };
    assert_eq!(Subscribe::KIND, CommandKind::ClosesAfterAnswer);
    let schema = <Subscribe as Command>::SCHEMA;
    assert!(schema.idempotent);
    assert!(!schema.clone().idempotent(false).idempotent);
}

#[derive(Command)]
#[amp(switches)]
struct Switch;

#[derive(Command)]
#[amp(starttls)]
struct Secure;

#[test]
fn what_the_answer_does_to_the_connection() {
    assert_eq!(Quit::KIND, CommandKind::ClosesAfterAnswer);
    assert_eq!(Switch::KIND, CommandKind::ProtocolSwitch);
    assert_eq!(Secure::KIND, CommandKind::StartTls);
    assert_eq!(<Secure as Command>::SCHEMA.kind, CommandKind::StartTls);
    const { assert!(!QuitSilently::WANTS_ANSWER) };
    assert_eq!(QuitSilently::KIND, CommandKind::ClosesAfterAnswer);
}

#[derive(Command)]
#[amp(name = b"\xff\0 any")]
struct AnyBytes;

#[derive(Command)]
#[amp(name = "")]
struct Nameless;

#[derive(Command)]
#[allow(non_camel_case_types)]
struct r#move;

#[derive(Command)]
struct Größe;

#[test]
fn a_name_is_any_bytes() {
    assert_eq!(AnyBytes::NAME, b"\xff\0 any");
    assert_eq!(Nameless::NAME, b"");
    assert_eq!(r#move::NAME, b"move");
    assert_eq!(Größe::NAME, "Größe".as_bytes());
}

#[derive(Debug, PartialEq, Command)]
#[amp(response = Stored<T>, error = E)]
struct Store<T, E> {
    values: Vec<T>,
    fallback: Option<T>,
    error: Never<E>,
}

#[derive(Debug, PartialEq, Fields)]
struct Stored<T> {
    value: T,
}

/// An argument type with a parameter that no value has.
#[derive(Debug, PartialEq)]
struct Never<E>(std::marker::PhantomData<E>);

impl<E> amp_rpc::Argument for Never<E> {
    fn encode(&self, _: &mut amp_rpc::wire::ValueWriter<'_>) -> Result<(), amp_rpc::EncodeError> {
        Ok(())
    }

    fn decode(_: amp_rpc::wire::RawValue<'_>) -> Result<Self, amp_rpc::DecodeError> {
        Ok(Self(std::marker::PhantomData))
    }
}

#[test]
fn a_command_may_be_generic() {
    fn is_command<C: Command>(_: &C) -> &'static [u8] {
        C::NAME
    }
    let store = Store::<i64, SumError> {
        values: vec![1, 2],
        fallback: None,
        error: Never(std::marker::PhantomData),
    };
    assert_eq!(is_command(&store), b"Store");
    assert_eq!(
        encode(&store),
        wire(&[(b"error", b""), (b"values", b"\0\x011\0\x012")])
    );
    assert_eq!(
        names(&<Store<String, NoErrors> as Command>::SCHEMA.response),
        ["value"]
    );
}
