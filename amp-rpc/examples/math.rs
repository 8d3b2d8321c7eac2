//! Sums and divisions, and what becomes of a division by zero.
//!
//!     cargo run --example math
//!
//! A server and a client in one process, over TCP. Prints:
//!
//!     13 + 81 = 94
//!     5 / 2 = 2.5
//!     1 / 0: division by zero
//!     the server is still there: 1 + 1 = 2

use std::error::Error;
use std::time::Duration;

use amp_rpc::{Amp, Answer, CallError, Command, CommandError, Fields, Responders};

#[derive(Debug, Command)]
#[amp(response = Total)]
struct Sum {
    a: i64,
    b: i64,
}

#[derive(Debug, Fields)]
struct Total {
    total: i64,
}

#[derive(Debug, Command)]
#[amp(response = Quotient, error = DivideError)]
struct Divide {
    numerator: i64,
    denominator: i64,
}

#[derive(Debug, Fields)]
struct Quotient {
    result: f64,
}

#[derive(Debug, thiserror::Error, CommandError)]
enum DivideError {
    #[error("division by zero")]
    #[amp(code = "ZERO_DIVISION")]
    ZeroDivision,
}

async fn sum(command: Sum) -> Answer<Sum> {
    // Numbers that are too large are this program's limit, not the peer's mistake.
    let total = command.a.checked_add(command.b);
    let total = total.ok_or_else(|| amp_rpc::Failure::unexpected("the sum is too large"))?;
    Ok(Total { total })
}

async fn divide(command: Divide) -> Answer<Divide> {
    if command.denominator == 0 {
        return Err(DivideError::ZeroDivision.into());
    }
    let result = command.numerator as f64 / command.denominator as f64;
    Ok(Quotient { result })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let amp = Amp::new().locator(Responders::new().on(sum).on(divide));
    let server = amp.listen("tcp:0:interface=127.0.0.1").await?;
    let peer = Amp::new().connect_to(server.endpoint()).await?;

    let Total { total } = peer.call(Sum { a: 13, b: 81 }).await?;
    println!("13 + 81 = {total}");

    let five_halves = Divide {
        numerator: 5,
        denominator: 2,
    };
    let Quotient { result } = peer.call(five_halves).await?;
    println!("5 / 2 = {result}");

    let by_zero = Divide {
        numerator: 1,
        denominator: 0,
    };
    match peer.call(by_zero).await {
        Err(CallError::Declared { error, .. }) => println!("1 / 0: {error}"),
        other => return Err(format!("a division by zero gave {other:?}").into()),
    }

    let Total { total } = peer.call(Sum { a: 1, b: 1 }).await?;
    println!("the server is still there: 1 + 1 = {total}");
    drop(peer);
    server.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
