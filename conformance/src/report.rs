//! What becomes of each case, and how that is printed.

use std::collections::BTreeMap;
use std::fmt;

use crate::notation::Level;

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The library does what Twisted does.
    Passed,
    /// It differs; the text says in what.
    Failed(String),
    /// It differs as a rule allows, whose name this is.
    Excused(&'static str),
    /// The case is written in notation that the player does not know; the text says which.
    Unknown(String),
}

/// The verdicts on the cases of one file.
#[derive(Debug, Default)]
pub struct FileReport {
    /// The file's name.
    pub name: String,
    verdicts: Vec<(Level, String, Verdict)>,
    /// Why the file cannot be played at all, if that is so.
    broken: Option<String>,
}

impl FileReport {
    /// A report without verdicts.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The report on a file that cannot be played.
    pub fn broken(name: impl Into<String>, why: impl fmt::Display) -> Self {
        Self {
            broken: Some(why.to_string()),
            ..Self::new(name)
        }
    }

    /// Adds the verdict on a case.
    pub fn add(&mut self, level: Level, id: impl Into<String>, verdict: Verdict) {
        self.verdicts.push((level, id.into(), verdict));
    }

    /// The verdict on the case with this id.
    pub fn verdict(&self, id: &str) -> Option<&Verdict> {
        let found = self.verdicts.iter().find(|(_, known, _)| known == id);
        found.map(|(_, _, verdict)| verdict)
    }
}

/// How many cases passed, failed and were excused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cases that agree.
    pub passed: usize,
    /// Cases that differ, or whose notation is unknown.
    pub failed: usize,
    /// Cases that differ as a rule allows.
    pub excused: usize,
}

impl Tally {
    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) | Verdict::Unknown(_) => self.failed += 1,
            Verdict::Excused(_) => self.excused += 1,
        }
    }
}

/// The verdicts on all files of a folder. Prints itself.
#[derive(Debug, Default)]
pub struct Report {
    /// One report for each file.
    pub files: Vec<FileReport>,
}

impl Report {
    /// How many cases there were of each kind.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for file in &self.files {
            tally.failed += usize::from(file.broken.is_some());
            file.verdicts.iter().for_each(|(_, _, v)| tally.count(v));
        }
        tally
    }

    /// Whether every case passed or was excused.
    pub fn is_flawless(&self) -> bool {
        self.tally().failed == 0 && !self.files.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            writeln!(f, "{}", file.name)?;
            if let Some(why) = &file.broken {
                writeln!(f, "  FAILED: {why}")?;
            }
            let mut levels = BTreeMap::<Level, Tally>::new();
            let mut rules = BTreeMap::<&str, usize>::new();
            for (level, _, verdict) in &file.verdicts {
                levels.entry(*level).or_default().count(verdict);
                if let Verdict::Excused(rule) = verdict {
                    *rules.entry(rule).or_default() += 1;
                }
            }
            for (level, tally) in levels {
                let Tally {
                    passed,
                    failed,
                    excused,
                } = tally;
                let level = level.to_string();
                writeln!(
                    f,
                    "  {level:8} {passed:5} passed, {failed:3} failed, {excused:3} excused"
                )?;
            }
            for (rule, times) in rules {
                writeln!(f, "  excused {times:3} by the rule `{rule}`")?;
            }
            for (level, id, verdict) in &file.verdicts {
                match verdict {
                    Verdict::Failed(why) => writeln!(f, "  FAILED {id} ({level}): {why}")?,
                    Verdict::Unknown(what) => {
                        writeln!(f, "  FAILED {id} ({level}): unknown notation: {what}")?;
                    }
                    Verdict::Passed | Verdict::Excused(_) => {}
                }
            }
        }
        if self.files.is_empty() {
            writeln!(f, "there is nothing to play")?;
        }
        let Tally {
            passed,
            failed,
            excused,
        } = self.tally();
        writeln!(
            f,
            "{excused} excused by rules; without them:\n{passed} passed, {failed} failed"
        )
    }
}
