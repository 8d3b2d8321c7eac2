use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::conversation::Outcome;
use crate::schema::Errors;

/// An error of a command that is known at run time only, by the label it has in the schema.
///
/// Like an exception in Python it may be a kind of other errors: where its own label is not declared,
/// the first declared error that it is a kind of stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    labels: Vec<String>,
    description: String,
}

impl Raised {
    /// An error with this label.
    pub fn new(label: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            labels: Vec::from([label.into()]),
            description: description.into(),
        }
    }

    /// The same error, which is also a kind of the error with this label.
    #[must_use]
    pub fn kind_of(mut self, label: impl Into<String>) -> Self {
        self.labels.push(label.into());
        self
    }

    /// What it becomes for a command that declares `errors`: one of those, or an unexpected failure.
    pub fn outcome<'a>(&'a self, errors: &'a Errors) -> Outcome<'a> {
        let labels: Vec<&str> = self.labels.iter().map(String::as_str).collect();
        match errors.by_labels(&labels) {
            Some(schema) => Outcome::Declared {
                schema,
                description: &self.description,
            },
            None => Outcome::Unexpected(&self.description),
        }
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}

impl core::error::Error for Raised {}
