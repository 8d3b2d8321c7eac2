//! One of the programs that are compared.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A program with the halves `server` and `client`.
pub(crate) struct Peer {
    pub(crate) name: String,
    command: Vec<String>,
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    /// `command` is the program with its first arguments, separated by blanks.
    pub(crate) fn new(name: &str, command: &str) -> Self {
        Self {
            name: name.to_owned(),
            command: command.split_whitespace().map(str::to_owned).collect(),
        }
    }

    fn half(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Starts both halves and returns how many calls ended in a second.
    pub(crate) fn measure(&self, outstanding: usize, seconds: f64) -> Result<f64, Box<dyn Error>> {
        let problem = |what: &str| format!("the {what} of {} failed", self.name);
        let mut server = Running(self.half(&["server"]).spawn()?);
        let out = server.0.stdout.take().ok_or_else(|| problem("server"))?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let port = line
            .trim()
            .strip_prefix("listening ")
            .ok_or_else(|| problem("server"))?;
        let outstanding = outstanding.to_string();
        let seconds = seconds.to_string();
        let client = self
            .half(&["client", port, &outstanding, &seconds])
            .output()?;
        if !client.status.success() {
            return Err(problem("client").into());
        }
        Ok(String::from_utf8(client.stdout)?.trim().parse()?)
    }
}
