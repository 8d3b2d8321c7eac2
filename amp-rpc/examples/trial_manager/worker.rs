//! One of trial's worker processes.

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use amp_rpc::process::{Child, Output, Program};
use amp_rpc::{Amp, CallError, Peer};
use tokio::io::AsyncRead;

use crate::commands::{Run, Start};
use crate::outcome::{Outcome, Traceback};
use crate::process::{self, ProcessError};
use crate::results::Results;

/// What all workers have in common.
pub(crate) struct Setup {
    pub(crate) python: PathBuf,
    /// The worker's program.
    pub(crate) worker: String,
    /// Where Python looks for modules.
    pub(crate) path: String,
    /// Each worker has a folder in it.
    pub(crate) folder: PathBuf,
    pub(crate) log: Arc<File>,
}

/// A process that runs tests. It ends when it is dropped.
pub(crate) struct Worker {
    peer: Peer,
    child: Child,
    results: Arc<Results>,
    folder: PathBuf,
}

impl Worker {
    /// Starts a process in its folder, which is named by its number.
    pub(crate) async fn start(
        setup: &Setup,
        number: usize,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let folder = setup.folder.join(number.to_string());
        std::fs::create_dir_all(&folder)?;
        let program = Program::new(&setup.python)
            .arg(&setup.worker)
            .env("PYTHONPATH", &setup.path)
            .descriptors(3, 4)
            .stdout(Output::Piped)
            .stderr(Output::Piped);
        let results = Arc::new(Results::new(Arc::clone(&setup.log)));
        let amp = Amp::new().locator(Arc::clone(&results).responders());
        let (peer, mut child) = amp.spawn(&program)?;
        save(child.stdout.take(), &folder.join("out.log"))?;
        save(child.stderr.take(), &folder.join("err.log"))?;
        let worker = Self {
            peer,
            child,
            results,
            folder,
        };
        let directory = worker.folder.to_string_lossy().into_owned();
        match process::call(&worker.peer, &worker.child, Start { directory }).await {
            Ok(_) => Ok(worker),
            Err(error) => {
                let (problem, folder) = (crate::chain(&error), worker.folder.display());
                Err(format!("a worker did not start: {problem} Its output is in {folder}.").into())
            }
        }
    }

    /// Runs a test. When that fails, the worker is of no more use.
    pub(crate) async fn run(&self, test: &str) -> Result<Vec<Outcome>, Vec<Outcome>> {
        let test_case = test.to_owned();
        match process::call(&self.peer, &self.child, Run { test_case }).await {
            Ok(_) => Ok(self.outcomes()),
            Err(error) => {
                let mut outcomes = self.results.take();
                outcomes.push(Outcome::Error(self.explain(&error)));
                Err(outcomes)
            }
        }
    }

    /// What was reported of a test that has run. When that is nothing, it has failed: the workers lose
    /// the failures of subtests in plain `unittest` classes, which trial counts as passed.
    fn outcomes(&self) -> Vec<Outcome> {
        let mut outcomes = self.results.take();
        if outcomes.is_empty() {
            let message = "the worker reported no result; perhaps a subtest failed".to_owned();
            outcomes.push(Outcome::Error(Traceback::new(
                "trial_manager.NoResult",
                message,
            )));
        }
        outcomes
    }

    /// Why a test has no result.
    fn explain(&self, error: &ProcessError) -> Traceback {
        let folder = self.folder.display();
        match error {
            ProcessError::Call(CallError::Remote(error)) => {
                let code = String::from_utf8_lossy(&error.code);
                let message = format!("Code<{code}>: {}", error.description);
                Traceback::new("twisted.protocols.amp.UnknownRemoteError", message)
            }
            ProcessError::Ended(_) => {
                let message = format!("{error}\nIts output is in {folder}.");
                Traceback::new("twisted.internet.error.ProcessTerminated", message)
            }
            _ => Traceback::new("trial_manager.NoAnswer", crate::chain(error)),
        }
    }

    /// Ends the process. One that does not end is killed.
    pub(crate) async fn stop(self) -> io::Result<()> {
        self.peer.close();
        self.child.wait().await.map(drop)
    }
}

/// Appends what a worker prints to a file.
fn save(output: Option<impl AsyncRead + Send + Unpin + 'static>, path: &Path) -> io::Result<()> {
    let file = File::options().create(true).append(true).open(path)?;
    let mut file = tokio::fs::File::from_std(file);
    if let Some(mut output) = output {
        tokio::spawn(async move {
            // When it cannot be kept, the tests still run.
            let _ = tokio::io::copy(&mut output, &mut file).await;
        });
    }
    Ok(())
}
