//! Enums that are not yet errors.

use amp_rpc::{Command, CommandError};

#[derive(CommandError)]
enum Nothing {
    #[amp(code = "A")]
    A,
}

#[derive(Debug, CommandError)]
enum OnlyDebug {
    #[amp(code = "A")]
    A,
}

#[derive(Debug, thiserror::Error, CommandError)]
enum NotShared {
    #[error("a")]
    #[amp(code = "A")]
    A(Reason),
}

#[derive(Debug)]
struct Reason(std::rc::Rc<str>);

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

#[derive(Command)]
#[amp(error = OnlyDebug)]
struct Uses;

fn main() {}
