//! What `derive(CommandError)` makes of an enum.

use amp_rpc::{CommandError, NoErrors};

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
enum StorageError {
    #[error("disk full")]
    #[amp(code = "FULL")]
    Full,
    #[error("broken: {0}")]
    #[amp(code = b"\xff broken", fatal)]
    Broken(String),
}

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
enum RegisterError {
    #[error("name taken")]
    #[amp(code = "NAME_TAKEN")]
    Taken,
    #[error(transparent)]
    #[amp(include)]
    Storage(#[from] StorageError),
    #[error("refused: {0}")]
    #[amp(code = "REFUSED")]
    Refused(Box<str>),
    #[error("something else")]
    #[amp(code = "OTHER", other, fatal)]
    r#Else,
    #[error("nothing")]
    #[amp(code = "")]
    Nothing {},
}

/// Code, whether fatal, description.
fn sent(error: &impl CommandError) -> (Vec<u8>, bool, String) {
    let schema = error.schema();
    (
        schema.code.to_vec(),
        schema.fatal,
        CommandError::describe(error),
    )
}

#[test]
fn what_is_sent() {
    let cases = [
        (
            RegisterError::Taken,
            &b"NAME_TAKEN"[..],
            false,
            "name taken",
        ),
        (
            RegisterError::Storage(StorageError::Full),
            b"FULL",
            false,
            "disk full",
        ),
        (
            StorageError::Broken("disk 1".into()).into(),
            b"\xff broken",
            true,
            "broken: disk 1",
        ),
        (
            RegisterError::Refused("no".into()),
            b"REFUSED",
            false,
            "refused: no",
        ),
        (RegisterError::Else, b"OTHER", true, "something else"),
        (RegisterError::Nothing {}, b"", false, "nothing"),
    ];
    for (error, code, fatal, description) in cases {
        assert_eq!(sent(&error), (code.to_vec(), fatal, description.to_owned()));
    }
}

#[test]
fn what_is_received() {
    let received = |code: &[u8]| RegisterError::from_code(code, "why");
    assert_eq!(received(b"NAME_TAKEN"), Some(RegisterError::Taken));
    assert_eq!(received(b"FULL"), Some(StorageError::Full.into()));
    assert_eq!(
        received(b"\xff broken"),
        Some(StorageError::Broken("why".into()).into())
    );
    assert_eq!(
        received(b"REFUSED"),
        Some(RegisterError::Refused("why".into()))
    );
    assert_eq!(received(b"OTHER"), Some(RegisterError::Else));
    assert_eq!(received(b""), Some(RegisterError::Nothing {}));
    assert_eq!(received(b"UNKNOWN"), None);
    assert_eq!(received(b"name_taken"), None);
}

#[test]
fn the_schema_lists_own_errors_and_then_included_ones() {
    let errors: Vec<_> = RegisterError::ERRORS
        .to_vec()
        .into_iter()
        .map(|error| (&*error.label, &*error.code, error.fatal, error.catch_all))
        .collect();
    assert_eq!(
        errors,
        [
            ("Taken", &b"NAME_TAKEN"[..], false, false),
            ("Refused", b"REFUSED", false, false),
            ("Else", b"OTHER", true, true),
            ("Nothing", b"", false, false),
            ("Full", b"FULL", false, false),
            ("Broken", b"\xff broken", true, false),
        ]
    );
    assert_eq!(
        RegisterError::ERRORS.catch_all().map(|error| &*error.code),
        Some(&b"OTHER"[..])
    );
}

#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
#[amp(rename_all = "SCREAMING_SNAKE_CASE")]
enum Spelled {
    #[error("a")]
    DivideByZero,
    #[error("b")]
    #[amp(code = "as it is")]
    Overflow,
}

#[test]
fn rename_all_makes_codes() {
    assert_eq!(*Spelled::DivideByZero.schema().code, *b"DIVIDE_BY_ZERO");
    assert_eq!(*Spelled::Overflow.schema().code, *b"as it is");
    assert_eq!(
        Spelled::from_code(b"DIVIDE_BY_ZERO", ""),
        Some(Spelled::DivideByZero)
    );
}

/// An own code counts before the same one of an included enum.
#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
enum Overriding {
    #[error(transparent)]
    #[amp(include)]
    Storage(StorageError),
    #[error("full")]
    #[amp(code = "FULL")]
    Full,
}

#[test]
fn own_codes_count_before_included_ones() {
    assert_eq!(Overriding::from_code(b"FULL", ""), Some(Overriding::Full));
}

/// Errors of a layer above any other errors.
#[derive(Debug, PartialEq, thiserror::Error, CommandError)]
enum Layered<E, T>
where
    T: std::fmt::Debug + Send + Sync + 'static,
{
    #[error(transparent)]
    #[amp(include)]
    Inner(E),
    #[error("refused")]
    #[amp(code = "REFUSED")]
    Refused(Reason<T>),
}

#[derive(Debug, PartialEq)]
struct Reason<T>(String, Option<T>);

impl<T> From<String> for Reason<T> {
    fn from(reason: String) -> Self {
        Self(reason, None)
    }
}

#[test]
fn an_enum_may_be_generic() {
    type Both = Layered<StorageError, i64>;
    assert_eq!(
        Both::from_code(b"FULL", ""),
        Some(Layered::Inner(StorageError::Full))
    );
    assert_eq!(
        Both::from_code(b"REFUSED", "why"),
        Some(Layered::Refused(Reason("why".into(), None)))
    );
    assert_eq!(Both::ERRORS.to_vec().len(), 3);
    assert_eq!(Layered::<NoErrors, i64>::ERRORS.to_vec().len(), 1);
}

#[derive(Debug, thiserror::Error, CommandError)]
enum Never {}

#[test]
fn an_enum_may_be_empty() {
    assert!(Never::ERRORS.to_vec().is_empty());
    assert!(Never::from_code(b"", "").is_none());
}

/// The macro with a crate of another name.
#[derive(Debug, thiserror::Error, CommandError)]
#[amp(crate = amp_rpc_core)]
enum WithTheCoreAlone {
    #[error("a")]
    #[amp(code = "A")]
    A,
}

#[test]
fn the_crate_can_be_renamed() {
    assert_eq!(*WithTheCoreAlone::A.schema().code, *b"A");
}
