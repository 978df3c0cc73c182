//! When the records of the system under test were committed, and what its states say has to go, looked up in them.

use std::collections::BTreeMap;

use headwater_core::retention::Found;
use headwater_core::{Lineage, StreamKey, StreamState, Tail, Timestamp};

use crate::namespace::contents::{Contents, Record, ranges};
use crate::ops::Look;

/// Commit times, and what was looked up and not used yet.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// Of the records of each lineage, in order.
    committed: BTreeMap<Lineage, Vec<Timestamp>>,
    latest: Timestamp,
    looks: BTreeMap<StreamKey, (Lineage, Found)>,
}

impl Records {
    /// What is there by now was committed by now. Storage's clock does not go back.
    pub(crate) fn note(&mut self, contents: &Contents, now: Timestamp) {
        self.latest = self.latest.max(now);
        for (lineage, log) in &contents.logs {
            let times = self.committed.entry(*lineage).or_default();
            // What a deleted stream has given back is not there any more, and has had its time.
            let more = times.len().max(log.records.len());
            times.resize(more, self.latest);
        }
    }

    /// What has to go of a stream by its state, and whose it is.
    pub(crate) fn look(
        &mut self,
        contents: &Contents,
        key: &StreamKey,
        look: Look,
        now: Timestamp,
    ) -> (Lineage, Found) {
        let slot = contents.slot(key);
        let live = matches!(slot, headwater_core::Slot::Live(_));
        let found = slot
            .state()
            .filter(|_| live)
            .and_then(|state| Some((state.ranges.own(), self.found(contents, state, now)?)));
        let found = match (look, found) {
            (Look::Now, found) => found,
            (Look::Before, Some(found)) => self.looks.insert(key.clone(), found),
            (Look::Before, None) => self.looks.get(key).copied(),
        };
        found.unwrap_or((Lineage(0), Found::default()))
    }

    fn found(&self, contents: &Contents, state: &StreamState, now: Timestamp) -> Option<Found> {
        let (excess, mut found) = (state.excess(now)?, Found::default());
        for (record, at) in self.with_times(contents, state) {
            if record.sequence <= state.floor.sequence {
                continue;
            }
            let end = Tail { position: record.to, sequence: record.sequence };
            if excess.byte.is_some_and(|byte| record.from <= byte && byte < record.to) {
                found.behind_byte = Some(end);
            }
            match excess.before {
                Some(before) if at < before => found.behind_old = Some(end),
                Some(_) => found.oldest = found.oldest.or(Some(at)),
                None => {}
            }
        }
        Some(found)
    }

    /// The record table of a stream, with commit times.
    fn with_times(&self, contents: &Contents, state: &StreamState) -> Vec<(Record, Timestamp)> {
        let records = contents.records(state).unwrap_or_default();
        let writers: Vec<_> = ranges(state).collect();
        let time = |record: &Record| {
            // The last one that began before it.
            let began = writers.iter().rev().find_map(|range| {
                let base = contents.logs.get(&range.lineage)?.base.sequence;
                (base < record.sequence).then_some((range.lineage, base))
            });
            let (lineage, base) = began?;
            self.committed.get(&lineage)?.get((record.sequence - base - 1) as usize).copied()
        };
        let timed = |record: Record| Some((record.clone(), time(&record)?));
        records.into_iter().filter_map(timed).collect()
    }
}
