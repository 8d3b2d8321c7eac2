//! How the compared programs were built.

use std::error::Error;
use std::str::FromStr;

/// A profile of cargo's, the same one for all programs. `cargo xtask bench` builds them; here it is only told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As a program is built that wants to be fast.
    #[default]
    Measured,
    /// As a program is built by those who change nothing.
    Release,
}

impl Profile {
    /// What it is called, and what that means.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Measured => "`measured` for all (release, `lto = \"fat\"`, `codegen-units = 1`)",
            Self::Release => "`release` for all, as cargo has it",
        }
    }
}

impl FromStr for Profile {
    type Err = Box<dyn Error>;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "measured" => Ok(Self::Measured),
            "release" => Ok(Self::Release),
            _ => Err(format!("unknown profile {name:?}; expected `measured` or `release`").into()),
        }
    }
}
