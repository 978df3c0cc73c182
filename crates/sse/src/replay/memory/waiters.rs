//! Who waits for the next event.

use std::task::Waker;

/// Wakers in numbered places, so that one that leaves early takes its own along.
#[derive(Default)]
pub(super) struct Waiters {
    places: Vec<Option<Waker>>,
    /// The places that were given back, so that taking one does not look at all.
    free: Vec<usize>,
    round: u64,
}

/// A place, and the round it was taken in: a later round has other people in the same places.
#[derive(Clone, Copy)]
pub(super) struct Key {
    round: u64,
    place: usize,
}

impl Waiters {
    /// Takes a place, or puts another waker into the one taken before.
    pub(super) fn park(&mut self, key: Option<Key>, waker: &Waker) -> Key {
        let held = key.filter(|key| key.round == self.round);
        let place = held.map(|key| key.place).or_else(|| self.free.pop());
        let place = place.unwrap_or(self.places.len());
        match self.places.get_mut(place) {
            Some(here) => *here = Some(waker.clone()),
            None => self.places.push(Some(waker.clone())),
        }
        Key { round: self.round, place }
    }

    /// Gives a place back.
    pub(super) fn leave(&mut self, key: Key) -> Option<Waker> {
        let here = (key.round == self.round).then(|| self.places.get_mut(key.place)).flatten();
        let waker = here.and_then(Option::take);
        if waker.is_some() {
            self.free.push(key.place);
        }
        waker
    }

    /// All of them, which then wait no more.
    pub(super) fn take(&mut self) -> Vec<Waker> {
        self.round += 1;
        self.free.clear();
        std::mem::take(&mut self.places).into_iter().flatten().collect()
    }
}
