//! The command line.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

pub(crate) const HELP: &str = "\
Runs Python tests in several processes, as `trial -j N` does.

usage: trial_manager [OPTIONS] NAME...

NAME is a module, package, class, method or file, as for trial.

  -j, --jobs N              how many worker processes; `auto` is one for each CPU, the default
      --python PATH         the interpreter of the workers, which has Twisted; by default python3
      --temp-directory DIR  where the workers run and write their logs; by default _trial_temp
  -h, --help                prints this

Exits with 0 when no test failed, with 1 when one did, and with 2 when the tests could not be run.";

/// What to do.
pub(crate) enum Arguments {
    Help,
    Run(Options),
}

pub(crate) struct Options {
    pub(crate) jobs: usize,
    pub(crate) python: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) names: Vec<String>,
}

impl Arguments {
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut options = Options {
            jobs: auto(),
            python: "python3".into(),
            folder: "_trial_temp".into(),
            names: Vec::new(),
        };
        let words: Result<Vec<String>, OsString> = words.map(OsString::into_string).collect();
        let words = words.map_err(|word| format!("{word:?} is no Unicode"))?;
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if !word.starts_with('-') {
                options.names.push(word);
                continue;
            }
            let (name, value) = split(&word);
            if matches!(name, "-h" | "--help") {
                return Ok(Self::Help);
            }
            let mut value = || {
                let value = value.map(str::to_owned).or_else(|| words.next());
                value.ok_or_else(|| format!("{name} needs a value"))
            };
            match name {
                "-j" | "--jobs" => options.jobs = jobs(&value()?)?,
                "--python" => options.python = value()?.into(),
                "--temp-directory" => options.folder = value()?.into(),
                _ => return Err(format!("there is no option {name}; see --help")),
            }
        }
        if options.names.is_empty() {
            return Err("which tests? See --help".to_owned());
        }
        Ok(Self::Run(options))
    }
}

/// Takes `--name=value` and `-nvalue` apart.
fn split(word: &str) -> (&str, Option<&str>) {
    match word.split_once('=') {
        Some((name, value)) if word.starts_with("--") => (name, Some(value)),
        _ if word.starts_with("--") => (word, None),
        _ => match word.char_indices().nth(2) {
            Some((end, _)) => (&word[..end], Some(&word[end..])),
            None => (word, None),
        },
    }
}

fn jobs(text: &str) -> Result<usize, String> {
    if text == "auto" {
        return Ok(auto());
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("{text} is no number of worker processes: at least 1, or auto"))
}

/// One worker for each CPU.
fn auto() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}
