//! What `cargo xtask help` prints.

pub(crate) const TEXT: &str = "\
The project's own commands.

usage: cargo xtask COMMAND

  test [-- ARGS]   makes the Python environment for the live Twisted tests if need be, then runs
                   `cargo test --workspace --all-features ARGS`;
                   so `cargo xtask test -- --release NAME` or `cargo xtask test -- -- --nocapture`
  bench [ARGS]     compares with other libraries, side by side in one run; without ARGS in all
                   scenarios, and writes bench/results; `cargo xtask bench --help` says what there is
  count [ARGS]     counts the instructions of the fast path with valgrind, which has to be there, and fails
                   where they are more than the limits in bench/benches/instructions.rs; ARGS are
                   gungraun's, so `cargo xtask count '*decode*'`
  compile-cost     builds two programs that differ by 100 commands, prints what one more command adds to a
                   binary and to the time of an incremental `cargo check`, and fails where it adds more
                   than 15 KiB
  python           makes the same environment if need be and prints its interpreter's path
  help             prints this text

The environment lies in `interop-venv` in cargo's target directory and holds what
interop/requirements.txt pins. It is made with python3.11, or else with a python3 that is 3.11
or newer; the variable XTASK_PYTHON names another one. Tests find it in AMP_INTEROP_PYTHON.
";
