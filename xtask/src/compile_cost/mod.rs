//! What one more command costs those who build a program, in bytes and in time.

mod cost;
mod program;
mod source;

use std::process::ExitCode;

use crate::failure::Failure;
use crate::workspace::Workspace;

use cost::{Cost, Side};
use program::Program;

/// How many commands the smaller and the larger program have.
const COMMANDS: [usize; 2] = [1, 101];

/// How often each program is checked; the best time counts, since whatever else the machine does makes it only longer.
const CHECKS: usize = 7;

/// Generates both programs under the target directory, builds and checks them, and prints what the difference is.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode, Failure> {
    let [small, large] = COMMANDS;
    let small = Program::generate(workspace, small)?;
    let large = Program::generate(workspace, large)?;
    let sizes = [small.size()?, large.size()?];
    // The first check of each has nothing to build on.
    small.check(0)?;
    large.check(0)?;
    let mut times = [small.check(1)?, large.check(1)?];
    for round in 2..=CHECKS {
        times[0] = times[0].min(small.check(round)?);
        times[1] = times[1].min(large.check(round)?);
    }
    let side = |at: usize| Side {
        commands: COMMANDS[at],
        bytes: sizes[at],
        check: times[at],
    };
    let cost = Cost {
        small: side(0),
        large: side(1),
    };
    print!("{cost}");
    if cost.is_within_limit() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "xtask: a command adds more than {} KiB to a program",
        cost::LIMIT_KIB
    );
    Ok(ExitCode::FAILURE)
}
