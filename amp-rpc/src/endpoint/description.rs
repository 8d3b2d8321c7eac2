//! The syntax of Twisted's endpoint strings: arguments between colons, some with a name.
//!
//! `KIND:VALUE:NAME=VALUE`, where a backslash takes the next character as it is. After the first `=`
//! of an argument, further ones belong to the value. In Twisted it is
//! `twisted.internet.endpoints._parse`. The one difference: an option that stands there twice is an
//! error, while Twisted takes the last.

use std::fmt::{self, Write};
use std::time::Duration;

use super::error::EndpointError;
use super::kinds;

/// A string, taken apart. What the arguments mean depends on the kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Description {
    /// One of those that were allowed.
    pub(super) kind: &'static str,
    pub(super) positional: Vec<String>,
    named: Vec<(String, String)>,
}

/// The options of one kind of endpoint.
pub(super) struct Options {
    /// All of them.
    pub(super) all: &'static [&'static str],
    /// Those whose name may be left out, in their order.
    pub(super) positional: &'static [&'static str],
    /// A complete endpoint, for error messages.
    pub(super) example: &'static str,
}

impl Description {
    pub(super) fn parse(text: &str, kinds: &'static [&'static str]) -> Result<Self, EndpointError> {
        let mut positional = Vec::new();
        let mut named = Vec::new();
        for argument in split(text)? {
            match argument {
                (value, None) => positional.push(value),
                (name, Some(value)) => named.push((name, value)),
            }
        }
        Self::new(positional, named, kinds)
    }

    /// What stands behind a kind that goes before another one.
    pub(super) fn inner(self, kinds: &'static [&'static str]) -> Result<Self, EndpointError> {
        Self::new(self.positional, self.named, kinds)
    }

    fn new(
        mut positional: Vec<String>,
        named: Vec<(String, String)>,
        kinds: &'static [&'static str],
    ) -> Result<Self, EndpointError> {
        // As in Twisted, the kind is the first argument without a name. To expect it at the beginning
        // is not worth a rule of its own.
        let kind = if positional.is_empty() {
            String::new()
        } else {
            positional.remove(0)
        };
        Ok(Self {
            kind: kinds::find(kind, kinds)?,
            positional,
            named,
        })
    }

    pub(super) fn names(&self, option: &str) -> bool {
        self.named.iter().any(|(name, _)| name == option)
    }

    /// Takes all values of an option that may be given several times.
    pub(super) fn take_all(&mut self, option: &str) -> Vec<String> {
        let named = std::mem::take(&mut self.named);
        let (taken, rest) = named.into_iter().partition(|(name, _)| name == option);
        self.named = rest;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// Gives each argument its option.
    pub(super) fn assign(self, options: &Options) -> Result<Arguments, EndpointError> {
        let mut arguments = Arguments {
            kind: self.kind,
            example: options.example,
            values: Vec::new(),
        };
        for (position, argument) in self.positional.into_iter().enumerate() {
            let Some(option) = options.positional.get(position) else {
                return Err(EndpointError::TooManyArguments {
                    kind: self.kind,
                    argument,
                    allowed: options.positional,
                });
            };
            arguments.values.push((option, argument));
        }
        for (name, value) in self.named {
            let Some(option) = options.all.iter().find(|option| **option == name) else {
                return Err(EndpointError::UnknownOption {
                    kind: self.kind,
                    option: name,
                    allowed: options.all,
                });
            };
            arguments.add(option, value)?;
        }
        Ok(arguments)
    }
}

/// The values of one endpoint, each under the name of its option.
#[derive(Debug)]
pub(super) struct Arguments {
    kind: &'static str,
    example: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Arguments {
    fn add(&mut self, option: &'static str, value: String) -> Result<(), EndpointError> {
        if self.values.iter().any(|(given, _)| *given == option) {
            return Err(EndpointError::Repeated {
                kind: self.kind,
                option,
            });
        }
        self.values.push((option, value));
        Ok(())
    }

    pub(super) fn take(&mut self, option: &'static str) -> Option<String> {
        let index = self.values.iter().position(|(name, _)| *name == option)?;
        Some(self.values.swap_remove(index).1)
    }

    pub(super) fn require(&mut self, option: &'static str) -> Result<String, EndpointError> {
        self.take(option).ok_or(EndpointError::Missing {
            kind: self.kind,
            option,
            example: self.example,
        })
    }

    /// An option that must be there and must not be empty.
    pub(super) fn require_text(
        &mut self,
        option: &'static str,
        expected: &'static str,
    ) -> Result<String, EndpointError> {
        let value = self.require(option)?;
        self.read(option, value, expected, |value| {
            (!value.is_empty()).then(|| value.to_owned())
        })
    }

    /// An option that must be there.
    pub(super) fn require_as<T>(
        &mut self,
        option: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, EndpointError> {
        let value = self.require(option)?;
        self.read(option, value, expected, parse)
    }

    /// An option that may be left out.
    pub(super) fn take_as<T>(
        &mut self,
        option: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, EndpointError> {
        let Some(value) = self.take(option) else {
            return Ok(None);
        };
        self.read(option, value, expected, parse).map(Some)
    }

    pub(super) fn read<T>(
        &self,
        option: &'static str,
        value: String,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, EndpointError> {
        parse(&value).ok_or(EndpointError::Invalid {
            kind: self.kind,
            option,
            value,
            expected,
        })
    }
}

/// The arguments, each with what follows its first `=`.
fn split(text: &str) -> Result<Vec<(String, Option<String>)>, EndpointError> {
    let mut arguments = Vec::new();
    let mut left = String::new();
    let mut right: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            ':' => {
                arguments.push((std::mem::take(&mut left), right.take()));
                continue;
            }
            '=' if right.is_none() => {
                right = Some(String::new());
                continue;
            }
            '\\' => characters.next().ok_or(EndpointError::DanglingEscape)?,
            other => other,
        };
        right.as_mut().unwrap_or(&mut left).push(literal);
    }
    arguments.push((left, right));
    Ok(arguments)
}

/// Writes a value so that it is read as it is.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string().chars() {
            if matches!(character, ':' | '=' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        Ok(())
    }
}

/// Reads digits and nothing else: `str::parse` would take a sign too.
pub(super) fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    is_digits(text).then(|| text.parse().ok())?
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads `0` or `1`.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// What [`seconds`] reads.
pub(super) const SECONDS: &str = "seconds, such as 30 or 0.5";

/// The same for what has to be longer than no time at all.
pub(super) const POSITIVE_SECONDS: &str = "seconds, more than 0, such as 30 or 0.5";

/// Reads seconds, with up to nine digits after the point. Twisted reads whole ones.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let Some((whole, fraction)) = text.split_once('.') else {
        return digits(text).map(Duration::from_secs);
    };
    if fraction.len() > 9 {
        return None;
    }
    let nanoseconds: u32 = digits(fraction)?;
    let missing = 9 - u32::try_from(fraction.len()).ok()?;
    Some(Duration::new(
        digits(whole)?,
        nanoseconds * 10_u32.pow(missing),
    ))
}

/// Writes what [`seconds`] reads.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.as_secs();
        match self.0.subsec_nanos() {
            0 => whole.fmt(f),
            fraction => {
                let fraction = format!("{fraction:09}");
                write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
            }
        }
    }
}
