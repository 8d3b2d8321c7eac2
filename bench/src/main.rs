//! Runs the peers against each other's figures: `cargo xtask bench`.
//!
//! Each peer is a program of two halves, `server` and `client PORT OUTSTANDING SECONDS`, in processes
//! of their own. The peers take turns, so that whatever else the machine does meets all of them, and
//! the median of the turns counts.

mod peer;

use std::error::Error;
use std::io::{IsTerminal as _, Write as _};

use peer::Peer;

/// What one run measures.
struct Plan {
    outstanding: usize,
    rounds: usize,
    seconds: f64,
    peers: Vec<Peer>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let plan = Plan::from_arguments(std::env::args().skip(1))?;
    let mut rates = vec![Vec::new(); plan.peers.len()];
    for round in 0..plan.rounds {
        for (peer, rates) in plan.peers.iter().zip(&mut rates) {
            progress(&format!(
                "round {} of {}: {}",
                round + 1,
                plan.rounds,
                peer.name
            ));
            rates.push(peer.measure(plan.outstanding, plan.seconds)?);
        }
    }
    progress("");
    print_table(&plan, &rates);
    Ok(())
}

impl Plan {
    fn from_arguments(arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut plan = Self {
            outstanding: 256,
            rounds: 7,
            seconds: 1.0,
            peers: Vec::new(),
        };
        for argument in arguments {
            let (name, value) = argument.split_once('=').ok_or_else(|| usage(&argument))?;
            match name {
                "--outstanding" => plan.outstanding = value.parse()?,
                "--rounds" => plan.rounds = value.parse()?,
                "--seconds" => plan.seconds = value.parse()?,
                _ => match name.strip_prefix("--peer-") {
                    Some(peer) => plan.peers.push(Peer::new(peer, value)),
                    None => return Err(usage(&argument).into()),
                },
            }
        }
        if plan.peers.is_empty() || plan.rounds == 0 {
            return Err(usage("no peers").into());
        }
        Ok(plan)
    }
}

fn usage(problem: &str) -> String {
    format!(
        "{problem}\nusage: bench [--outstanding=N] [--rounds=N] [--seconds=S] --peer-NAME='COMMAND' ..."
    )
}

/// Says what runs now, on a terminal only.
fn progress(text: &str) {
    let mut out = std::io::stderr();
    if out.is_terminal() {
        // Progress is worth no error.
        let _ = write!(out, "\r\x1b[K{text}").and_then(|()| out.flush());
    }
}

fn print_table(plan: &Plan, rates: &[Vec<f64>]) {
    println!(
        "Sum calls on one connection, {} outstanding; medians of {} interleaved runs of {} s",
        plan.outstanding, plan.rounds, plan.seconds
    );
    let medians: Vec<f64> = rates.iter().map(|rates| median(rates)).collect();
    println!(
        "{:<12} {:>12} {:>24} {:>10}",
        "peer", "calls/s", "spread", "of first"
    );
    for ((peer, rates), rate) in plan.peers.iter().zip(rates).zip(&medians) {
        let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let most = rates.iter().copied().fold(0.0, f64::max);
        let spread = format!("{least:.0} to {most:.0}");
        let ratio = rate / medians[0];
        println!("{:<12} {rate:>12.0} {spread:>24} {ratio:>10.3}", peer.name);
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
