//! Builds the programs that are compared and runs them side by side.

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{step, venv};

/// The peers that are packages of their own, in folders of `bench/peers`.
const PEERS: [&str; 1] = ["tarpc"];

/// Builds everything with the profile `measured`, each peer by itself, and runs `bench`.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let python = venv::ready(workspace)?;
    let advice = "A benchmark needs all of its peers.";
    // Alone, so that no other package's features are switched on in common dependencies.
    step::run(
        Command::new(Workspace::cargo())
            .args(["build", "--profile", "measured", "--package", "bench"])
            .current_dir(workspace.root()),
        advice,
    )?;
    for peer in PEERS {
        step::run(
            Command::new(Workspace::cargo())
                .args(["build", "--profile", "measured", "--target-dir"])
                .arg(workspace.target())
                .current_dir(workspace.root().join("bench").join("peers").join(peer)),
            advice,
        )?;
    }
    let built = workspace.target().join("measured");
    // One core for both halves: what is measured is the work, not who gets the second core.
    let pin = if pins() { "taskset -c 0 " } else { "" };
    let mut bench = Command::new(built.join("bench"));
    for peer in ["limit", "amp-rpc", "tarpc"] {
        let program = built.join(format!("bench-{peer}"));
        bench.arg(format!("--peer-{peer}={pin}{}", program.display()));
    }
    bench.arg(format!(
        "--peer-twisted={pin}{} {}",
        python.display(),
        workspace
            .root()
            .join("bench/python/twisted_peer.py")
            .display()
    ));
    let status = step::status(bench.args(arguments).current_dir(workspace.root()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether the system can keep a process on one core.
fn pins() -> bool {
    let pinned = Command::new("taskset")
        .args(["-c", "0", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let pins = pinned.is_ok_and(|status| status.success());
    if !pins {
        eprintln!("xtask: there is no `taskset` here; the processes run on any core");
    }
    pins
}
