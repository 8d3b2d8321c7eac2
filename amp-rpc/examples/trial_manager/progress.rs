//! How far the run is, on standard error.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Stderr, Write as _};

/// The longest line that no terminal breaks.
const COLUMNS: usize = 79;

/// On a terminal a line that is there while tests run; elsewhere a line for each tenth of the tests.
pub(crate) struct Progress {
    out: Stderr,
    is_live: bool,
    total: usize,
    ended: usize,
    /// What each worker runs.
    running: BTreeMap<usize, String>,
}

impl Progress {
    pub(crate) fn new(total: usize) -> Self {
        let out = io::stderr();
        Self {
            is_live: out.is_terminal(),
            out,
            total,
            ended: 0,
            running: BTreeMap::new(),
        }
    }

    pub(crate) fn started(&mut self, worker: usize, test: String) -> io::Result<()> {
        self.running.insert(worker, test);
        self.show()
    }

    pub(crate) fn ended(&mut self, worker: usize) -> io::Result<()> {
        self.running.remove(&worker);
        let tenth = |ended: usize| ended * 10 / self.total.max(1);
        let before = tenth(self.ended);
        self.ended += 1;
        if !self.is_live && tenth(self.ended) > before {
            writeln!(self.out, "{}", self.count())?;
        }
        self.show()
    }

    /// Makes room for the report. The line comes back with the next test.
    pub(crate) fn hide(&mut self) -> io::Result<()> {
        match self.is_live {
            true => write!(self.out, "\r\x1b[K"),
            false => Ok(()),
        }
    }

    fn show(&mut self) -> io::Result<()> {
        if !self.is_live || self.running.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.running.values().map(String::as_str).collect();
        let line = format!("{}; now {}", self.count(), names.join(", "));
        let line: String = line.chars().take(COLUMNS).collect();
        write!(self.out, "\r\x1b[K{line}")
    }

    fn count(&self) -> String {
        format!("{} of {} have run", self.ended, self.total)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // What is printed next would stand behind the line, which is all that can go wrong.
        let _ = self.hide();
    }
}
