//! The core works without the standard library: a static library with an allocator and a panic
//! handler of its own links it, and a C program calls that.

use std::path::PathBuf;
use std::process::Command;

const MAIN: &str = "int check_box(void);\nint main(void) { return check_box(); }\n";

#[test]
fn a_program_without_the_standard_library_encodes_and_decodes_a_box() {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/no_std");
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no_std");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // A target directory of its own: the one of this test run is locked.
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .status()
        .expect("cargo starts");
    assert!(built.success(), "the static library cannot be built");

    let source = target.join("main.c");
    let program = target.join("check");
    std::fs::write(&source, MAIN).expect("a source file");
    let linked = Command::new("cc")
        .arg(&source)
        .arg(target.join("debug/libno_std_check.a"))
        .arg("-o")
        .arg(&program)
        .status()
        .expect("a C compiler named `cc`");
    assert!(linked.success(), "the C program cannot be linked");

    let checked = Command::new(&program).status().expect("the program starts");
    assert_eq!(checked.code(), Some(0), "the number says where in check()");
}
