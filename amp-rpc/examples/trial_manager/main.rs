//! The manager of `twisted.trial`: runs Python tests in trial's own worker processes, as `trial -j N`
//! does, and prints what trial prints.
//!
//!     cargo run --features process --example trial_manager -- -j 2 --python PATH NAME...
//!
//! PATH is a Python interpreter that has Twisted; NAME is a module, class, method or file with tests.
//! The exit code is that of trial: 0 when no test failed, and 1 when one did; 2 when the tests could
//! not be run. `--help` lists all options.
//!
//! A worker is a process that speaks AMP over the descriptors 3 and 4. The manager calls `Start` and
//! `Run`, and while a test runs the worker calls the manager with its results: both sides of a
//! connection have responders. The commands are in `commands.rs`, those that the manager carries out
//! in `results.rs`.
//!
//! Some things are better than with `trial -j` of Twisted 26.10: a worker that crashes costs its test,
//! and not those that it would have run later; a failed subtest of a plain `unittest` class is not
//! lost; and neither a test that passes against expectation nor a module without tests is a problem.

mod arguments;
mod commands;
mod find;
mod folder;
mod outcome;
mod pool;
mod process;
mod progress;
mod report;
mod results;
mod worker;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use arguments::{Arguments, Options};
use folder::Folder;
use pool::Event;
use progress::Progress;
use report::Report;
use worker::Setup;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Arguments::read(std::env::args_os().skip(1)) {
        Ok(Arguments::Run(options)) => options,
        Ok(Arguments::Help) => {
            println!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => return fail(&problem),
    };
    let ran = tokio::select! {
        ran = run(options) => ran,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&chain(&*error)),
    }
}

fn fail(problem: &str) -> ExitCode {
    eprintln!("trial_manager: {problem}");
    ExitCode::from(2)
}

/// Runs the tests and prints what came of them. Returns whether no test failed.
async fn run(options: Options) -> Result<bool, Box<dyn Error + Send + Sync>> {
    let tests = find::find(&options.python, options.names).await?;
    let folder = Folder::take(&options.folder)?;
    let mut report = Report::begin(tests.found.count)?;
    let mut progress = Progress::new(tests.names.len());
    let setup = Setup {
        python: options.python,
        worker: tests.found.worker,
        path: tests.found.path,
        folder: folder.path().to_owned(),
        log: Arc::new(folder.log()?),
    };
    let mut events = pool::run(setup, options.jobs, tests.names);
    while let Some(event) = events.recv().await {
        match event {
            Event::Started { worker, test } => progress.started(worker, test)?,
            Event::Ended {
                worker,
                test,
                outcomes,
            } => {
                progress.hide()?;
                report.add(&test, outcomes)?;
                progress.ended(worker)?;
            }
            Event::Broken(error) => return Err(error),
        }
    }
    Ok(report.end()?)
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
