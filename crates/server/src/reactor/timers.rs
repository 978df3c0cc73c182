//! When readers are to be looked at: in steps, so that thousands of them share a few places in a tree.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Nothing that is timed here needs to be more exact.
const STEP_MILLIS: u64 = 10;

const STEP: Duration = Duration::from_millis(STEP_MILLIS);

/// A moment, rounded up to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step(u64);

/// Who is to be looked at when. A reader that is gone, or is to be looked at sooner, stays where it is: whoever looks, finds out.
#[derive(Debug)]
pub(super) struct Timers {
    begun: Instant,
    due: BTreeMap<Step, Vec<usize>>,
}

impl Timers {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), due: BTreeMap::new() }
    }

    pub(super) fn step(&self, moment: Instant) -> Step {
        let since = moment.saturating_duration_since(self.begun).as_nanos();
        Step(u64::try_from(since.div_ceil(STEP.as_nanos())).unwrap_or(u64::MAX))
    }

    pub(super) fn set(&mut self, at: Step, reader: usize) {
        self.due.entry(at).or_default().push(reader);
    }

    /// How long it is until the next one is due.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let (Step(first), _) = self.due.first_key_value()?;
        let since = Duration::from_millis(first.saturating_mul(STEP_MILLIS));
        Some(self.begun.checked_add(since)?.saturating_duration_since(now))
    }

    /// Those that are due.
    pub(super) fn next(&mut self, now: Instant) -> Option<(Step, Vec<usize>)> {
        let first = self.due.first_entry()?;
        let Step(step) = *first.key();
        let passed = now.saturating_duration_since(self.begun).as_nanos() / STEP.as_nanos();
        (u128::from(step) <= passed).then(|| first.remove_entry())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_due_in_order_and_never_early() {
        let mut timers = Timers::new();
        let begun = timers.begun;
        let at = |millis| begun + Duration::from_millis(millis);
        assert_eq!((timers.wait(begun), timers.next(at(1_000_000))), (None, None));
        for (reader, millis) in [(1, 25), (2, 11), (3, 20), (4, 0)] {
            let step = timers.step(at(millis));
            timers.set(step, reader);
        }
        assert_eq!(timers.wait(begun), Some(Duration::ZERO));
        assert_eq!(timers.next(begun), Some((Step(0), vec![4])));
        assert_eq!(timers.next(at(19)), None);
        assert_eq!(timers.wait(at(15)), Some(Duration::from_millis(5)));
        assert_eq!(timers.next(at(20)), Some((Step(2), vec![2, 3])));
        assert_eq!(timers.next(at(29)), None);
        assert_eq!(timers.next(at(40)), Some((Step(3), vec![1])));
        assert_eq!(timers.wait(begun), None);
    }
}
