//! Responses and errors that are none.

use amp_rpc::{Command, CommandError, Fields};

struct Total {
    total: i64,
}

#[derive(Debug)]
enum SumError {
    Overflow,
}

#[derive(Command)]
#[amp(response = Total, error = SumError)]
struct Sum {
    a: i64,
}

#[derive(Command)]
#[amp(response = i64)]
struct Count;

/// Commands wait and move between threads.
#[derive(Command)]
#[amp(response = Row)]
struct Hidden {
    rows: Vec<Row>,
}

#[derive(Fields)]
struct Row {
    number: Number,
}

struct Number(std::rc::Rc<i64>);

impl amp_rpc::Argument for Number {
    fn encode(&self, _: &mut amp_rpc::wire::ValueWriter<'_>) -> Result<(), amp_rpc::EncodeError> {
        Ok(())
    }

    fn decode(_: amp_rpc::wire::RawValue<'_>) -> Result<Self, amp_rpc::DecodeError> {
        Ok(Self(std::rc::Rc::new(0)))
    }
}

fn command<C: Command>() {}
fn error<E: CommandError>() {}

struct NotDerived;

fn main() {
    command::<NotDerived>();
    error::<NotDerived>();
}
