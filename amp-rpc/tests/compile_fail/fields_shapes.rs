//! Types whose fields cannot travel.

use amp_rpc::{Command, Fields};

#[derive(Command)]
struct Tuple(i64, i64);

#[derive(Fields)]
enum Enum {
    A,
}

#[derive(Command)]
union Union {
    a: i64,
    b: u64,
}

#[derive(Fields)]
struct Borrowed<'a> {
    name: &'a str,
}

#[derive(Command)]
struct BorrowedCommand<'a, 'b> {
    name: &'a str,
    other: &'b str,
}

// What uses them is not reported as well.
#[derive(Command)]
#[amp(response = Enum)]
struct Query {
    rows: Vec<Borrowed<'static>>,
    enums: Option<Vec<Enum>>,
}

fn is_command<C: Command>() {}

fn main() {
    is_command::<Tuple>();
    is_command::<Query>();
    is_command::<Union>();
}
