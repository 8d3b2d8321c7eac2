//! Finding the tests, which needs Python.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use amp_rpc::process::Program;
use amp_rpc::{Amp, Answer, ConnectError, Responders};

use crate::commands::{FindTests, Found, FoundTest};
use crate::process;

/// What there is to run, in the order in which trial would run it.
pub(crate) struct Tests {
    pub(crate) names: Vec<String>,
    pub(crate) found: Found,
}

/// Runs a small program in the interpreter that finds the tests of `names` as trial does.
pub(crate) async fn find(
    python: &Path,
    names: Vec<String>,
) -> Result<Tests, Box<dyn Error + Send + Sync>> {
    let program = Program::new(python)
        .args(["-c", include_str!("find_tests.py")])
        .descriptors(3, 4);
    let tests = Arc::new(Mutex::new(Vec::new()));
    let found_test = {
        let tests = Arc::clone(&tests);
        move |FoundTest { name }| {
            tests
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(name);
            async { Answer::<FoundTest>::Ok(()) }
        }
    };
    let amp = Amp::new().locator(Responders::new().on(found_test));
    let (peer, child) = amp.spawn(&program).map_err(|error| match error {
        // The endpoint is the whole program, which says nothing to the user.
        ConnectError::Io { source, .. } => format!("cannot run Python: {source}"),
        error => crate::chain(&error),
    })?;
    let found = process::call(&peer, &child, FindTests { names })
        .await
        .map_err(|error| {
            let python = python.display();
            format!("{python} cannot look for tests: {}", crate::chain(&error))
        })?;
    let mut tests = tests.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Tests {
        names: std::mem::take(&mut tests),
        found,
    })
}
