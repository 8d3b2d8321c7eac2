//! Words on a command that are not known, or do not go together.

use amp_rpc::Command;

#[derive(Command)]
#[amp(respons = Total, errors = Vec<Total, Total>, fatal, name = "A")]
struct UnknownWords;

#[derive(Command)]
#[amp(response = "Total", error, name = Sum, closes = true, no_answer(true), crate = "amp")]
struct Values;

#[derive(Command)]
#[amp(closes, switches, starttls)]
struct Kinds;

#[derive(Command)]
#[amp(no_answer, switches)]
struct SwitchWithoutAnswer;

#[derive(Command)]
#[amp(starttls, no_answer)]
struct StartTlsWithoutAnswer;

#[derive(Command)]
#[amp(idempotent, switches)]
struct SwitchTwice;

fn main() {}
