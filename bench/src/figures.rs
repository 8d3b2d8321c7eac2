//! What one turn shows.

use std::error::Error;
use std::time::Duration;

/// The figures of a turn; those that were not asked for, or that the system does not tell, are missing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) seconds: Option<f64>,
    pub(crate) calls_per_second: Option<f64>,
    pub(crate) large_per_second: Option<f64>,
    pub(crate) p50_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
    /// What the server's threads run for a call.
    pub(crate) server_us: Option<f64>,
    /// What a connection takes of resident memory.
    pub(crate) server_kib: Option<f64>,
    pub(crate) client_kib: Option<f64>,
}

/// A figure with its name, and how many digits behind the point make sense.
pub(crate) type Column = (&'static str, fn(&Figures) -> Option<f64>, usize);

/// All of them, as a table shows them.
pub(crate) const COLUMNS: [Column; 7] = [
    ("calls/s", |figures| figures.calls_per_second, 0),
    ("large/s", |figures| figures.large_per_second, 0),
    ("p50 µs", |figures| figures.p50_us, 1),
    ("p99 µs", |figures| figures.p99_us, 1),
    ("server µs/call", |figures| figures.server_us, 3),
    ("server KiB", |figures| figures.server_kib, 2),
    ("client KiB", |figures| figures.client_kib, 2),
];

impl Figures {
    /// What a client prints: `NAME=NUMBER …`.
    pub(crate) fn from_line(line: &str) -> Result<Self, Box<dyn Error>> {
        let mut figures = Self::default();
        for word in line.split_whitespace() {
            let (name, number) = word.split_once('=').ok_or_else(|| format!("{line:?}"))?;
            let number: f64 = number.parse()?;
            match name {
                "seconds" => figures.seconds = Some(number),
                "calls_per_second" => figures.calls_per_second = Some(number),
                "large_per_second" => figures.large_per_second = Some(number),
                "p50_ns" => figures.p50_us = Some(number / 1e3),
                "p99_ns" => figures.p99_us = Some(number / 1e3),
                _ => return Err(format!("{line:?}").into()),
            }
        }
        Ok(figures)
    }

    pub(crate) fn set_server_time(&mut self, time: Duration) {
        let calls = self.seconds.zip(self.calls_per_second);
        self.server_us = calls.map(|(seconds, rate)| time.as_secs_f64() * 1e6 / (seconds * rate));
    }

    /// The resident memory of server and client before and after connections were opened.
    pub(crate) fn of_memory(
        before: [Option<f64>; 2],
        after: [Option<f64>; 2],
        connections: f64,
    ) -> Self {
        let each = |side: usize| Some((after[side]? - before[side]?) / connections);
        Self {
            server_kib: each(0),
            client_kib: each(1),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_line_is_read() {
        let line = "seconds=0.500 calls_per_second=2000.0 p50_ns=1500 p99_ns=2500";
        let mut figures = Figures::from_line(line).unwrap();
        assert_eq!(figures.calls_per_second, Some(2_000.0));
        assert_eq!(figures.p50_us, Some(1.5));
        assert_eq!(figures.p99_us, Some(2.5));
        assert_eq!(figures.large_per_second, None);
        // A thousand calls.
        figures.set_server_time(Duration::from_millis(3));
        assert_eq!(figures.server_us, Some(3.0));
    }

    #[test]
    fn a_line_of_another_kind_is_refused() {
        assert!(Figures::from_line("panicked").is_err());
        assert!(Figures::from_line("calls_per_second=many").is_err());
        assert!(Figures::from_line("speed=1").is_err());
    }

    #[test]
    fn memory_is_that_of_a_connection() {
        let figures = Figures::of_memory([Some(100.0), None], [Some(300.0), Some(1.0)], 100.0);
        assert_eq!(figures.server_kib, Some(2.0));
        assert_eq!(figures.client_kib, None);
    }
}
