//! What clients were told, and when, by a clock that all of them share.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// When an operation began and when it was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// How somebody came to see a stream from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// In a page that said it was all there is.
    Page,
    /// As a live reader: all that it was given so far.
    Live,
}

/// What an answer told.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// This record was appended and ends at this position; with or without closing the stream.
    Appended { token: String, end: u64, closed: bool },
    /// The stream holds these bytes from its beginning.
    Seen { content: String, how: How },
}

/// An answer about one incarnation of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) span: Span,
    pub(crate) name: String,
    pub(crate) lineage: u64,
    pub(crate) told: Told,
}

/// A record and its place in the order of its space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) place: u64,
    pub(crate) at: u64,
    pub(crate) name: String,
    pub(crate) sequence: u64,
    pub(crate) token: String,
}

/// Everything that was told, by all clients.
#[derive(Default)]
pub(crate) struct Recorded {
    pub(crate) events: Vec<Event>,
    /// Records that were certainly not appended.
    pub(crate) refused: HashSet<String>,
    /// How often a producer's record was answered as new.
    pub(crate) commits: HashMap<String, u32>,
    /// The steady streams as each reader had them in the end: its name, and the bytes.
    pub(crate) wholes: Vec<(String, String)>,
    /// The steady space as each reader had it in the end.
    pub(crate) orders: Vec<Vec<Placed>>,
    /// What was reached how often.
    pub(crate) reached: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
pub(crate) struct History {
    time: AtomicU64,
    // Held for a push.
    recorded: Mutex<Recorded>,
}

impl History {
    pub(crate) fn begin(&self) -> u64 {
        self.time.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn told(&self, from: u64, name: &str, lineage: u64, told: Told) {
        let span = Span { from, to: self.begin() };
        self.note(|all| all.events.push(Event { span, name: name.to_owned(), lineage, told }));
    }

    pub(crate) fn note(&self, note: impl FnOnce(&mut Recorded)) {
        note(&mut self.recorded.lock().unwrap());
    }

    pub(crate) fn count(&self, what: &'static str, times: u64) {
        self.note(|all| *all.reached.entry(what).or_default() += times);
    }

    /// All of it; nothing is left.
    pub(crate) fn take(&self) -> Recorded {
        std::mem::take(&mut self.recorded.lock().unwrap())
    }
}
