//! What the difference between both programs says.

use std::fmt;
use std::time::Duration;

/// The most that a command may add to a stripped binary. Time has no limit: it is another one on each machine.
pub(crate) const LIMIT_KIB: f64 = 15.0;

/// What was measured of one program.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) commands: usize,
    /// The size of its stripped release binary.
    pub(crate) bytes: u64,
    /// The best time of an incremental `cargo check`.
    pub(crate) check: Duration,
}

/// Two programs that differ in nothing but how many commands they have.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) small: Side,
    pub(crate) large: Side,
}

impl Side {
    fn kib(&self) -> f64 {
        self.bytes as f64 / 1024.0
    }

    fn milliseconds(&self) -> f64 {
        self.check.as_secs_f64() * 1e3
    }
}

impl Cost {
    /// What one more command adds to the binary.
    fn kib(&self) -> f64 {
        (self.large.kib() - self.small.kib()) / self.commands()
    }

    /// What one more command adds to a check; below nothing where the machine was busy.
    fn milliseconds(&self) -> f64 {
        (self.large.milliseconds() - self.small.milliseconds()) / self.commands()
    }

    fn commands(&self) -> f64 {
        self.large.commands.saturating_sub(self.small.commands) as f64
    }

    /// Whether the binary grows by no more than it may.
    pub(crate) fn is_within_limit(&self) -> bool {
        self.kib() <= LIMIT_KIB
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { small, large } = self;
        let mut row = |what: &str, small: String, large: String, more: String| {
            writeln!(formatter, "{what:<25} {small:>13} {large:>13} {more:>13}")
        };
        row(
            "commands",
            small.commands.to_string(),
            large.commands.to_string(),
            "one more".to_owned(),
        )?;
        row(
            "stripped release binary",
            format!("{:.1} KiB", small.kib()),
            format!("{:.1} KiB", large.kib()),
            format!("{:.2} KiB", self.kib()),
        )?;
        row(
            "incremental cargo check",
            format!("{:.1} ms", small.milliseconds()),
            format!("{:.1} ms", large.milliseconds()),
            format!("{:.2} ms", self.milliseconds()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(bytes: [u64; 2]) -> Cost {
        let side = |at: usize, commands, check| Side {
            commands,
            bytes: bytes[at],
            check: Duration::from_millis(check),
        };
        Cost {
            small: side(0, 1, 150),
            large: side(1, 101, 400),
        }
    }

    #[test]
    fn a_command_is_a_hundredth_of_the_difference() {
        let cost = cost([1_024_000, 1_536_000]);
        assert_eq!(
            cost.to_string(),
            "\
commands                              1           101      one more
stripped release binary      1000.0 KiB    1500.0 KiB      5.00 KiB
incremental cargo check        150.0 ms      400.0 ms       2.50 ms
"
        );
        assert!(cost.is_within_limit());
    }

    #[test]
    fn more_than_the_limit_is_noticed() {
        assert!(cost([0, 100 * 15 * 1024]).is_within_limit());
        assert!(!cost([0, 100 * 15 * 1024 + 1]).is_within_limit());
    }

    #[test]
    fn a_program_that_became_smaller_is_no_mistake() {
        assert!(cost([2_048, 1_024]).is_within_limit());
    }
}
