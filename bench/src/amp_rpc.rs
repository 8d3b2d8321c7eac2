//! `Sum` calls with amp-rpc in its default configuration.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use amp_rpc::{Amp, Answer, Command, Fields, Peer, Responders};

/// Adds two numbers.
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

async fn sum(command: Sum) -> Answer<Sum> {
    let total = command.a + command.b;
    Ok(Total { total })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server"] => {
            let amp = Amp::new().locator(Responders::new().on(sum));
            let server = amp.listen("tcp:0:interface=127.0.0.1").await?;
            let endpoint = server.endpoint().to_string();
            let port = endpoint.rsplit(':').next().unwrap_or_default();
            println!("listening {port}");
            server.run().await;
        }
        ["client", port, outstanding, seconds] => {
            let peer = Amp::new().connect(&format!("tcp:127.0.0.1:{port}")).await?;
            let time = Duration::from_secs_f64(seconds.parse()?);
            println!("{}", call(&peer, outstanding.parse()?, time).await?);
        }
        _ => return Err("usage: server | client PORT OUTSTANDING SECONDS".into()),
    }
    Ok(())
}

/// Keeps calls outstanding, each in a task of its own, and returns how many end in a second.
async fn call(peer: &Peer, outstanding: i64, time: Duration) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = Vec::new();
    for caller in 0..outstanding {
        let (peer, is_over) = (peer.clone(), Arc::clone(&is_over));
        callers.push(tokio::spawn(async move {
            let mut calls = 0_i64;
            while !is_over.load(Ordering::Relaxed) {
                let command = Sum {
                    a: caller,
                    b: calls,
                };
                let answer = peer.call(command).await?;
                assert_eq!(answer.total, caller + calls, "a wrong answer");
                calls += 1;
            }
            Ok::<_, amp_rpc::CallError>(calls)
        }));
    }
    tokio::time::sleep(time).await;
    is_over.store(true, Ordering::Relaxed);
    let mut calls = 0;
    for caller in callers {
        calls += caller.await??;
    }
    Ok(calls as f64 / start.elapsed().as_secs_f64())
}
