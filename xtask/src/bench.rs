//! Builds the programs that are compared and runs them side by side.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{step, venv};

/// The programs in `bench/peers`: their names, and whether a feature of that name brings what they need.
const PEERS: [(&str, bool); 7] = [
    ("limit", false),
    ("limit-blocking", false),
    ("limit-lean", false),
    ("amp-rpc", true),
    ("tarpc", true),
    ("capnp", true),
    ("tonic", true),
];

/// The profiles that they may be built with, all in the same way; the first one unless another one is asked for.
const PROFILES: [&str; 2] = ["measured", "release"];

const ADVICE: &str = "A benchmark needs all of its peers.";

/// Builds each peer by itself, all with the same profile, and runs `bench`, whose own profile changes no figure.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<ExitCode, Failure> {
    let profile = profile(arguments)?;
    let target = workspace.target();
    step::run(
        Command::new(Workspace::cargo())
            .args(["build", "--profile", "measured", "--package", "bench"])
            .current_dir(workspace.root()),
        ADVICE,
    )?;
    let mut bench = Command::new(target.join("measured").join("bench"));
    // Whoever asks for help need not wait for what is compared.
    if !arguments.iter().any(|argument| argument == "--help") {
        add_peers(workspace, profile, &mut bench)?;
    }
    let status = step::status(bench.args(arguments).current_dir(workspace.root()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds what is compared, and tells the benchmark where it is.
fn add_peers(workspace: &Workspace, profile: &str, bench: &mut Command) -> Result<(), Failure> {
    let python = venv::ready(workspace)?;
    let target = workspace.target();
    let built = target.join(profile);
    let peers = workspace.root().join("bench").join("peers");
    for (name, has_feature) in PEERS {
        if name == "capnp" && !has_capnp() {
            eprintln!(
                "xtask: Cap'n Proto is left out: its compiler `capnp` is not here (Debian's package capnproto has it)"
            );
            continue;
        }
        build_peer(&peers, target, profile, name, has_feature)?;
        let program = built.join(format!("bench-{name}"));
        bench.arg(format!("--peer-{name}={}", program.display()));
    }
    bench.arg(format!(
        "--peer-twisted={} {}",
        python.display(),
        peers.join("src/bin/twisted_amp.py").display()
    ));
    bench.arg(format!(
        "--all-results={}",
        workspace.root().join("bench").join("results").display()
    ));
    Ok(())
}

/// Which profile is asked for; the benchmark gets the option, too, and tells it.
fn profile(arguments: &[OsString]) -> Result<&'static str, Failure> {
    let mut asked = arguments
        .iter()
        .filter_map(|argument| argument.to_str()?.strip_prefix("--profile="));
    let Some(name) = asked.next_back() else {
        return Ok(PROFILES[0]);
    };
    let known = PROFILES.into_iter().find(|known| *known == name);
    known.ok_or_else(|| {
        Failure::new(format!(
            "unknown profile {name:?}; expected `measured` or `release`"
        ))
    })
}

/// Alone, so that no feature of a common dependency is switched on by another peer.
fn build_peer(
    peers: &Path,
    target: &Path,
    profile: &str,
    name: &str,
    has_feature: bool,
) -> Result<(), Failure> {
    let mut cargo = Command::new(Workspace::cargo());
    cargo
        .args(["build", "--profile", profile, "--bin"])
        .arg(format!("bench-{name}"))
        .arg("--target-dir")
        .arg(target)
        .current_dir(peers);
    if has_feature {
        cargo.args(["--features", name]);
    }
    step::run(&mut cargo, ADVICE)
}

/// Whether there is a compiler for Cap'n Proto's schemas.
fn has_capnp() -> bool {
    let version = Command::new("capnp")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_profile_counts() {
        let asked = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
            profile(&arguments).map_err(|why| why.to_string())
        };
        assert_eq!(asked(&["64", "--rounds=3"]), Ok("measured"));
        assert_eq!(asked(&["--profile=release", "64"]), Ok("release"));
        assert_eq!(
            asked(&["--profile=release", "--profile=measured"]),
            Ok("measured")
        );
        assert_eq!(
            asked(&["--profile=dev"]),
            Err("unknown profile \"dev\"; expected `measured` or `release`".into())
        );
    }
}
