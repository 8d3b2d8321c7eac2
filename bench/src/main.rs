//! Runs the compared programs side by side: `cargo xtask bench`.
//!
//! Each program has halves in processes of their own (`bench/peers`). The programs take turns, so that whatever else the machine
//! does meets all of them; medians count, and ratios are medians over the turns.

mod chart;
mod figures;
mod machine;
mod outcome;
mod peer;
mod plan;
mod process;
mod profile;
mod report;
mod scenario;

use std::error::Error;

use indicatif::{ProgressBar, ProgressStyle};

use crate::outcome::Outcome;
use crate::plan::Plan;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(plan) = Plan::from_arguments(std::env::args().skip(1))? else {
        print!("{}", plan::help());
        return Ok(());
    };
    let bar = ProgressBar::new(plan.turns() as u64).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} {msg} [{elapsed} of about {duration}]",
    )?);
    println!("{}", machine::description(plan.profile));
    let mut outcomes = Vec::new();
    for &scenario in &plan.scenarios {
        let outcome = Outcome::measure(scenario, &plan, &bar)?;
        bar.suspend(|| println!("{}", report::table(&outcome)));
        outcomes.push(outcome);
    }
    bar.finish_and_clear();
    if let Some(folder) = &plan.results {
        std::fs::create_dir_all(folder)?;
        chart::draw(folder, &outcomes)?;
        let file = folder.join("README.md");
        std::fs::write(&file, report::file(&plan, &outcomes))?;
        println!("written: {}", file.display());
    }
    Ok(())
}
