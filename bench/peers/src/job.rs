//! What the command line asks for.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::commands::COUNTS;
use crate::{Call, Error, Load};

/// One run of a program.
#[derive(Debug)]
pub struct Job {
    /// 1 for a runtime on the current thread, more for a multi-thread runtime with so many workers.
    pub threads: usize,
    /// Which half it is.
    pub side: Side,
}

/// A half of a program.
#[derive(Debug)]
pub enum Side {
    /// Serves.
    Server,
    /// Calls.
    Client {
        /// The server's.
        port: u16,
        /// How much and how long.
        load: Load,
    },
    /// Opens connections and keeps them.
    Idle {
        /// The server's.
        port: u16,
        /// How many.
        connections: usize,
    },
}

const USAGE: &str = "usage: server [--threads=N]
       client PORT [--connections=N] [--outstanding=N] [--bytes=N] [--arguments=N] [--large=N] [--beside] [--latency]
              [--seconds=S] [--threads=N]
       idle PORT [--connections=N]

  --outstanding=N  calls under way on each connection (1)
  --bytes=N        echoes so many bytes instead of adding numbers
  --arguments=N    adds so many numbers (1, 5, 20, 50, 100 or 200) instead of two
  --large=N        N further callers echo 60,000 bytes each, all the time
  --beside         the large calls have a connection of their own
  --latency        also prints how long calls took";

impl Job {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn from_command_line() -> Result<Self, Error> {
        let mut words = Vec::new();
        let mut threads = 1;
        let mut load = Load::default();
        for argument in std::env::args().skip(1) {
            match argument.split_once('=') {
                Some(("--threads", value)) => threads = value.parse()?,
                Some(("--connections", value)) => load.connections = value.parse()?,
                Some(("--outstanding", value)) => load.outstanding = value.parse()?,
                Some(("--bytes", value)) => load.call = Call::Echo(value.parse()?),
                Some(("--arguments", value)) => load.call = Call::Add(count(value)?),
                Some(("--large", value)) => load.large = value.parse()?,
                Some(("--seconds", value)) => {
                    load.time = Duration::try_from_secs_f64(value.parse()?)?
                }
                None if argument == "--beside" => load.is_beside = true,
                None if argument == "--latency" => load.takes_latency = true,
                None if !argument.starts_with('-') => words.push(argument),
                _ => return Err(format!("{argument}?\n{USAGE}").into()),
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let side = match words[..] {
            ["server"] => Side::Server,
            ["client", port] => Side::Client {
                port: port.parse()?,
                load,
            },
            ["idle", port] => Side::Idle {
                port: port.parse()?,
                connections: load.connections,
            },
            _ => return Err(USAGE.into()),
        };
        Ok(Self { threads, side })
    }

    /// The runtime with that many threads.
    ///
    /// # Errors
    ///
    /// When there is none to be had.
    pub fn runtime(&self) -> Result<Runtime, Error> {
        let mut builder = match self.threads {
            1 => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        Ok(builder.worker_threads(self.threads).enable_all().build()?)
    }
}

/// A number of arguments that a command has.
fn count(value: &str) -> Result<usize, Error> {
    let count = value.parse()?;
    if COUNTS.contains(&count) {
        return Ok(count);
    }
    Err(format!("no command has {count} arguments; there are some with {COUNTS:?}").into())
}
