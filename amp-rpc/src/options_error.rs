//! What is wrong with the options of an [`Amp`](crate::Amp).

/// Options that make no sense, alone or together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option}: {problem}")]
pub struct OptionsError {
    option: &'static str,
    problem: &'static str,
}

impl OptionsError {
    pub(crate) fn new(option: &'static str, problem: &'static str) -> Self {
        Self { option, problem }
    }

    /// The method that sets the option, such as `Amp::max_age`.
    pub fn option(&self) -> &str {
        self.option
    }
}
