//! The example `trial_manager` beside `twisted.trial` itself, with the tests in `python/trial_cases`.

#[path = "../support/mod.rs"]
mod support;

mod run;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use run::{Place, same};
use support::{example, interpreter};

/// Both with one worker, so that the order is the same.
async fn prints_what_trial_prints(name: &str, arguments: &[&str], code: i32) {
    let place = Place::new(name);
    let ours = place.manager(arguments).await;
    let expected = place.trial(arguments).await;
    same(&ours.report(), &expected.report());
    assert_eq!(ours.code, Some(code), "{}", ours.err);
    assert_eq!(expected.code, Some(code), "{}", expected.err);
}

#[tokio::test]
async fn every_outcome_is_printed_as_trial_does() {
    prints_what_trial_prints("outcomes", &["-j1", "test_outcomes"], 1).await;
}

#[tokio::test]
async fn tests_that_pass() {
    let name = "test_outcomes.SynchronousTests.test_passes";
    prints_what_trial_prints(
        "pass",
        &["-j1", name, "test_outcomes.PyUnitTests.test_passes"],
        0,
    )
    .await;
}

#[tokio::test]
async fn modules_that_cannot_be_imported() {
    let names = [
        "-j1",
        "test_imports",
        "test_syntax",
        "there.is.no.such.module",
    ];
    prints_what_trial_prints("imports", &names, 1).await;
}

/// Where `trial -j` of Twisted 26.10 does not come to an end, it is trial in one process that is
/// compared, which does not print the first line.
async fn prints_what_trial_alone_prints(name: &str, module: &str, first: &str) {
    let place = Place::new(name);
    let ours = place.manager(&["-j1", module]).await;
    let expected = place.trial(&[module]).await;
    let mut report = expected.report();
    report.insert(0, first.to_owned());
    same(&ours.report(), &report);
    assert_eq!((ours.code, expected.code), (Some(0), Some(0)));
}

/// `trial -j` stops with an exception.
#[tokio::test]
async fn unexpected_successes() {
    prints_what_trial_alone_prints("unexpected", "test_unexpected", "Running 2 tests.").await;
}

/// `trial -j` waits for ever.
#[tokio::test]
async fn a_module_without_tests() {
    prints_what_trial_alone_prints("none", "os", "Running 0 tests.").await;
}

#[tokio::test]
async fn several_workers_come_to_the_same_result() {
    let place = Place::new("several");
    let ours = place.manager(&["-j3", "test_outcomes"]).await;
    let expected = place.trial(&["-j3", "test_outcomes"]).await;
    same(&ours.unordered(), &expected.unordered());
    assert_eq!((ours.code, expected.code), (Some(1), Some(1)));
    for worker in 0..3 {
        assert!(
            place
                .path(&format!("_trial_temp/{worker}/err.log"))
                .is_file()
        );
    }
    let log = fs::read_to_string(place.path("_trial_temp/test.log")).expect("the log");
    assert!(
        log.contains("--> test_outcomes.SynchronousTests.test_raises <--"),
        "{log}"
    );
}

#[tokio::test]
async fn a_worker_that_crashes_costs_one_test() {
    let place = Place::new("crashes");
    let ran = place.manager(&["-j1", "test_crashes"]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let report = ran.report();
    let results: Vec<(&str, &str)> = report
        .iter()
        .filter_map(|line| line.trim().split_once(" ... "))
        .map(|(test, result)| (test, result.trim()))
        .collect();
    let expected = [
        ("test_a_passes", "[OK]"),
        ("test_b_exits", "[ERROR]"),
        ("test_c_exitsWithoutError", "[ERROR]"),
        ("test_d_isKilled", "[ERROR]"),
        ("test_e_leavesAProcessBehind", "[ERROR]"),
        ("test_f_passes", "[OK]"),
        // The worker has a responder that fails here, as in trial.
        ("test_g_expectedFailure", "[ERROR]"),
        ("test_h_subtestThatFails", "[ERROR]"),
        ("test_i_passes", "[OK]"),
    ];
    assert_eq!(results, expected);
    for (test, said) in [
        ("CrashTests.test_b_exits", "process ended with exit code 3."),
        (
            "CrashTests.test_c_exitsWithoutError",
            "process finished with exit code 0.",
        ),
        ("CrashTests.test_d_isKilled", "process ended by signal 9."),
        (
            "CrashTests.test_e_leavesAProcessBehind",
            "process ended with exit code 5.",
        ),
        (
            "PyUnitTests.test_g_expectedFailure",
            "UnknownRemoteError: Code<UNKNOWN>: Unknown Error",
        ),
        (
            "PyUnitTests.test_h_subtestThatFails",
            "the worker reported no result; perhaps a subtest failed",
        ),
    ] {
        let test = format!("test_crashes.{test}");
        let mut parts = report.split(|line| line.starts_with("====="));
        let part = parts.find(|part| part.contains(&test)).expect(&test);
        assert!(part.iter().any(|line| line.ends_with(said)), "{part:#?}");
    }
    assert_eq!(
        report.last().map(String::as_str),
        Some("FAILED (errors=6, successes=3)")
    );
    // A worker runs tests until it ends.
    let printed = fs::read_to_string(place.path("_trial_temp/0/out.log")).expect("the log");
    assert_eq!(printed.lines().count(), 6, "{printed}");
    let processes: BTreeSet<&str> = printed.lines().collect();
    assert_eq!(processes.len(), 5, "{printed}");
}

#[tokio::test]
async fn an_interrupted_run_leaves_nothing_running() {
    let place = Place::new("interrupt");
    let ran = place.manager(&["test_interrupt"]).await;
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert_eq!(ran.err, "trial_manager: interrupted\n");
    assert!(
        !place.path("_trial_temp.lock").is_symlink(),
        "it is unlocked"
    );
    let worker = fs::read_to_string(place.path("_trial_temp/0/pid")).expect("it has begun");
    let mut kill = Command::new("kill");
    kill.args(["-0", &worker]);
    assert_ne!(
        place.run(kill).await.code,
        Some(0),
        "the worker is still there"
    );
}

#[tokio::test]
async fn progress_without_a_terminal() {
    let ran = Place::new("progress")
        .manager(&["-j1", "test_outcomes"])
        .await;
    let tenths = [3, 5, 7, 10, 12, 14, 17, 19, 21, 23];
    let expected: String = tenths
        .map(|ended| format!("{ended} of 23 have run\n"))
        .concat();
    assert_eq!(ran.err, expected);
}

#[tokio::test]
async fn progress_on_a_terminal() {
    let place = Place::new("terminal");
    let mut terminal = Command::new(interpreter());
    let script =
        "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let manager = example("trial_manager");
    terminal
        .args(["-c", script])
        .arg(manager.get_program())
        .arg("--python")
        .arg(interpreter());
    terminal
        .args(["-j1", "test_crashes.PyUnitTests.test_i_passes"])
        .env("TERM", "xterm");
    let ran = place.run(terminal).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let line =
        "\r\x1b[K0 of 1 have run; now test_crashes.PyUnitTests.test_i_passes\r\x1b[Ktest_crashes";
    assert!(ran.out.contains(line), "{:?}", ran.out);
    assert!(ran.out.contains("\x1b[32;1m[OK]\x1b[0m"), "{:?}", ran.out);
}

/// The manager says what is wrong and ends with the code 2.
async fn cannot_run(place: &Place, mut manager: Command, problem: &str) {
    manager.arg("test_unexpected");
    let ran = place.run(manager).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    assert!(ran.err.contains(problem), "{}", ran.err);
}

#[tokio::test]
async fn interpreters_that_do_not_work() {
    let place = Place::new("interpreters");
    for (python, problem) in [
        (
            "there-is-no-such-python",
            "trial_manager: cannot run Python: there-is-no-such-python",
        ),
        (
            "false",
            "trial_manager: false cannot look for tests: A process has ended with a probable error \
             condition: process ended with exit code 1.",
        ),
        ("true", "trial_manager: true cannot look for tests: "),
    ] {
        let mut manager = example("trial_manager");
        manager.args(["--python", python]);
        cannot_run(&place, manager, problem).await;
    }
}

#[tokio::test]
async fn command_lines_that_say_nothing() {
    let place = Place::new("usage");
    for (argument, problem) in [
        (
            "-j0",
            "0 is no number of worker processes: at least 1, or auto",
        ),
        (
            "--jobs=many",
            "many is no number of worker processes: at least 1, or auto",
        ),
        ("--speed", "there is no option --speed; see --help"),
    ] {
        let mut manager = example("trial_manager");
        manager.arg(argument);
        cannot_run(&place, manager, problem).await;
    }
    let ran = place.run(example("trial_manager")).await;
    assert_eq!(ran.err, "trial_manager: which tests? See --help\n");
    let mut manager = example("trial_manager");
    manager.arg("--help");
    let ran = place.run(manager).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(
        ran.out.contains("usage: trial_manager [OPTIONS] NAME..."),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn a_folder_is_used_by_one_run_at_a_time() {
    let place = Place::new("folders");
    let run = async || {
        let ran = place.manager(&["test_unexpected"]).await;
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    };
    run().await;
    assert!(
        !place.path("_trial_temp.lock").is_symlink(),
        "it is unlocked"
    );
    fs::write(place.path("_trial_temp/old"), "").expect("it is there");
    run().await;
    assert!(!place.path("_trial_temp/old").exists(), "it is made anew");

    fs::write(place.path("_trial_temp/old"), "").expect("it is there");
    symlink("1", place.path("_trial_temp.lock")).expect("it is not locked");
    run().await;
    assert!(
        place.path("_trial_temp-1/0").exists(),
        "another one is used"
    );
    assert!(place.path("_trial_temp/old").exists(), "it is left alone");
}

#[tokio::test]
async fn a_folder_of_somebody_else_is_left_alone() {
    let place = Place::new("foreign");
    fs::create_dir(place.path("mine")).expect("it is not there");
    fs::write(place.path("mine/file"), "").expect("it is there");
    let mut manager = example("trial_manager");
    manager
        .arg("--python")
        .arg(interpreter())
        .args(["--temp-directory", "mine"]);
    cannot_run(&place, manager, "was not made by trial").await;
    assert!(place.path("mine/file").exists());
    assert!(!place.path("mine.lock").is_symlink());
}
