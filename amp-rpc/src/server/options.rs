//! What servers grant their connections.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use crate::options_error::OptionsError;

/// How long a connection that has reached its age may finish.
const AGE_GRACE: Duration = Duration::from_secs(60);

/// How servers treat their connections. Set through the methods of [`Amp`](crate::Amp).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ServerOptions {
    /// Open connections of one server.
    pub(crate) max_connections: Option<usize>,
    /// After which a connection finishes.
    pub(crate) max_age: Option<Duration>,
    /// How long it may take to.
    pub(crate) age_grace: Option<Duration>,
}

/// How long a connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Age {
    pub(super) limit: Duration,
    pub(super) grace: Duration,
}

impl ServerOptions {
    /// Looks for what cannot be meant.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        let error = |option, problem| Err(OptionsError::new(option, problem));
        if self.max_connections == Some(0) {
            return error(
                "Amp::max_connections",
                "with 0, every connection would be refused; leave it out for no bound",
            );
        }
        if self.max_age == Some(Duration::ZERO) {
            return error(
                "Amp::max_age",
                "with 0, every connection would be closed before its first call; leave it out for no limit",
            );
        }
        if self.age_grace.is_some() && self.max_age.is_none() {
            return error(
                "Amp::age_grace",
                "it says what happens after Amp::max_age, which is not set",
            );
        }
        Ok(())
    }

    /// How long the next connection lives: up to a tenth more or less than was said. Connections that began
    /// together, as after a restart, do not end together, and their peers do not all come back together.
    pub(super) fn age(&self) -> Option<Age> {
        let age = self.max_age?;
        Some(Age {
            limit: jittered(age, RandomState::new().build_hasher().finish()),
            grace: self.age_grace.unwrap_or(AGE_GRACE),
        })
    }
}

/// Nine tenths of a duration for the lowest number, eleven for the highest.
fn jittered(duration: Duration, random: u64) -> Duration {
    let fifth = (duration / 5).as_secs_f64() * (random as f64 / u64::MAX as f64);
    let least = duration - duration / 10;
    let jitter = Duration::try_from_secs_f64(fifth).unwrap_or(Duration::ZERO);
    least.saturating_add(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_varies_by_a_tenth() {
        let age = Duration::from_secs(100);
        assert_eq!(jittered(age, 0), Duration::from_secs(90));
        assert_eq!(jittered(age, u64::MAX), Duration::from_secs(110));
        assert_eq!(jittered(age, u64::MAX / 2).as_secs_f64().round(), 100.0);
        // The longest does not overflow, the shortest does not vanish.
        assert!(jittered(Duration::MAX, u64::MAX) > Duration::MAX / 2);
        assert_eq!(jittered(Duration::from_nanos(1), 0).as_nanos(), 1);
    }
}
