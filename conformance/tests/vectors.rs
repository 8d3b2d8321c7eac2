//! Plays all vectors of a folder: the project's own, or those in `AMP_VECTORS`.
//!
//! ```text
//! AMP_VECTORS=DIR cargo test --release --test vectors -- --nocapture
//! ```
//!
//! It is a program and no set of tests, so that its output is always shown and the count of the cases
//! is its last line. Of a test harness's arguments it knows `--list`; others change nothing.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        println!("vectors: test");
        return ExitCode::SUCCESS;
    }
    let directory = std::env::var_os("AMP_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors")),
        PathBuf::from,
    );
    let report = conformance::play(&directory);
    print!("{report}");
    if report.is_flawless() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
