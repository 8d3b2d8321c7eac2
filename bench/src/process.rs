//! A process, and what the system knows about it.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A process that ends with its owner.
pub(crate) struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Kept open: closed, it tells a client to end.
    pub(crate) input: ChildStdin,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let input = child.stdin.take().ok_or_else(missing)?;
        let out = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Self { child, out, input })
    }

    /// The next line that it prints; an error when it ends instead.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.out.read_line(&mut line)? == 0 {
            let status = self.child.wait()?;
            return Err(io::Error::other(format!("it ended, {status}")));
        }
        Ok(line.trim().to_owned())
    }

    /// The time that its threads have been running, to the nanosecond; nothing where the system does not tell.
    pub(crate) fn running_time(&self) -> Option<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        let mut time = Duration::ZERO;
        for task in tasks {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            time += Duration::from_nanos(text.split(' ').next()?.parse().ok()?);
        }
        Some(time)
    }

    /// Its resident memory in KiB; nothing where the system does not tell.
    pub(crate) fn resident(&self) -> Option<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
