//! The commands of the contract.

use std::path::PathBuf;

use amp_rpc::argument::{DateTime, Decimal};
use amp_rpc::schema::CommandSchema;
use amp_rpc::{Command, CommandError, Fields};
use bytes::Bytes;
use num_bigint::BigInt;

/// Adds two numbers.
#[derive(Debug, Command)]
#[amp(response = Total)]
pub struct Sum {
    /// One number.
    pub a: BigInt,
    /// The other.
    pub b: BigInt,
}

/// The sum of numbers.
#[derive(Debug, Fields)]
pub struct Total {
    /// The sum.
    pub total: BigInt,
}

/// Divides two numbers.
#[derive(Debug, Command)]
#[amp(response = Quotient, error = DivideError)]
pub struct Divide {
    /// What is divided.
    pub numerator: BigInt,
    /// By what.
    pub denominator: BigInt,
}

/// A quotient.
#[derive(Debug, Fields)]
pub struct Quotient {
    /// The quotient.
    pub result: f64,
}

/// Why a division failed.
#[derive(Debug, thiserror::Error, CommandError)]
pub enum DivideError {
    /// The denominator was 0.
    #[error("division by zero")]
    #[amp(code = "ZERO_DIVISION")]
    ZeroDivision,
}

/// Gives all its fields back: one of each type, required and optional.
#[derive(Debug, Command)]
#[amp(response = EchoTypes)]
#[allow(missing_docs, reason = "the names say nothing but the types do")]
pub struct EchoTypes {
    pub i: BigInt,
    pub s: Bytes,
    pub u: String,
    pub x: f64,
    pub b: bool,
    pub d: Decimal,
    pub t: DateTime,
    pub l: Vec<BigInt>,
    pub m: Vec<Pair>,
    pub oi: Option<BigInt>,
    pub os: Option<Bytes>,
    pub ou: Option<String>,
    pub ox: Option<f64>,
    pub ob: Option<bool>,
    pub od: Option<Decimal>,
    pub ot: Option<DateTime>,
    pub ol: Option<Vec<Vec<String>>>,
    pub om: Option<Vec<Nested>>,
    pub op: Option<PathBuf>,
    pub class: Option<String>,
    #[amp(name = "opt-text")]
    pub opt_text: Option<String>,
}

/// A row of `EchoTypes::m`.
#[derive(Debug, Fields)]
#[allow(missing_docs, reason = "the names say nothing but the types do")]
pub struct Pair {
    pub k: String,
    pub v: Option<BigInt>,
}

/// A row of `EchoTypes::om`.
#[derive(Debug, Fields)]
#[allow(missing_docs, reason = "the names say nothing but the types do")]
pub struct Nested {
    pub r: Vec<f64>,
    pub s: Vec<Number>,
}

/// A row of `Nested::s`.
#[derive(Debug, Fields)]
#[allow(missing_docs, reason = "the names say nothing but the types do")]
pub struct Number {
    pub n: BigInt,
}

/// Answers after a time.
#[derive(Debug, Command)]
pub struct Delay {
    /// The time in seconds.
    pub seconds: f64,
}

/// Fails.
#[derive(Debug, Command)]
#[amp(error = FailError)]
pub struct Fail {
    /// How: `declared`, `fatal` or `undeclared`; anything else succeeds.
    pub kind: String,
    /// The error's description.
    pub message: Option<String>,
}

/// How `Fail` fails.
#[derive(Debug, thiserror::Error, CommandError)]
pub enum FailError {
    /// A declared error.
    #[error("{0}")]
    #[amp(code = "DECLARED")]
    Declared(String),
    /// A declared fatal error.
    #[error("{0}")]
    #[amp(code = "FATAL", fatal)]
    Fatal(String),
}

/// Remembers a text for the connection.
#[derive(Debug, Command)]
#[amp(no_answer)]
pub struct Notify {
    /// The text.
    pub text: String,
}

/// Asks for the texts of the connection.
#[derive(Debug, Command)]
#[amp(response = Texts)]
pub struct Notified {}

/// The texts that a connection has sent.
#[derive(Debug, Fields)]
pub struct Texts {
    /// In their order.
    pub texts: Vec<String>,
}

/// Makes the server call `Ping` on its caller.
#[derive(Debug, Command)]
#[amp(response = Total, error = CallMeError)]
pub struct CallMe {
    /// How often.
    pub times: BigInt,
}

/// Why `CallMe` failed.
#[derive(Debug, thiserror::Error, CommandError)]
pub enum CallMeError {
    /// A `Ping` failed.
    #[error("a ping failed")]
    #[amp(code = "PING_FAILED")]
    PingFailed,
}

/// Gives its number back.
#[derive(Debug, Command)]
#[amp(response = Ping)]
pub struct Ping {
    /// The number.
    pub n: BigInt,
}

/// Gives its bytes back.
#[derive(Debug, Command)]
#[amp(response = BigEcho)]
pub struct BigEcho {
    /// Up to 65,535 bytes.
    pub data: Bytes,
}

/// Switches to another protocol.
#[derive(Debug, Command)]
#[amp(switches, error = SwitchError)]
pub struct Switch {
    /// Its name; there is `echo`.
    pub name: String,
}

/// Why `Switch` failed.
#[derive(Debug, thiserror::Error, CommandError)]
pub enum SwitchError {
    /// There is no protocol of this name.
    #[error("no such protocol")]
    #[amp(code = "NO_SUCH_PROTOCOL")]
    NoSuchProtocol,
}

/// The schema of the command with this name.
pub fn schema(name: &str) -> Option<&'static CommandSchema> {
    let all = [
        <Sum as Command>::SCHEMA,
        <Divide as Command>::SCHEMA,
        <EchoTypes as Command>::SCHEMA,
        <Delay as Command>::SCHEMA,
        <Fail as Command>::SCHEMA,
        <Notify as Command>::SCHEMA,
        <Notified as Command>::SCHEMA,
        <CallMe as Command>::SCHEMA,
        <Ping as Command>::SCHEMA,
        <BigEcho as Command>::SCHEMA,
    ];
    all.into_iter()
        .find(|schema| *schema.name == *name.as_bytes())
}
