//! A token bucket that is told the time (the generic cell rate algorithm, which keeps one instant).

use std::time::{Duration, Instant};

/// So many a second on average, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Between two, on average.
    interval: Duration,
    /// How far ahead of the average a peer may be.
    ahead: Duration,
}

impl Rate {
    /// `per_second` on average and `burst` at once; 0 is taken for 1.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        let per_second = if per_second == 0 { 1 } else { per_second };
        let interval = Duration::from_nanos(1_000_000_000 / per_second as u64);
        Self { interval, ahead: interval.saturating_mul(burst.saturating_sub(1)) }
    }
}

/// Whether one peer keeps to a rate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meter {
    /// When the bucket is full again.
    full_at: Option<Instant>,
}

impl Meter {
    /// Takes one at `now`; false if that is too soon, and then nothing is taken.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now));
        if full_at.saturating_duration_since(now) > rate.ahead {
            return false;
        }
        self.full_at = Some(full_at + rate.interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The model counts tokens: it starts full, gains one each interval, never exceeds the burst.
        #[test]
        fn it_is_a_token_bucket(
            per_second in 1_u32..1000,
            burst in 1_u32..20,
            waits in prop::collection::vec(0_u64..5_000_000, 1..200),
        ) {
            let interval = u128::from(1_000_000_000 / u64::from(per_second));
            let full = interval * u128::from(burst);
            let (mut credit, mut now, mut meter) = (full, Instant::now(), Meter::default());
            for wait in waits {
                now += Duration::from_nanos(wait);
                credit = (credit + u128::from(wait)).min(full);
                let expected = credit >= interval;
                if expected {
                    credit -= interval;
                }
                prop_assert_eq!(meter.take(Rate::new(per_second, burst), now), expected);
            }
        }
    }
}
