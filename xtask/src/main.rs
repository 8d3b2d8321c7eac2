//! `cargo xtask`: the project's own commands. `cargo xtask help` lists them.

mod bench;
mod compile_cost;
mod count;
mod failure;
mod help;
mod interpreter;
mod job;
mod step;
mod test;
mod venv;
mod workspace;

use std::process::ExitCode;

use crate::failure::Failure;
use crate::job::Job;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    let result = Job::from_arguments(std::env::args_os().skip(1)).and_then(run);
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(job: Job) -> Result<ExitCode, Failure> {
    match job {
        Job::Help => {
            print!("{}", help::TEXT);
            Ok(ExitCode::SUCCESS)
        }
        Job::Python => {
            let python = venv::ready(&Workspace::find())?;
            println!("{}", python.display());
            Ok(ExitCode::SUCCESS)
        }
        Job::Bench { arguments } => bench::run(&Workspace::find(), &arguments),
        Job::CompileCost => compile_cost::run(&Workspace::find()),
        Job::Count { arguments } => count::run(&Workspace::find(), &arguments),
        Job::Test { arguments } => test::run(&Workspace::find(), &arguments),
    }
}
