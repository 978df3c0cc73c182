//! How long to leave alone what has failed: exponential bounds, and full jitter below them.
//!
//! Pauses are drawn from all of the time up to the bound, so that many who failed at the same moment come back spread over it and
//! not together. Who calls brings the randomness.

use std::time::Duration;

/// Bounds of the pauses between tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
}

impl Backoff {
    /// Pauses of up to `first` after one failure, of up to twice as much after each further one, and never of more than `most`.
    #[must_use]
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most }
    }

    /// The longest pause after so many failures in a row; none when there was none.
    #[must_use]
    pub fn bound(self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(1) else { return Duration::ZERO };
        // More doublings than a number has bits reach any bound.
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.most)
    }

    /// A pause after so many failures in a row; `random` is any number, each as likely as the others.
    #[must_use]
    pub fn pause(self, failures: u32, random: u32) -> Duration {
        let nanos = self.bound(failures).as_nanos().saturating_mul(u128::from(random)) >> u32::BITS;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

    #[test]
    fn bounds_double_up_to_the_most() {
        let millis = |failures| BACKOFF.bound(failures).as_millis();
        let expected = [0, 50, 100, 200, 400, 800, 1600, 2000, 2000];
        assert_eq!((0..9).map(millis).collect::<Vec<_>>(), expected);
        for failures in [32, 33, 34, 1000, u32::MAX] {
            assert_eq!(millis(failures), 2000, "{failures}");
        }
    }

    #[test]
    fn pauses_are_spread_over_all_of_the_time_up_to_the_bound() {
        assert_eq!(BACKOFF.pause(3, 0), Duration::ZERO);
        assert_eq!(BACKOFF.pause(3, 1 << 31), Duration::from_millis(100));
        let longest = BACKOFF.pause(3, u32::MAX);
        assert!(longest < BACKOFF.bound(3) && longest > Duration::from_millis(199), "{longest:?}");
        let endless = Backoff::new(Duration::MAX, Duration::MAX);
        assert!(endless.pause(u32::MAX, u32::MAX) > Duration::from_secs(1 << 33));
    }
}
