//! What was reached: a crash that never happens in the middle of anything proves nothing.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// Something that a crash can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// A chunk file was being written.
    Draft,
    /// A chunk file was there of which the catalogue had not heard.
    FileAhead,
    /// The catalogue had a part of a file's rows.
    PartOfEdition,
    /// A journal file was just recycled.
    Recycled,
    /// The last group was torn, and cut.
    Cut,
    /// A group was there that nobody had been told of.
    Unreported,
    /// The catalogue was empty, and there were files.
    CatalogueLost,
    /// The catalogue was older than the last one that was synced.
    CatalogueOld,
    /// The catalogue was damaged.
    CatalogueDamaged,
    /// The catalogue was made anew.
    Rebuilt,
    /// Everything came from the journal.
    Unpacked,
    /// It went on after a loss of power.
    SecondLife,
    /// It went on after the process was killed, with what was not synced.
    Survived,
}

use Event::{
    CatalogueDamaged, CatalogueLost, CatalogueOld, Cut, Draft, FileAhead, PartOfEdition, Rebuilt,
    Recycled, SecondLife, Survived, Unpacked, Unreported,
};

const EVENTS: [Event; 13] = [
    Draft,
    FileAhead,
    PartOfEdition,
    Recycled,
    Cut,
    Unreported,
    CatalogueLost,
    CatalogueOld,
    CatalogueDamaged,
    Rebuilt,
    Unpacked,
    SecondLife,
    Survived,
];

/// How much was tried.
#[derive(Debug, Default)]
pub(super) struct Counts {
    images: HashSet<u64>,
    looked: u64,
    events: BTreeMap<Event, u64>,
}

impl Counts {
    /// Takes note of an image.
    pub(super) fn image(&mut self, hash: u64) {
        self.looked += 1;
        self.images.insert(hash);
    }

    /// Different images.
    pub(super) fn images(&self) -> usize {
        self.images.len()
    }

    /// Takes note of an event.
    pub(super) fn happened(&mut self, event: Event) {
        *self.events.entry(event).or_default() += 1;
    }

    /// Takes note of an event if it is one.
    pub(super) fn happened_if(&mut self, yes: bool, event: Event) {
        if yes {
            self.happened(event);
        }
    }

    /// What happened less often than that.
    pub(super) fn missed(&self, least: u64) -> Vec<Event> {
        let times = |event: &Event| self.events.get(event).copied().unwrap_or(0);
        EVENTS.into_iter().filter(|event| times(event) < least).collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { looked, events, .. } = self;
        write!(f, "{} images, {looked} looked at, {events:?}", self.images.len())
    }
}
