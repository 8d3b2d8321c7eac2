//! What the fuzz targets check. Each function takes any bytes and panics when something is wrong.

mod arguments;
mod boxes;
mod operations;
mod two_ends;

pub use arguments::argument_types;
pub use boxes::decoder;
pub use operations::operations;
pub use two_ends::two_ends;

/// A target: its name, which is that of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 4] = [
    ("decoder", decoder),
    ("argument_types", argument_types),
    ("operations", operations),
    ("two_ends", two_ends),
];

/// Takes choices from the front of the input.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// The next byte; 0 at the end.
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// Up to `most` of the next bytes.
    fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
