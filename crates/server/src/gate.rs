//! Limits by number: so many at once, and the next is refused.

use std::collections::BTreeMap;
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
    // Held for a search in a tree, when somebody comes and when somebody goes.
    ends: Mutex<Ends>,
}

#[derive(Debug, Default)]
struct Ends {
    inside: usize,
    at: BTreeMap<Instant, usize>,
}

/// The place of one. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Stay {
    stays: Arc<Stays>,
    end: Instant,
}

impl Stays {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, ends: Mutex::default() })
    }

    /// Takes a place until then at the latest. If there is none: how long it takes until there is one.
    pub(crate) fn enter(self: &Arc<Self>, end: Instant) -> Result<Stay, Duration> {
        let mut ends = self.ends.lock();
        if ends.inside >= self.most {
            return Err(ends.first().unwrap_or_else(|| until(end)));
        }
        ends.inside += 1;
        *ends.at.entry(end).or_default() += 1;
        Ok(Stay { stays: Arc::clone(self), end })
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        self.ends.lock().inside
    }

    /// How long it takes until the first of them will be gone at the latest.
    pub(crate) fn first_end(&self) -> Option<Duration> {
        self.ends.lock().first()
    }
}

impl Ends {
    fn first(&self) -> Option<Duration> {
        self.at.keys().next().copied().map(until)
    }
}

fn until(moment: Instant) -> Duration {
    moment.saturating_duration_since(Instant::now())
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut ends = self.stays.ends.lock();
        ends.inside -= 1;
        if let Some(count) = ends.at.get_mut(&self.end) {
            *count -= 1;
            if *count == 0 {
                ends.at.remove(&self.end);
            }
        }
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
}
