//! Readers of every place that there ever was, with what they have read.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use headwater_core::{Lineage, Offset, OffsetError, Slot, StreamKey};

use crate::testkit::{Failure, Sight};

/// Someone who has read so far, and will go on there.
#[derive(Clone, Debug)]
struct Reader {
    key: StreamKey,
    own: Lineage,
    offset: Offset,
    /// What was read, from a position on.
    from: u64,
    read: Bytes,
    /// Whether a crash has taken some of it.
    lost: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Readers {
    readers: Vec<Reader>,
    known: HashSet<(StreamKey, Lineage, Offset)>,
    /// What readers of spaces have read, by the number.
    records: HashMap<(usize, u64), Bytes>,
}

impl Readers {
    pub(super) fn count(&self) -> usize {
        self.readers.len()
    }

    /// The first so many.
    pub(super) fn first(&self, count: usize) -> Self {
        let readers: Vec<_> = self.readers.iter().take(count).cloned().collect();
        let known = readers.iter().map(|r| (r.key.clone(), r.own, r.offset)).collect();
        Self { readers, known, records: HashMap::new() }
    }

    /// How many have lost something, and how many have not.
    pub(super) fn lost(&self) -> (usize, usize) {
        let lost = self.readers.iter().filter(|reader| reader.lost).count();
        (lost, self.readers.len() - lost)
    }

    /// Everything is read up to the end of each record.
    pub(super) fn look(&mut self, sight: &Sight) {
        for (key, slot, bytes, records, _) in &sight.streams {
            let Slot::Live(state) = slot else { continue };
            let (own, floor) = (state.ranges.own(), state.floor.position);
            let ends = records.iter().map(|record| record.end().min(state.tail.position));
            for position in ends.chain([floor, state.tail.position]) {
                let offset = state.ranges.offset(position);
                if position < floor || !self.known.insert((key.clone(), own, offset)) {
                    continue;
                }
                let read = bytes.slice(..(position - floor) as usize);
                let key = key.clone();
                self.readers.push(Reader { key, own, offset, from: floor, read, lost: false });
            }
        }
        for (space, entries) in sight.spaces.iter().enumerate() {
            for entry in entries {
                let number = (space, entry.meta.space_sequence.0);
                self.records.insert(number, entry.payload.clone());
            }
        }
    }

    /// There was a crash, and this is what is left.
    pub(super) fn crashed(&mut self, sight: &Sight) {
        for reader in &mut self.readers {
            let left = sight.streams.iter().find(|(key, ..)| *key == reader.key);
            let kept = left.and_then(|(_, slot, ..)| slot.state()).is_some_and(|state| {
                state.ranges.own() == reader.own && reader.offset.position() <= state.tail.position
            });
            reader.lost |= !kept;
        }
    }

    /// Whether everyone goes on where they were, or is told that this is not possible.
    pub(super) fn check(&self, sight: &Sight) -> Result<(), Failure> {
        let failed = |reader: &Reader, what: &str| {
            let Reader { key, offset, lost, .. } = reader;
            let there = sight.streams.iter().find(|(there, ..)| there == key);
            let slot = there.map(|(_, slot, ..)| slot);
            Err(Failure::new(format!("who is at {offset} of {key} {what}, lost: {lost}, {slot:?}")))
        };
        for reader in &self.readers {
            let found = sight.streams.iter().find(|(key, ..)| *key == reader.key);
            let Some((_, Slot::Live(state), bytes, ..)) = found else { continue };
            let position = reader.offset.position();
            match state.ranges.resolve(reader.offset, state.tail.position) {
                Ok(at) if at != position => return failed(reader, "is moved"),
                Ok(_) => {
                    let from = reader.from.max(state.floor.position).min(position);
                    let read = &reader.read[(from - reader.from) as usize..];
                    let there = bytes
                        .get((from.max(state.floor.position) - state.floor.position) as usize..);
                    if position >= state.floor.position
                        && !there.is_some_and(|there| there.starts_with(read))
                    {
                        return failed(reader, "reads something else");
                    }
                }
                Err(OffsetError::Expired) if reader.lost || state.ranges.own() != reader.own => {}
                Err(OffsetError::Expired) => return failed(reader, "is sent away"),
                Err(error) => return failed(reader, &error.to_string()),
            }
        }
        for (space, entries) in sight.spaces.iter().enumerate() {
            for entry in entries {
                let known = self.records.get(&(space, entry.meta.space_sequence.0));
                if known.is_some_and(|known| *known != entry.payload) {
                    return Err(Failure::new(format!("{entry:?} has a number of another one")));
                }
            }
        }
        Ok(())
    }
}
