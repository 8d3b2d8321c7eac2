//! A generated program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::step;
use crate::workspace::Workspace;

use super::source;

const ADVICE: &str = "The generated program has to compile.";

/// A program that has a number of commands, in a folder of its own.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    commands: usize,
    folder: PathBuf,
    /// Of all generated programs, so that what they depend on is built once.
    target: PathBuf,
}

impl Program {
    /// Writes it under the target directory.
    pub(crate) fn generate(workspace: &Workspace, commands: usize) -> Result<Self, Failure> {
        let all = workspace.target().join("compile-cost");
        let name = format!("commands-{commands}");
        let program = Self {
            folder: all.join(&name),
            target: all.join("target"),
            name,
            commands,
        };
        let source = program.folder.join("src");
        fs::create_dir_all(&source).map_err(|error| cannot_write(&source, &error))?;
        let manifest = source::manifest(&program.name, &workspace.root().join("amp-rpc"));
        write(&program.folder.join("Cargo.toml"), &manifest)?;
        // With the versions that everything else here is built with.
        let lock = program.folder.join("Cargo.lock");
        fs::copy(workspace.root().join("Cargo.lock"), &lock)
            .map_err(|error| cannot_write(&lock, &error))?;
        program.write_main(0)?;
        Ok(program)
    }

    /// Builds it, and tells how large it is in bytes.
    pub(crate) fn size(&self) -> Result<u64, Failure> {
        step::run(&mut self.cargo(&["build", "--release"]), ADVICE)?;
        let suffix = std::env::consts::EXE_SUFFIX;
        let file = self
            .target
            .join("release")
            .join(format!("{}{suffix}", self.name));
        let metadata = fs::metadata(&file)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))?;
        Ok(metadata.len())
    }

    /// Lets a function's body say another number than before, and tells how long a check then takes.
    pub(crate) fn check(&self, number: usize) -> Result<Duration, Failure> {
        self.write_main(number)?;
        let mut cargo = self.cargo(&["check", "--quiet"]);
        cargo.env("CARGO_INCREMENTAL", "1");
        let start = Instant::now();
        step::run(&mut cargo, ADVICE)?;
        Ok(start.elapsed())
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(Workspace::cargo());
        cargo
            .args(arguments)
            .arg("--target-dir")
            .arg(&self.target)
            .current_dir(&self.folder);
        cargo
    }

    fn write_main(&self, number: usize) -> Result<(), Failure> {
        let file = self.folder.join("src").join("main.rs");
        write(&file, &source::main(self.commands, number))
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| cannot_write(file, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}
