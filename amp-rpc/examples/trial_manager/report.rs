//! The report, as trial's `TreeReporter` prints it.

use std::io::{self, IsTerminal as _, Stdout, Write};
use std::time::Instant;

use crate::outcome::{Outcome, repr};

const COLUMNS: usize = 79;
const INDENT: &str = "  ";

/// Codes of terminals.
#[derive(Clone, Copy)]
enum Color {
    Red = 31,
    Green = 32,
    Blue = 34,
}

/// Prints each test when it has ended, and the rest at the end.
pub(crate) struct Report {
    out: Stdout,
    is_colored: bool,
    started: Instant,
    tests: usize,
    successes: usize,
    skips: Section,
    expected_failures: Section,
    failures: Section,
    errors: Section,
    unexpected_successes: Section,
    /// The module and class of the last test.
    branch: Vec<String>,
}

/// The tests with one kind of outcome, by what is said of them.
struct Section {
    /// Its name in the summary.
    name: &'static str,
    word: &'static str,
    color: Color,
    groups: Vec<(String, Vec<String>)>,
}

impl Report {
    pub(crate) fn begin(count: usize) -> io::Result<Self> {
        let mut out = io::stdout();
        writeln!(out, "Running {count} tests.")?;
        Ok(Self {
            is_colored: out.is_terminal() && std::env::var_os("TERM").is_some_and(|t| t != "dumb"),
            out,
            started: Instant::now(),
            tests: 0,
            successes: 0,
            skips: Section::new("skips", "[SKIPPED]", Color::Blue),
            expected_failures: Section::new("expectedFailures", "[TODO]", Color::Blue),
            failures: Section::new("failures", "[FAIL]", Color::Red),
            errors: Section::new("errors", "[ERROR]", Color::Red),
            unexpected_successes: Section::new("unexpectedSuccesses", "[SUCCESS!?!]", Color::Red),
            branch: Vec::new(),
        })
    }

    /// Adds a test that has ended.
    pub(crate) fn add(&mut self, test: &str, outcomes: Vec<Outcome>) -> io::Result<()> {
        self.tests += 1;
        let line = self.begin_line(test)?;
        for outcome in outcomes {
            let (section, said) = match outcome {
                Outcome::Success => {
                    self.successes += 1;
                    self.end_line(line, "[OK]", Color::Green)?;
                    continue;
                }
                Outcome::Skip { reason } => (&mut self.skips, format!("{reason}\n")),
                Outcome::ExpectedFailure { todo, error } => {
                    let said = format!("Reason: {}\n{}\n", repr(&todo), error.trim_end());
                    (&mut self.expected_failures, said)
                }
                Outcome::Failure(traceback) => (&mut self.failures, traceback.to_string()),
                Outcome::Error(traceback) => (&mut self.errors, traceback.to_string()),
                Outcome::UnexpectedSuccess { todo } => {
                    let said = format!("Reason: {}\n", repr(&todo));
                    (&mut self.unexpected_successes, said)
                }
            };
            section.add(said, test);
            let (word, color) = (section.word, section.color);
            self.end_line(line, word, color)?;
        }
        Ok(())
    }

    fn is_successful(&self) -> bool {
        self.failures.count() + self.errors.count() == 0
    }

    /// Prints what failed, and the summary. Returns whether no test failed.
    pub(crate) fn end(mut self) -> io::Result<bool> {
        writeln!(self.out)?;
        let sections = [
            &self.skips,
            &self.expected_failures,
            &self.failures,
            &self.errors,
            &self.unexpected_successes,
        ];
        for section in sections {
            section.print(&mut self.out)?;
        }
        writeln!(self.out, "{}", "-".repeat(COLUMNS))?;
        if self.tests > 0 {
            let seconds = self.started.elapsed().as_secs_f64();
            writeln!(self.out, "Ran {} tests in {seconds:.3}s", self.tests)?;
        }
        writeln!(self.out)?;

        let counts = sections.map(|section| (section.name, section.count()));
        let counts = counts.into_iter().chain([("successes", self.successes)]);
        let counts = counts.filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(name, count)| format!("{name}={count}"))
            .collect();
        match self.is_successful() {
            true => self.paint("PASSED", Color::Green)?,
            false => self.paint("FAILED", Color::Red)?,
        }
        match counts.is_empty() {
            true => writeln!(self.out)?,
            false => writeln!(self.out, " ({})", counts.join(", "))?,
        }
        Ok(self.is_successful())
    }

    /// Prints the name of a test in its place in the tree. Returns how long the line is.
    fn begin_line(&mut self, test: &str) -> io::Result<usize> {
        let (path, name) = test.rsplit_once('.').unwrap_or(("", test));
        let (module, class) = path.rsplit_once('.').unwrap_or(("", path));
        let branch = [module, class]
            .into_iter()
            .filter(|segment| !segment.is_empty());
        let branch: Vec<String> = branch.map(str::to_owned).collect();
        for (depth, segment) in branch.iter().enumerate() {
            if self.branch.get(depth) != Some(segment) {
                writeln!(self.out, "{}{segment}", INDENT.repeat(depth))?;
            }
        }
        let line = format!("{}{name} ... ", INDENT.repeat(branch.len()));
        self.branch = branch;
        write!(self.out, "{line}")?;
        Ok(line.chars().count())
    }

    fn end_line(&mut self, line: usize, word: &str, color: Color) -> io::Result<()> {
        let spaces = COLUMNS.saturating_sub(line + word.len());
        write!(self.out, "{}", " ".repeat(spaces))?;
        self.paint(word, color)?;
        writeln!(self.out)
    }

    fn paint(&mut self, text: &str, color: Color) -> io::Result<()> {
        match self.is_colored {
            true => write!(self.out, "\x1b[{};1m{text}\x1b[0m", color as u8),
            false => write!(self.out, "{text}"),
        }
    }
}

impl Section {
    fn new(name: &'static str, word: &'static str, color: Color) -> Self {
        Self {
            name,
            word,
            color,
            groups: Vec::new(),
        }
    }

    fn add(&mut self, said: String, test: &str) {
        let group = self.groups.iter_mut().find(|(other, _)| *other == said);
        match group {
            Some((_, tests)) => tests.push(test.to_owned()),
            None => self.groups.push((said, vec![test.to_owned()])),
        }
    }

    fn count(&self) -> usize {
        self.groups.iter().map(|(_, tests)| tests.len()).sum()
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for (said, tests) in &self.groups {
            writeln!(out, "{}\n{}\n{said}", "=".repeat(COLUMNS), self.word)?;
            for test in tests {
                writeln!(out, "{test}")?;
            }
        }
        Ok(())
    }
}
