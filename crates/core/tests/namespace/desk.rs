//! What a decision has in front of it: only what it asked for.

use std::cell::RefCell;
use std::collections::BTreeSet;

use headwater_core::decide::{BoundaryAnswer, BoundaryQuestion, Need, View};
use headwater_core::producer::ProducerState;
use headwater_core::{ProducerId, Slot, StreamKey};

use super::Fault;
use super::contents::Contents;

/// What has been loaded for a command.
#[derive(Default)]
pub(super) struct Known {
    slots: BTreeSet<StreamKey>,
    rows: BTreeSet<(StreamKey, ProducerId)>,
    questions: Vec<BoundaryQuestion>,
}

impl Known {
    /// Loads what a decision needs. A decision that needs what it has goes in circles.
    pub(super) fn learn(&mut self, need: Need) -> Result<(), String> {
        let described = format!("{need:?}");
        let news = match need {
            Need::Stream(key) => self.slots.insert(key),
            Need::Producer(key, id) => self.rows.insert((key, id)),
            Need::Boundary(question) => {
                let news = !self.questions.contains(&question);
                self.questions.push(question);
                news
            }
        };
        if news { Ok(()) } else { Err(format!("asked again for {described}")) }
    }
}

/// A view of what has been loaded, which remembers what was looked at.
pub(crate) struct Desk<'a> {
    contents: &'a Contents,
    known: &'a Known,
    fault: &'a dyn Fault,
    looked: RefCell<BTreeSet<StreamKey>>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(contents: &'a Contents, known: &'a Known, fault: &'a dyn Fault) -> Self {
        Self { contents, known, fault, looked: RefCell::default() }
    }

    pub(super) fn looked(&self) -> BTreeSet<StreamKey> {
        self.looked.take()
    }
}

impl View for Desk<'_> {
    fn slot(&self, key: &StreamKey) -> Option<Slot> {
        self.looked.borrow_mut().insert(key.clone());
        let known = self.known.slots.contains(key);
        known.then(|| self.fault.slot(self.contents.slot(key)))
    }

    fn producer(&self, key: &StreamKey, id: &ProducerId) -> Option<Option<ProducerState>> {
        self.looked.borrow_mut().insert(key.clone());
        if !self.known.rows.contains(&(key.clone(), id.clone())) {
            return None;
        }
        let slot = self.contents.slot(key);
        let log = slot.state().and_then(|state| self.contents.logs.get(&state.ranges.own()));
        Some(self.fault.row(log.and_then(|log| log.producers.get(id).copied())))
    }

    fn boundary(&self, question: &BoundaryQuestion) -> Option<BoundaryAnswer> {
        let known = self.known.questions.contains(question);
        let answer = known.then(|| self.contents.boundary(question)).flatten();
        answer.map(|answer| self.fault.boundary(answer))
    }
}
