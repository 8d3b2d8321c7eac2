//! What can come of a test.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

/// What a worker reports of a test. A test may have several: one that fails, and then in `tearDown`.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Success,
    Failure(Traceback),
    Error(Traceback),
    Skip { reason: String },
    ExpectedFailure { todo: String, error: String },
    UnexpectedSuccess { todo: String },
}

/// An exception of Python's, and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Traceback {
    pub(crate) class: String,
    pub(crate) message: String,
    pub(crate) frames: Vec<Frame>,
}

#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) function: String,
    pub(crate) file: String,
    pub(crate) line: usize,
}

impl Traceback {
    /// An exception without frames.
    pub(crate) fn new(class: &str, message: String) -> Self {
        Self {
            class: class.to_owned(),
            message,
            frames: Vec::new(),
        }
    }

    /// The frames without those of trial itself, as its reporters leave them out.
    fn shown(&self) -> &[Frame] {
        const SYNCHRONOUS: &[(&str, &str)] =
            &[("_run", "_synctest"), ("runWithWarningsSuppressed", "util")];
        const ASYNCHRONOUS: &[(&str, &str)] = &[
            ("_deferSetUpAndRun", "_asynctest"),
            ("__iter__", "defer"),
            ("raiseException", "failure"),
        ];
        const DEFERRED: &[(&str, &str)] = &[
            ("_deferSetUpAndRun", "_asynctest"),
            ("__iter__", "defer"),
            ("_runCallbacks", "defer"),
        ];
        let frames = &self.frames[..];
        if frames.len() < 3 {
            return frames;
        }
        let begins = |pattern: &[(&str, &str)]| {
            frames
                .iter()
                .map(Frame::place)
                .zip(pattern)
                .all(|(place, expected)| place == *expected)
        };
        let internal = match () {
            () if begins(SYNCHRONOUS) => 2,
            () if begins(ASYNCHRONOUS) => 6,
            () if begins(DEFERRED) => 3,
            () => 0,
        };
        let frames = frames.get(internal..).unwrap_or_default();
        match frames.split_last() {
            Some((last, rest)) if last.is_fail() => rest,
            _ => frames,
        }
    }
}

impl Frame {
    /// The function and the name of its module.
    fn place(&self) -> (&str, &str) {
        let module = Path::new(&self.file).file_stem();
        let module = module.and_then(|module| module.to_str());
        (&self.function, module.unwrap_or_default())
    }

    /// Whether it is `self.fail` of trial's test cases, or one of its other names.
    fn is_fail(&self) -> bool {
        let (function, module) = self.place();
        function.starts_with("fail") && module == "_synctest"
    }

    /// The line itself; empty when it cannot be read.
    fn source(&self) -> String {
        let file = fs::read(&self.file).unwrap_or_default();
        let line = self.line.checked_sub(1);
        let line = line.and_then(|line| file.split(|byte| *byte == b'\n').nth(line));
        String::from_utf8_lossy(line.unwrap_or_default())
            .trim()
            .to_owned()
    }
}

/// As `Failure.printTraceback` writes it.
impl fmt::Display for Traceback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traceback (most recent call last):\n")?;
        let frames = self.shown();
        if frames.is_empty() {
            f.write_str("Failure: ")?;
        }
        for frame in frames {
            let Frame {
                function,
                file,
                line,
            } = frame;
            writeln!(f, "  File \"{file}\", line {line}, in {function}")?;
            writeln!(f, "    {}", frame.source())?;
        }
        writeln!(f, "{}: {}", self.class, self.message)
    }
}

/// Text as a literal of Python's, as `repr` writes it.
pub(crate) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut literal = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '\\' => literal.push_str("\\\\"),
            _ if c == quote => literal.extend(['\\', c]),
            // All control characters are below 256.
            _ if c.is_control() => write!(literal, "\\x{:02x}", u32::from(c)).unwrap_or_default(),
            _ => literal.push(c),
        }
    }
    literal.push(quote);
    literal
}
