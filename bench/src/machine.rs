//! What a measurement was made with.

use std::fs;
use std::process::Command;

use crate::profile::Profile;

/// The machine, the system and the compiler, one a line.
pub(crate) fn description(profile: Profile) -> String {
    let first = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or_else(
            || "unknown".to_owned(),
            |(_, value)| value.trim().to_owned(),
        )
    };
    let processor = first("/proc/cpuinfo", "model name");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = first("/proc/meminfo", "MemTotal");
    format!(
        "- processor: {processor}, {cores} cores; memory: {memory}\n- system: {}\n- compiler: {}; profile {}\n",
        said_by("uname", &["-sr"]),
        said_by("rustc", &["--version"]),
        profile.description(),
    )
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
