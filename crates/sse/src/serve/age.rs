//! How long a response may last.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The age at which a response ends, so that its client comes back, perhaps to another server.
///
/// Each response draws its own, evenly between `at_least` and `at_most`, so that clients which came
/// together, after a restart say, do not all come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxAge {
    at_least: Duration,
    spread: Duration,
}

impl MaxAge {
    /// Between 80 % of `age` and all of it.
    pub fn jittered(age: Duration) -> Self {
        Self::between(age.mul_f64(0.8), age)
    }

    /// Between the two, whichever is longer.
    pub fn between(one: Duration, other: Duration) -> Self {
        Self { at_least: one.min(other), spread: one.abs_diff(other) }
    }

    /// One age, drawn by chance.
    pub(super) fn draw(self) -> Duration {
        // The standard library seeds each hasher from the system's source of randomness. The upper
        // 32 bits are a fraction that a double holds exactly.
        let fraction = (RandomState::new().hash_one(()) >> 32) as f64 / 2f64.powi(32);
        self.at_least + self.spread.mul_f64(fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_spread_over_the_whole_range() {
        let age = MaxAge::jittered(Duration::from_secs(100));
        let drawn: Vec<_> = (0..1000).map(|_| age.draw().as_secs_f64()).collect();
        assert!(drawn.iter().all(|age| (80.0..=100.0).contains(age)));
        for tenth in 0..10 {
            let from = 80.0 + 2.0 * f64::from(tenth);
            let here = drawn.iter().filter(|age| (from..from + 2.0).contains(*age)).count();
            assert!(here >= 40, "{here} of 1000 between {from} and {}", from + 2.0);
        }
        let exactly = Duration::from_secs(5);
        assert_eq!(MaxAge::between(exactly, exactly).draw(), exactly);
    }
}
