//! Words on an enum of errors that are not known, are missing, or do not go together.

use amp_rpc::CommandError;

#[derive(Debug, thiserror::Error, CommandError)]
#[amp(code = "A")]
enum UnknownWords {
    #[error("a")]
    #[amp(code = "A", fatl)]
    A,
    #[error("b")]
    #[amp(cod = "B")]
    B,
    #[error("c")]
    #[amp(code = "C")]
    C(#[amp(code)] String),
}

#[derive(Debug, thiserror::Error, CommandError)]
enum NoCode {
    #[error("division by zero")]
    DivisionByZero,
    #[error("overflow")]
    #[amp(fatal)]
    Overflow,
    #[error("other")]
    #[amp(other)]
    Other,
}

#[derive(Debug, thiserror::Error, CommandError)]
#[amp(rename_all = "SCREAMING_SNAKE_CASE")]
enum Repeated {
    #[error("a")]
    DiskFull,
    #[error("b")]
    #[amp(code = "DISK_FULL")]
    Full,
    #[error("c")]
    #[amp(code = b"\xff")]
    A,
    #[error("d")]
    #[amp(code = b"\xff")]
    B,
}

#[derive(Debug, thiserror::Error, CommandError)]
enum TwoCatchAlls {
    #[error("a")]
    #[amp(code = "A", other)]
    A,
    #[error("b")]
    #[amp(code = "B", other, fatal)]
    B,
}

#[derive(Debug, thiserror::Error, CommandError)]
enum Including {
    #[error(transparent)]
    #[amp(include, code = "A", fatal, other)]
    A(NoCode),
    #[error("b")]
    #[amp(include)]
    B,
    #[error("c")]
    #[amp(include = NoCode)]
    C(NoCode),
}

fn main() {}
