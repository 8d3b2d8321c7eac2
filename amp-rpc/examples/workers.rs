//! A program that starts itself as two child processes and lets them work.
//!
//! `cargo run --features process --example workers` prints
//!
//! ```text
//! 3 squared is 9, says worker 1
//! 4 squared is 16, says worker 2
//! both workers ended: exit status: 0, exit status: 0
//! ```
//!
//! and, somewhere between these lines, what the workers print.
//!
//! With `--worker ENDPOINT` it is a worker of whoever has started it: over `stdio:`, `fd:3:4` and so on.

use std::error::Error;

use amp_rpc::process::Program;
use amp_rpc::{Amp, Answer, Command, Fields, Responders};

#[derive(Command)]
#[amp(response = Squared)]
struct Square {
    number: i64,
}

#[derive(Fields)]
struct Squared {
    square: i64,
}

async fn square(command: Square) -> Answer<Square> {
    let square = command.number * command.number;
    // This does not get into the conversation, even where that goes over standard output.
    println!("a worker squares {}", command.number);
    Ok(Squared { square })
}

/// Works until the connection ends.
async fn work(endpoint: &str) -> Result<(), Box<dyn Error>> {
    let amp = Amp::new().locator(Responders::new().on(square));
    amp.listen(endpoint).await?.run().await;
    Ok(())
}

/// Has two workers: one over its standard input and output, one over descriptors 3 and 4.
async fn lead() -> Result<(), Box<dyn Error>> {
    let program = Program::new(std::env::current_exe()?).arg("--worker");
    let (one, first) = Amp::new().spawn(&program.clone().arg("stdio:"))?;
    let (two, second) = Amp::new().spawn(&program.arg("fd:3:4").descriptors(3, 4))?;
    let square = one.call(Square { number: 3 }).await?.square;
    println!("3 squared is {square}, says worker 1");
    let square = two.call(Square { number: 4 }).await?.square;
    println!("4 squared is {square}, says worker 2");
    one.close();
    two.close();
    let (first, second) = (first.wait().await?, second.wait().await?);
    println!("both workers ended: {first}, {second}");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => lead().await,
        ["--worker", endpoint] => work(endpoint).await,
        _ => Err("usage: workers [--worker ENDPOINT]".into()),
    }
}
