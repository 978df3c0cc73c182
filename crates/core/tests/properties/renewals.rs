//! Streams whose last bytes are lost in crashes: a token that was given out never selects other bytes, and one for what is left is
//! good.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::change::{Birth, Update};
use headwater_core::offset::OffsetError;
use headwater_core::{
    Batch, ContentType, Expiry, Lineage, Offset, Slot, StreamState, Tail, Timestamp,
};
use proptest::prelude::*;

use crate::config;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Append(usize, u8),
    /// A fork, and how many bytes of its parent it has.
    Fork(usize, usize),
    Sync,
    /// Everything since the last sync is lost.
    Crash,
}

/// A stream, and of each byte which one it is of all that were ever written.
#[derive(Clone, Debug)]
struct Stream {
    state: Arc<StreamState>,
    bytes: Vec<u64>,
}

/// Who has read so far in a stream.
#[derive(Debug)]
struct Reader {
    stream: usize,
    offset: Offset,
    read: Vec<u64>,
}

#[derive(Debug, Default)]
struct World {
    streams: Vec<Option<Stream>>,
    durable: Vec<Option<Stream>>,
    readers: Vec<Reader>,
    unit: u64,
    byte: u64,
    crashes: usize,
}

impl World {
    fn pick(&self, index: usize) -> Option<usize> {
        let there: Vec<_> =
            (0..self.streams.len()).filter(|at| self.streams[*at].is_some()).collect();
        (!there.is_empty()).then(|| there[index % there.len()])
    }

    fn step(&mut self, step: &Step) {
        self.unit += 1;
        match step {
            Step::Append(index, len) => {
                let Some(at) = self.pick(*index) else { return self.create(None, 0) };
                let stream = self.streams[at].as_mut().unwrap();
                let payload = Bytes::from(vec![0; usize::from(*len)]);
                let update = Update { batch: Some(Batch::single(payload)), ..Update::default() };
                let mut state = StreamState::clone(&stream.state);
                // As an engine does, which is told the number afterwards.
                state.advance(&update, Lineage(0));
                stream.state = Arc::new(state).numbered(Lineage(self.unit));
                stream.bytes.extend(self.byte..self.byte + u64::from(*len));
                self.byte += u64::from(*len);
            }
            Step::Fork(index, cut) => {
                let parent = self.pick(*index).and_then(|at| self.streams[at].clone());
                let len = parent.as_ref().map_or(0, |parent| parent.bytes.len());
                self.create(parent, cut % (len + 1));
            }
            Step::Sync => self.durable = self.streams.clone(),
            Step::Crash => {
                self.crashes += 1;
                self.unit += 1_000;
                self.streams.clone_from(&self.durable);
                for stream in self.streams.iter_mut().flatten() {
                    let slot = Slot::Live(Arc::clone(&stream.state)).after_loss(Lineage(self.unit));
                    stream.state = Arc::clone(slot.state().unwrap());
                }
            }
        }
    }

    fn create(&mut self, parent: Option<Stream>, at: usize) {
        let base = Tail { position: at as u64, sequence: at as u64 };
        let ranges = parent.as_ref().map(|parent| &parent.state.ranges);
        let birth = Birth {
            policy: None,
            content_type: ContentType::octet_stream(),
            expiry: Expiry::Never,
            origin: None,
            inherited: ranges.map(|ranges| ranges.cut(at as u64)).unwrap_or_default(),
            renewals: ranges.map(|ranges| ranges.renewals_before(at as u64)).unwrap_or_default(),
            base,
            floor: Tail::default(),
            batch: None,
            closed: None,
            at: Timestamp(0),
        };
        let state = Arc::new(StreamState::born(&birth, Lineage(self.unit)));
        let bytes = parent.map_or(Vec::new(), |parent| parent.bytes[..at].to_vec());
        self.streams.push(Some(Stream { state, bytes }));
        // A crash may take it: until then it is nowhere.
        self.durable.resize(self.streams.len(), None);
    }

    /// Everyone reads everything.
    fn read(&mut self) {
        for (number, stream) in self.streams.iter().enumerate() {
            let Some(Stream { state, bytes }) = stream else { continue };
            let mut last = None;
            for position in 0..=bytes.len() {
                let offset = state.ranges.offset(position as u64);
                assert!(last.is_none_or(|last| last < offset), "{last:?}, {offset:?}");
                last = Some(offset);
                let read = bytes[..position].to_vec();
                self.readers.push(Reader { stream: number, offset, read });
            }
        }
    }

    /// Whoever has read in a stream, or in any other, finds what they have read, or is told that it is gone.
    fn check(&self) {
        for Reader { stream: own, offset, read } in &self.readers {
            for (number, stream) in self.streams.iter().enumerate() {
                let Some(Stream { state, bytes }) = stream else { continue };
                let found = state.ranges.resolve(*offset, state.tail.position);
                let there = bytes.starts_with(read);
                match found {
                    Ok(position) => {
                        assert!(position == read.len() as u64 && there, "{offset} in {state:?}");
                    }
                    Err(error) if number == *own => {
                        assert!(!there || self.crashes > 30, "{offset} is {error} in {state:?}");
                        assert_eq!(error, OffsetError::Expired, "{offset} in {state:?}");
                    }
                    Err(_) => {}
                }
            }
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<usize>(), 0..6u8).prop_map(|(index, len)| Step::Append(index, len)),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(index, cut)| Step::Fork(index, cut)),
        2 => Just(Step::Sync),
        2 => Just(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_token_never_selects_other_bytes(steps in prop::collection::vec(step(), 1..30)) {
        let mut world = World::default();
        for step in &steps {
            world.step(step);
            world.check();
            world.read();
        }
    }
}

#[test]
fn only_the_last_renewals_are_remembered() {
    let mut world = World::default();
    world.step(&Step::Fork(0, 0));
    for _ in 0..40 {
        for step in [Step::Append(0, 3), Step::Sync, Step::Append(0, 2), Step::Crash] {
            world.step(&step);
            world.read();
        }
    }
    world.check();
    let state = &world.streams[0].as_ref().unwrap().state;
    assert_eq!((state.ranges.renewals().len(), state.tail.position), (32, 120));
    let oldest = state.ranges.offset(1);
    assert_eq!(state.ranges.resolve(oldest, 120), Ok(1), "those that are written are read");
}
