//! The commands for errors, for calls that wait, and for calls in both directions.

use amp_rpc::{Command, CommandError, Fields};
use bytes::Bytes;
use num_bigint::BigInt;
use thiserror::Error;

/// Fails with the text as description, or answers when the text is empty.
#[derive(Debug, Command)]
#[amp(error = LookupError)]
pub struct Lookup {
    /// The description of the error.
    pub text: String,
}

/// Why `Lookup` failed.
#[derive(Debug, PartialEq, Error, CommandError)]
pub enum LookupError {
    /// It is not there.
    #[error("{0}")]
    #[amp(code = "NOT_THERE")]
    NotThere(String),
}

/// Has the errors of `Lookup` and one more.
#[derive(Debug, Command)]
#[amp(error = LookupOwnedError)]
pub struct LookupOwned {
    /// `not there`, `not there yet` (a kind of `not there`) or `not yours`; anything else is answered.
    pub kind: String,
}

/// Why `LookupOwned` failed.
#[derive(Debug, PartialEq, Error, CommandError)]
pub enum LookupOwnedError {
    /// An error of `Lookup`.
    #[error(transparent)]
    #[amp(include)]
    Lookup(#[from] LookupError),
    /// It is somebody else's.
    #[error("{0}")]
    #[amp(code = "NOT_YOURS")]
    NotYours(String),
}

/// Fails; then its responder's side closes.
#[derive(Debug, Command)]
#[amp(error = BreakError)]
pub struct Break {
    /// The description of the error.
    pub text: String,
}

/// How `Break` fails.
#[derive(Debug, PartialEq, Error, CommandError)]
pub enum BreakError {
    /// The only way.
    #[error("{0}")]
    #[amp(code = "BROKEN", fatal)]
    Broken(String),
}

/// Fails with an error that it does not declare.
#[derive(Debug, Command)]
pub struct Crash {
    /// The error's text, which must not travel.
    pub text: String,
}

/// Fails with an error that it declares only as one of all that there are.
#[derive(Debug, Command)]
#[amp(error = CatchAllError)]
pub struct CatchAll {
    /// The description of the error.
    pub text: String,
}

/// How `CatchAll` fails.
#[derive(Debug, PartialEq, Error, CommandError)]
pub enum CatchAllError {
    /// Any error.
    #[error("{0}")]
    #[amp(other, code = "ANYTHING")]
    Anything(String),
}

/// Fails as its arguments say.
#[derive(Debug, Command)]
pub struct OwnCode {
    /// The code.
    pub code: Bytes,
    /// The description.
    pub description: String,
    /// Whether the responder's side closes.
    pub fatal: bool,
}

/// Is remembered for the connection, without an answer.
#[derive(Debug, Command)]
#[amp(no_answer)]
pub struct Tell {
    /// The text.
    pub text: String,
}

/// Asks for the texts of all `Tell`s.
#[derive(Debug, Command)]
#[amp(response = Texts)]
pub struct Told;

/// The texts that a connection has sent.
#[derive(Debug, Fields)]
pub struct Texts {
    /// In their order.
    pub texts: Vec<String>,
}

/// Is answered with its number when a `Release` comes.
#[derive(Debug, Clone, PartialEq, Command)]
#[amp(response = Hold)]
pub struct Hold {
    /// Any number.
    pub number: BigInt,
}

/// Lets every `Hold` of the connection be answered, the newest first.
#[derive(Debug, Command)]
#[amp(response = Released)]
pub struct Release;

/// The answer to `Release`.
#[derive(Debug, Fields)]
pub struct Released {
    /// How many there were.
    pub count: usize,
}

/// Doubles a number; the answer has the same form.
#[derive(Debug, Clone, PartialEq, Command)]
#[amp(response = Double)]
pub struct Double {
    /// The number.
    pub number: BigInt,
}

/// Makes the responder call `Double` on its caller for 1, 2, …, all at the same time.
#[derive(Debug, Command)]
#[amp(response = Total)]
pub struct DoubleAll {
    /// The last number.
    pub count: u32,
}

/// The answer to `DoubleAll`.
#[derive(Debug, Fields)]
pub struct Total {
    /// The sum of all answers.
    pub total: BigInt,
}

/// Goes back and forth.
#[derive(Debug, Command)]
#[amp(response = Depth)]
pub struct Bounce {
    /// How many more times.
    pub left: u32,
}

/// The answer to `Bounce`.
#[derive(Debug, Fields)]
pub struct Depth {
    /// How many times it went.
    pub depth: u32,
}

/// Makes the responder call `Lookup` on its caller.
#[derive(Debug, Command)]
#[amp(response = Outcome)]
pub struct AskFor {
    /// The argument of `Lookup`.
    pub text: String,
}

/// The answer to `AskFor`.
#[derive(Debug, Fields)]
pub struct Outcome {
    /// `found`, or the error's code, a space and its description.
    pub outcome: String,
}
