//! What a call does.

/// The calls that are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Call {
    /// Adds two numbers.
    #[default]
    Sum,
    /// Returns so many bytes.
    Echo(usize),
    /// Adds so many numbers, each of which is an argument of its own.
    Add(usize),
}
