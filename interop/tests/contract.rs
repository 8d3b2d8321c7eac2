//! Both programs of the contract against checkers that are real Twisted.

mod support;

use support::{python, succeed};

fn check(checker: &str, options: &[&str], program: &str) {
    let mut command = python(checker);
    command.args(options).args(["--", program]);
    let out = succeed(&mut command);
    println!(
        "{checker} {options:?}: {}",
        out.lines().last().unwrap_or_default()
    );
}

#[test]
fn the_server_keeps_the_contract() {
    check("check_server.py", &[], env!("CARGO_BIN_EXE_interop_server"));
}

#[test]
fn the_server_keeps_the_contract_in_its_own_mode() {
    check(
        "check_server.py",
        &["--native"],
        env!("CARGO_BIN_EXE_interop_server"),
    );
}

#[test]
fn the_client_keeps_the_contract() {
    check("check_client.py", &[], env!("CARGO_BIN_EXE_interop_client"));
}

#[test]
fn the_client_keeps_the_contract_in_its_own_mode() {
    check(
        "check_client.py",
        &["--native"],
        env!("CARGO_BIN_EXE_interop_client"),
    );
}
