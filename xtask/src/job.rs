//! What the command line asks for.

use std::ffi::OsString;

use crate::failure::Failure;

/// One command with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Bench {
        /// Handed to the benchmark as they are.
        arguments: Vec<OsString>,
    },
    CompileCost,
    Count {
        /// Handed to the benchmark as they are.
        arguments: Vec<OsString>,
    },
    Help,
    Python,
    Test {
        /// Handed to `cargo test` as they are.
        arguments: Vec<OsString>,
    },
}

impl Job {
    pub(crate) fn from_arguments(
        mut arguments: impl Iterator<Item = OsString>,
    ) -> Result<Self, Failure> {
        let Some(name) = arguments.next() else {
            return Ok(Self::Help);
        };
        let rest: Vec<_> = arguments.collect();
        match name.to_str() {
            Some("help" | "--help" | "-h") => Ok(Self::Help),
            Some("bench") => Ok(Self::Bench { arguments: rest }),
            Some("compile-cost") if rest.is_empty() => Ok(Self::CompileCost),
            Some("compile-cost") => Err(Failure::new("`compile-cost` takes no arguments")),
            Some("count") => Ok(Self::Count { arguments: rest }),
            Some("python") if rest.is_empty() => Ok(Self::Python),
            Some("python") => Err(Failure::new("`python` takes no arguments")),
            Some("test") => match rest.split_first() {
                None => Ok(Self::Test { arguments: rest }),
                Some((dashes, passed_on)) if dashes == "--" => Ok(Self::Test {
                    arguments: passed_on.to_vec(),
                }),
                Some((other, _)) => Err(Failure::new(format!(
                    "`test` expects arguments for cargo behind `--`, found {other:?} before it"
                ))),
            },
            _ => Err(Failure::new(format!(
                "unknown command {name:?}; expected `test`, `bench`, `count`, `compile-cost`, `python` or `help`"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(arguments: &[&str]) -> Result<Job, String> {
        Job::from_arguments(arguments.iter().map(OsString::from)).map_err(|why| why.to_string())
    }

    #[test]
    fn no_argument_asks_for_help() {
        assert_eq!(job(&[]), Ok(Job::Help));
        assert_eq!(job(&["help"]), Ok(Job::Help));
    }

    #[test]
    fn what_stands_behind_the_dashes_is_for_cargo() {
        let arguments = ["--release", "--", "--nocapture"]
            .map(OsString::from)
            .to_vec();
        assert_eq!(
            job(&["test", "--", "--release", "--", "--nocapture"]),
            Ok(Job::Test { arguments })
        );
        assert_eq!(job(&["test"]), Ok(Job::Test { arguments: vec![] }));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(
            job(&["tset"]),
            Err(
                "unknown command \"tset\"; expected `test`, `bench`, `count`, `compile-cost`, `python` or `help`"
                    .into()
            )
        );
        assert_eq!(
            job(&["test", "--release"]),
            Err(
                "`test` expects arguments for cargo behind `--`, found \"--release\" before it"
                    .into()
            )
        );
        assert_eq!(
            job(&["python", "3"]),
            Err("`python` takes no arguments".into())
        );
        assert_eq!(
            job(&["compile-cost", "5"]),
            Err("`compile-cost` takes no arguments".into())
        );
    }
}
