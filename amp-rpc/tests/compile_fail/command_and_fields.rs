//! `Command` brings `Fields` with it.

use amp_rpc::{Command, Fields};

#[derive(Command, Fields)]
struct Sum {
    a: i64,
}

fn main() {}
