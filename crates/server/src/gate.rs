//! Limits by number: so many at once, and the next is refused.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Lets in so many at once.
#[derive(Debug)]
pub(crate) struct Gate {
    most: usize,
    inside: AtomicUsize,
}

/// The place of one. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Pass(Arc<Gate>);

impl Gate {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, inside: AtomicUsize::new(0) })
    }

    /// Takes a place, if there is one.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Pass> {
        // Only the number matters, no other memory hangs on it.
        if self.inside.fetch_add(1, Ordering::Relaxed) < self.most {
            return Some(Pass(Arc::clone(self)));
        }
        self.inside.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        self.inside.load(Ordering::Relaxed).min(self.most)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets in so many at once who say when they will be gone at the latest, so that it can be told when there will be room.
#[derive(Debug)]
pub(crate) struct Stays {
    most: usize,
    since: Instant,
    // Held for a few comparisons, when somebody comes and when somebody goes.
    ends: Mutex<Ends>,
}

/// Ends are told in seconds, so they are kept in quarters of them since the beginning, rounded up: whoever waits for about the same time
/// shares one, and there are no more than the longest wait has.
const PER_SECOND: u64 = 4;

/// Of a second.
const NANOS: u64 = 1_000_000_000;

#[derive(Debug, Default)]
struct Ends {
    inside: usize,
    /// How many end in each quarter in which somebody does. They grow: who comes later mostly ends later, and is found at the back.
    at: VecDeque<(u64, usize)>,
}

/// The place of one. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Stay {
    stays: Arc<Stays>,
    quarter: u64,
}

impl Stays {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, since: Instant::now(), ends: Mutex::default() })
    }

    /// Takes a place until then at the latest. If there is none: how long it takes until there is one.
    pub(crate) fn enter(self: &Arc<Self>, end: Instant) -> Result<Stay, Duration> {
        let quarter = self.quarter(end);
        let mut ends = self.ends.lock();
        if ends.inside >= self.most {
            return Err(until(ends.first().map_or(end, |first| self.moment(first))));
        }
        ends.inside += 1;
        ends.add(quarter);
        Ok(Stay { stays: Arc::clone(self), quarter })
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        self.ends.lock().inside
    }

    /// How long it takes until the first of them will be gone at the latest.
    pub(crate) fn first_end(&self) -> Option<Duration> {
        let first = self.ends.lock().first();
        first.map(|first| until(self.moment(first)))
    }

    fn quarter(&self, end: Instant) -> u64 {
        let time = end.saturating_duration_since(self.since);
        let begun = u64::from(time.subsec_nanos()).div_ceil(NANOS / PER_SECOND);
        time.as_secs().saturating_mul(PER_SECOND).saturating_add(begun)
    }

    fn moment(&self, quarter: u64) -> Instant {
        self.since + Duration::from_millis(quarter.saturating_mul(1000 / PER_SECOND))
    }
}

impl Ends {
    fn first(&self) -> Option<u64> {
        self.at.front().map(|(quarter, _)| *quarter)
    }

    fn place(&self, quarter: u64) -> Result<usize, usize> {
        match self.at.back() {
            Some((last, _)) if *last == quarter => Ok(self.at.len() - 1),
            Some((last, _)) if *last > quarter => {
                self.at.binary_search_by_key(&quarter, |(quarter, _)| *quarter)
            }
            _ => Err(self.at.len()),
        }
    }

    fn add(&mut self, quarter: u64) {
        match self.place(quarter) {
            Ok(at) => {
                if let Some((_, count)) = self.at.get_mut(at) {
                    *count += 1;
                }
            }
            Err(at) => self.at.insert(at, (quarter, 1)),
        }
    }

    fn remove(&mut self, quarter: u64) {
        if let Ok(at) = self.place(quarter)
            && let Some((_, count)) = self.at.get_mut(at)
        {
            *count -= 1;
            if *count == 0 {
                self.at.remove(at);
            }
        }
    }
}

fn until(moment: Instant) -> Duration {
    moment.saturating_duration_since(Instant::now())
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut ends = self.stays.ends.lock();
        ends.inside -= 1;
        ends.remove(self.quarter);
    }
}

/// The place of a request, in whichever limit it counts, until its answer has been sent.
#[derive(Debug, Default)]
pub(crate) enum Seat {
    /// It counts in none, or what is sent has a place of its own.
    #[default]
    Free,
    Request(#[expect(dead_code, reason = "held, and given back when dropped")] Pass),
    LiveReader(#[expect(dead_code, reason = "held, and given back when dropped")] Stay),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_and_given_back() {
        let gate = Gate::new(2);
        let (first, second) = (gate.enter().unwrap(), gate.enter().unwrap());
        assert!(gate.enter().is_none() && gate.enter().is_none());
        assert_eq!(gate.inside(), 2);
        drop(first);
        let third = gate.enter().unwrap();
        assert!(gate.enter().is_none());
        drop((second, third));
        assert_eq!(gate.inside(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_is_told_when_the_first_will_be_gone() {
        let stays = Stays::new(2);
        let now = Instant::now();
        let seconds = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(stays.first_end(), None);
        let long = stays.enter(seconds(9)).unwrap();
        assert_eq!(stays.first_end(), Some(Duration::from_secs(9)));
        let short = stays.enter(seconds(4)).unwrap();
        assert_eq!(stays.enter(seconds(1)).unwrap_err(), Duration::from_secs(4));
        drop(short);
        let same = stays.enter(seconds(9)).unwrap();
        drop(long);
        let _other = stays.enter(seconds(20)).unwrap();
        assert_eq!(stays.enter(seconds(1)).unwrap_err(), Duration::from_secs(9));
        drop(same);
        assert_eq!(stays.inside(), 1);
    }

    /// Against the moments themselves, which are told late by less than a quarter of a second and never early.
    #[tokio::test(start_paused = true)]
    async fn whoever_goes_first_is_known_in_whichever_order_they_come_and_go() {
        let stays = Stays::new(1000);
        let now = Instant::now();
        let mut inside: Vec<(Duration, Stay)> = Vec::new();
        for step in 0..3000_u64 {
            let some = step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
            if step % 5 < 3 || inside.is_empty() {
                let wait = Duration::from_micros(some % 3_000_000);
                inside.push((wait, stays.enter(now + wait).unwrap()));
            } else {
                inside.swap_remove(some as usize % inside.len());
            }
            assert_eq!(stays.inside(), inside.len());
            let first = inside.iter().map(|(wait, _)| *wait).min();
            let told = stays.first_end();
            assert_eq!(told.is_some(), first.is_some());
            let late = told.zip(first).map_or(Duration::ZERO, |(told, first)| told - first);
            assert!(late < Duration::from_millis(250), "{told:?} for {first:?}");
        }
        drop(inside);
        assert!(stays.ends.lock().at.is_empty(), "nothing is kept of those who are gone");
    }
}
