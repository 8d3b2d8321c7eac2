use std::fmt::Debug;
use std::path::Path;

use amp_rpc_core::wire::{BoxWriter, Limits, parse, protocol};
use amp_rpc_core::{Command, Context, Fields, NoContext};

/// What a command looks like on the wire with the tag `1`.
fn bytes_of<C: Command>(command: &C) -> Vec<u8> {
    let head = [(protocol::ASK, &b"1"[..]), (protocol::COMMAND, C::NAME)];
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &head);
    let written = command.to_box(&mut writer, &mut NoContext);
    let written = written.and_then(|()| writer.finish());
    written.unwrap_or_else(|error| {
        panic!(
            "{command} cannot be encoded: {error}",
            command = name::<C>()
        )
    });
    bytes
}

fn name<C: Command>() -> String {
    C::NAME.escape_ascii().to_string()
}

/// Checks that a command comes back from the wire as it went in.
///
/// ```
/// use amp_rpc::Command;
/// use amp_rpc::test_util::check_command;
///
/// #[derive(Debug, PartialEq, Command)]
/// struct Sum { a: i64, b: i64 }
///
/// check_command(&Sum { a: -1, b: i64::MAX });
/// ```
///
/// # Panics
///
/// When it cannot be encoded or decoded, or is another one then. Commands with file descriptors cannot be checked so.
#[track_caller]
pub fn check_command<C: Command + Debug + PartialEq>(command: &C) {
    check_bytes::<C>(command, &bytes_of(command), &mut NoContext);
}

/// The same for a response, or any other set of fields.
///
/// # Panics
///
/// As [`check_command`].
#[track_caller]
pub fn check_fields<F: Fields + Debug + PartialEq>(fields: &F) {
    check_fields_with(fields, &mut NoContext);
}

/// The same for fields, those of a command among them, that ask their connection for something, which `context` gives.
///
/// # Panics
///
/// As [`check_command`].
#[track_caller]
pub fn check_fields_with<F: Fields + Debug + PartialEq>(fields: &F, context: &mut dyn Context) {
    let mut bytes = Vec::new();
    let mut writer = BoxWriter::new(&mut bytes, Limits::DEFAULT, &[]);
    let written = fields.to_box(&mut writer, context);
    if let Err(error) = written.and_then(|()| writer.finish()) {
        panic!("{fields:?} cannot be encoded: {error}");
    }
    check_bytes(fields, &bytes, context);
}

#[track_caller]
fn check_bytes<F: Fields + Debug + PartialEq>(fields: &F, bytes: &[u8], context: &mut dyn Context) {
    let Some(Ok(view)) = parse(bytes).next() else {
        panic!("what was written is no box: {}", bytes.escape_ascii());
    };
    match F::from_box(&view, context) {
        Ok(read) => assert!(
            read == *fields,
            "it came back as another\n  went in:   {fields:?}\n  came back: {read:?}"
        ),
        Err(error) => panic!("{fields:?} cannot be read back: {error}"),
    }
}

/// The environment variable by which golden boxes are written.
const WRITE: &str = "AMP_RPC_WRITE_GOLDEN";

/// Checks that a command looks on the wire as it did when `file` was written, which is one ask with the tag `1`. So a
/// change that other programs would notice is noticed first here.
///
/// With the environment variable `AMP_RPC_WRITE_GOLDEN` set, to anything but nothing, the file is written instead.
///
/// # Panics
///
/// When it looks different, with both in words, or the file cannot be read or written.
#[track_caller]
pub fn check_golden<C: Command>(command: &C, file: impl AsRef<Path>) {
    let (file, bytes) = (file.as_ref(), bytes_of(command));
    let show = file.display();
    if std::env::var_os(WRITE).is_some_and(|value| !value.is_empty()) {
        let written = std::fs::write(file, &bytes);
        return written.unwrap_or_else(|error| panic!("{show} cannot be written: {error}"));
    }
    match std::fs::read(file) {
        Ok(golden) => assert!(
            golden == bytes,
            "{} looks different on the wire than in {show}\n  there: {}\n  now:   {}\nif that is meant, set {WRITE} once",
            name::<C>(),
            golden.escape_ascii(),
            bytes.escape_ascii(),
        ),
        Err(error) => panic!("{show} cannot be read: {error}; set {WRITE} once to write it"),
    }
}
