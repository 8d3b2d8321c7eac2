//! One of the programs that are compared.

use std::error::Error;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use crate::figures::Figures;
use crate::process::Process;
use crate::scenario::{Kind, Point, Scenario};

/// What connections do when they become idle happens within this time.
const SETTLING: Duration = Duration::from_millis(500);

/// A program with the halves that `bench/peers/src/lib.rs` describes.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    command: Vec<String>,
}

impl Peer {
    /// `command` is the program with its first arguments, separated by blanks.
    pub(crate) fn new(name: &str, command: &str) -> Self {
        Self {
            name: name.to_owned(),
            command: command.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// Starts a server and a client, and returns what they did.
    pub(crate) fn measure(
        &self,
        scenario: &Scenario,
        point: &Point,
        seconds: f64,
    ) -> Result<Figures, Box<dyn Error>> {
        self.try_to_measure(scenario, point, seconds)
            .map_err(|why| format!("{} at {}: {why}", self.name, scenario.name).into())
    }

    fn try_to_measure(
        &self,
        scenario: &Scenario,
        point: &Point,
        seconds: f64,
    ) -> Result<Figures, Box<dyn Error>> {
        let mut server = self.half(scenario, "server")?;
        let line = server.line()?;
        let port = line.strip_prefix("listening ").ok_or("no port")?;
        if scenario.kind == Kind::Idle {
            let mut client = self.half(scenario, &format!("idle {port} {}", point.arguments))?;
            client.line()?;
            let before = at_rest(&server, &client);
            writeln!(client.input)?;
            client.line()?;
            let after = at_rest(&server, &client);
            let connections = (point.arguments.split_once('='))
                .and_then(|(_, number)| number.parse().ok())
                .unwrap_or(1.0);
            return Ok(Figures::of_memory(before, after, connections));
        }
        let arguments = format!("client {port} --seconds={seconds} {}", point.arguments);
        let mut client = self.half(scenario, &arguments)?;
        client.line()?;
        let before = server.running_time();
        let line = client.line()?;
        let mut figures = Figures::from_line(&line)?;
        if let (Some(before), Some(after)) = (before, server.running_time()) {
            figures.set_server_time(after.saturating_sub(before));
        }
        Ok(figures)
    }

    fn half(&self, scenario: &Scenario, arguments: &str) -> Result<Process, Box<dyn Error>> {
        let is_pinned = scenario.threads == 1 && can_pin();
        let threads = format!("--threads={}", scenario.threads);
        let pin: &[&str] = if is_pinned {
            &["taskset", "-c", "0"]
        } else {
            &[]
        };
        let mut words = pin
            .iter()
            .copied()
            .chain(self.command.iter().map(String::as_str))
            .chain(arguments.split_whitespace())
            .chain([threads.as_str()]);
        let mut command = Command::new(words.next().ok_or("no program")?);
        command.args(words);
        Ok(Process::start(command)?)
    }
}

/// The resident memory of both once nothing happens.
fn at_rest(server: &Process, client: &Process) -> [Option<f64>; 2] {
    thread::sleep(SETTLING);
    [server.resident(), client.resident()]
}

/// Whether the system can keep a process on one core.
fn can_pin() -> bool {
    static CAN_PIN: OnceLock<bool> = OnceLock::new();
    *CAN_PIN.get_or_init(|| {
        let pinned = Command::new("taskset")
            .args(["-c", "0", "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let can_pin = pinned.is_ok_and(|status| status.success());
        if !can_pin {
            eprintln!("bench: there is no `taskset` here; the processes run on any core");
        }
        can_pin
    })
}
