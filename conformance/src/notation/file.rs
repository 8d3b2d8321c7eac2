use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::report::{FileReport, Verdict};

/// How binding a case is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every implementation agrees.
    #[default]
    Core,
    /// Twisted accepts it because Python's parsers are generous; refusing is fine.
    Lenient,
    /// Depends on a limit of Python.
    Pyrange,
    /// Twisted's own way.
    Quirk,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Core => "core",
            Self::Lenient => "lenient",
            Self::Pyrange => "pyrange",
            Self::Quirk => "quirk",
        })
    }
}

/// A file of cases. Its `about` is for people.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(rename = "about")]
    _about: Json,
    #[serde(rename = "set", default)]
    _set: Option<String>,
    #[serde(rename = "reference", default)]
    _reference: Option<String>,
    cases: Vec<Json>,
}

/// What every case has.
#[derive(Debug, Deserialize)]
struct Header {
    id: String,
    level: Level,
}

/// Plays each case of a file with `judge`. A case in unknown notation fails alone.
pub fn cases<C: DeserializeOwned>(
    name: &str,
    text: &[u8],
    mut judge: impl FnMut(&C) -> Verdict,
) -> FileReport {
    let file: File = match serde_json::from_slice(text) {
        Ok(file) => file,
        Err(why) => return FileReport::broken(name, why),
    };
    let mut report = FileReport::new(name);
    for (index, case) in file.cases.into_iter().enumerate() {
        let (level, id) = match Header::deserialize(&case) {
            Ok(header) => (header.level, header.id),
            Err(why) => {
                let verdict = Verdict::Unknown(why.to_string());
                report.add(Level::Core, format!("case {index}"), verdict);
                continue;
            }
        };
        let verdict = match C::deserialize(&case) {
            Ok(case) => judge(&case),
            Err(why) => Verdict::Unknown(why.to_string()),
        };
        report.add(level, id, verdict);
    }
    report
}
