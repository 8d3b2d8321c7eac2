//! Running the manager, and trial itself, in folders of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::timeout;

use crate::support::{example, interpreter};

/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(60);

/// A folder of a test's own, to run programs in.
pub(crate) struct Place(PathBuf);

/// What came of a program.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// An empty folder. What the test leaves behind is removed when it runs the next time.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("trial")
            .join(name);
        if path.exists() {
            fs::remove_dir_all(&path).expect("the folder is ours");
        }
        fs::create_dir_all(&path).expect("a new folder");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Runs the manager with the interpreter of the tests.
    pub(crate) async fn manager(&self, arguments: &[&str]) -> Ran {
        let mut manager = example("trial_manager");
        manager.arg("--python").arg(interpreter()).args(arguments);
        self.run(manager).await
    }

    /// Runs trial.
    pub(crate) async fn trial(&self, arguments: &[&str]) -> Ran {
        let mut trial = Command::new(interpreter());
        trial.args(["-m", "twisted.trial"]).args(arguments);
        self.run(trial).await
    }

    /// Runs a program here, which finds the test cases, and fails when it takes too long.
    pub(crate) async fn run(&self, mut command: Command) -> Ran {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/trial_cases");
        command
            .current_dir(&self.0)
            .env("PYTHONPATH", cases)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null());
        let mut command = tokio::process::Command::from(command);
        let output = timeout(LIMIT, command.kill_on_drop(true).output()).await;
        let output = output.unwrap_or_else(|_| panic!("not done within {LIMIT:?}: {command:?}"));
        let output = output.expect("the program starts");
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// What was printed, without what is different each time.
    pub(crate) fn report(&self) -> Vec<String> {
        self.out.lines().map(steady).collect()
    }

    /// What was said of the tests, in no order, and the summary: for tests that run at the same time.
    pub(crate) fn unordered(&self) -> Vec<String> {
        let lines = self.report();
        let begins = |line: &String| line.starts_with("=====") || line.starts_with("-----");
        // The first part is the tree, in which the modules and classes come up as they happen to.
        let parts = lines.split(begins).skip(1);
        let mut parts: Vec<Vec<String>> = parts.map(<[String]>::to_vec).collect();
        parts.iter_mut().for_each(|part| part.sort());
        parts.sort();
        parts.concat()
    }
}

/// Both are the same; what is said when not is the first difference.
pub(crate) fn same(ours: &[String], expected: &[String]) {
    let differs =
        (0..ours.len().max(expected.len())).find(|line| ours.get(*line) != expected.get(*line));
    if let Some(line) = differs {
        let (ours, expected) = (ours.get(line), expected.get(line));
        panic!("line {}: printed {ours:?}, trial {expected:?}", line + 1);
    }
}

/// A line without times and addresses.
fn steady(line: &str) -> String {
    if line.starts_with("<DelayedCall 0x") {
        return "<DelayedCall>".to_owned();
    }
    match line.split_once(" tests in ") {
        Some((ran, _)) => ran.to_owned(),
        None => line.to_owned(),
    }
}
