//! The commands of trial's workers, as `twisted.trial._dist` has them, and our own for the search.

use amp_rpc::{Command, Fields};

// What the manager asks of a worker.

/// Goes to the folder that the worker runs in.
#[derive(Debug, Command)]
#[amp(response = Success)]
pub(crate) struct Start {
    pub(crate) directory: String,
}

/// Runs a test. Its results come as commands of the worker's before the answer does.
#[derive(Debug, Command)]
#[amp(response = Success, rename_all = "camelCase")]
pub(crate) struct Run {
    pub(crate) test_case: String,
}

#[derive(Debug, Fields)]
pub(crate) struct Success {
    pub(crate) success: bool,
}

// What a worker tells the manager. Text that may be too long for one box goes ahead in a stream.

#[derive(Debug, Command)]
#[amp(response = Opened)]
pub(crate) struct StreamOpen {}

#[derive(Debug, Fields)]
#[amp(rename_all = "camelCase")]
pub(crate) struct Opened {
    pub(crate) stream_id: u64,
}

#[derive(Debug, Command)]
#[amp(rename_all = "camelCase")]
pub(crate) struct StreamWrite {
    pub(crate) stream_id: u64,
    pub(crate) data: Vec<u8>,
}

#[derive(Debug, Command)]
#[amp(response = Success, rename_all = "camelCase")]
pub(crate) struct AddSuccess {
    pub(crate) test_name: String,
}

#[derive(Debug, Command)]
#[amp(response = Success, rename_all = "camelCase")]
pub(crate) struct AddError {
    pub(crate) test_name: String,
    pub(crate) error_class: String,
    pub(crate) error_stream_id: u64,
    pub(crate) frames_stream_id: u64,
}

#[derive(Debug, Command)]
#[amp(response = Success, rename_all = "camelCase")]
pub(crate) struct AddFailure {
    pub(crate) test_name: String,
    pub(crate) fail_class: String,
    pub(crate) fail_stream_id: u64,
    pub(crate) frames_stream_id: u64,
}

#[derive(Debug, Command)]
#[amp(response = Success, rename_all = "camelCase")]
pub(crate) struct AddSkip {
    pub(crate) test_name: String,
    pub(crate) reason: String,
}

#[derive(Debug, Command)]
#[amp(response = Success, rename_all = "camelCase")]
pub(crate) struct AddExpectedFailure {
    pub(crate) test_name: String,
    pub(crate) error_stream_id: u64,
    pub(crate) todo: String,
}

#[derive(Debug, Command)]
#[amp(response = Success, rename_all = "camelCase")]
pub(crate) struct AddUnexpectedSuccess {
    pub(crate) test_name: String,
    pub(crate) todo: String,
}

/// A line for the log.
#[derive(Debug, Command)]
#[amp(response = Success)]
pub(crate) struct TestWrite {
    pub(crate) out: String,
}

// What is said between the manager and `find_tests.py`.

/// Asks for all tests of some modules, classes, methods or files. They come as [`FoundTest`] before
/// the answer does.
#[derive(Debug, Command)]
#[amp(response = Found, rename_all = "camelCase")]
pub(crate) struct FindTests {
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Fields)]
pub(crate) struct Found {
    /// How many tests there are. What cannot be loaded is found too, and fails when it is run, but
    /// does not count as a test here.
    pub(crate) count: usize,
    /// Where Python looks for modules.
    pub(crate) path: String,
    /// The worker's program.
    pub(crate) worker: String,
}

#[derive(Debug, Command)]
#[amp(no_answer)]
pub(crate) struct FoundTest {
    pub(crate) name: String,
}
