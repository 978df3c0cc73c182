//! A story: commands on a few streams, one after the other, the same for the same seed. It forks, truncates, closes, deletes and
//! creates again, with producers, metadata, large records, empty ones, and units over several streams.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::command::{Append, Body, Closing, Create, Expect, ForkRequest};
use headwater_core::decide::{self, BoundaryQuestion, Limits};
use headwater_core::retention::Wanted;
use headwater_core::{
    Batch, BatchRecord, ContentKind, ContentType, Expiry, Metadata, ProducerNumber, ProducerTuple,
    Slot, StreamKey, StreamSeq,
};

use super::sight::Places;
use super::{Decider, Executed, Failure, Rig, make};

const ROOTS: [&str; 4] = ["a", "s/b", "s/c", "t/u/d"];
const FORKS: [&str; 3] = ["s/f0", "s/f1", "f2"];
const PRODUCERS: [&str; 2] = ["p", "q"];

/// Bytes of a record and records of an append, at most, where a story is to take little room.
const BRIEF: (usize, usize) = (200, 20);

/// What happens next.
#[derive(Clone, Debug)]
pub struct Story {
    state: u64,
    step: u64,
    /// Bytes of a record and records of an append, at most.
    most: (usize, usize),
}

impl Story {
    /// A story with all sizes of records.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self { state, step: 0, most: (usize::MAX, usize::MAX) }
    }

    /// A story with few and small records.
    #[must_use]
    pub fn brief(seed: u64) -> Self {
        Self { most: BRIEF, ..Self::new(seed) }
    }

    /// The same with the records that it would have after so many steps.
    #[must_use]
    pub fn after(self, step: u64) -> Self {
        Self { step, ..self }
    }

    /// Where it takes place.
    ///
    /// # Errors
    /// None in practice: the names are names.
    pub fn places() -> Result<Places, Failure> {
        let all = ROOTS.iter().chain(&FORKS);
        Ok(Places {
            streams: all.map(|path| make::key(path)).collect::<Result<_, _>>()?,
            spaces: ["", "s", "t/u"].map(str::to_owned).to_vec(),
            producers: PRODUCERS.iter().map(|id| make::producer(id)).collect::<Result<_, _>>()?,
        })
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % bound
    }

    fn pick(&mut self, paths: &[&str]) -> Result<StreamKey, Failure> {
        let index = self.below(paths.len());
        make::key(paths.get(index).copied().unwrap_or("a"))
    }

    /// Goes on by one command.
    ///
    /// # Errors
    /// When something cannot be read, or a unit is not committed.
    pub fn go_on(&mut self, rig: &Rig<'_>) -> Result<(), Failure> {
        self.step += 1;
        let all: Vec<&str> = ROOTS.iter().chain(&FORKS).copied().collect();
        match self.below(13) {
            0 => self.create(rig),
            1 => self.fork(rig),
            2 => self.delete(rig),
            3 => {
                let key = self.pick(&all)?;
                let now = rig.now();
                done(Decider::over(rig).execute(|view| decide::mark_used(view, &key, now)))
            }
            4 => self.truncate(rig),
            _ => {
                let key = self.pick(&all)?;
                match rig.slot(&key)? {
                    Slot::Live(state) if state.closed.is_none() => self.append(rig, &key),
                    _ => self.create(rig),
                }
            }
        }
    }

    fn create(&mut self, rig: &Rig<'_>) -> Result<(), Failure> {
        let (key, now) = (self.pick(&ROOTS)?, rig.now());
        let expiry = match self.below(3) {
            0 => Expiry::Never,
            // Far enough that nothing of it ends while the story goes on.
            1 => Expiry::Ttl(1_000_000 + self.step),
            _ => Expiry::At(now.plus_seconds(1_000_000 + self.step)),
        };
        let body = if self.below(2) == 0 { Body::Empty } else { self.body()? };
        let create = create(expiry, body, None);
        done(Decider::over(rig).execute(|view| decide::create(view, &key, &create, now)))
    }

    fn fork(&mut self, rig: &Rig<'_>) -> Result<(), Failure> {
        let (key, source, now) = (self.pick(&FORKS)?, self.pick(&ROOTS)?, rig.now());
        let Slot::Live(state) = rig.slot(&source)? else { return self.create(rig) };
        let at = self.below(state.tail.position as usize + 1) as u64;
        let offset = Some(state.ranges.offset(at));
        let fork = ForkRequest { source, offset, sub_offset: 0 };
        let create = create(Expiry::Never, self.body()?, Some(fork));
        done(Decider::over(rig).execute(|view| decide::create(view, &key, &create, now)))
    }

    /// Gives up what lies before some record.
    fn truncate(&mut self, rig: &Rig<'_>) -> Result<(), Failure> {
        let all: Vec<&str> = ROOTS.iter().chain(&FORKS).copied().collect();
        let (key, now) = (self.pick(&all)?, rig.now());
        let Slot::Live(state) = rig.slot(&key)? else { return self.create(rig) };
        let (floor, tail) = (state.floor.position, state.tail.position);
        if floor == tail {
            return Ok(());
        }
        let position = floor + self.below((tail - floor) as usize) as u64;
        let lineage = state.ranges.own();
        let question = BoundaryQuestion { key: key.clone(), lineage, position, records: 0 };
        let record = Decider::over(rig).boundary(&question)?;
        let at = state.ranges.offset(if self.below(4) == 0 { tail } else { record.start });
        done(Decider::over(rig).execute(|view| decide::truncate(view, &key, at, now)))
    }

    fn delete(&mut self, rig: &Rig<'_>) -> Result<(), Failure> {
        let all: Vec<&str> = ROOTS.iter().chain(&FORKS).copied().collect();
        let (key, now) = (self.pick(&all)?, rig.now());
        done(Decider::over(rig).execute(|view| decide::delete(view, &key, now)))
    }

    fn append(&mut self, rig: &Rig<'_>, key: &StreamKey) -> Result<(), Failure> {
        let (now, producer) = (rig.now(), self.producer(rig, key)?);
        let closing = if self.below(15) == 0 { Closing::Close } else { Closing::KeepOpen };
        let stream_seq = StreamSeq::new(format!("{:08}", self.step).as_bytes()).ok();
        let stream_seq = stream_seq.filter(|_| self.below(4) == 0);
        let body = self.body()?;
        let append = Append {
            content_type: None,
            body,
            closing,
            producer,
            stream_seq,
            expect: Expect::Anything,
        };
        done(
            Decider::over(rig)
                .execute(|view| decide::append(view, Limits::default(), key, &append, now)),
        )
    }

    /// The next tuple of a producer, every other time.
    fn producer(
        &mut self,
        rig: &Rig<'_>,
        key: &StreamKey,
    ) -> Result<Option<ProducerTuple>, Failure> {
        let id = make::producer(if self.below(2) == 0 { "p" } else { "q" })?;
        if self.below(2) == 0 {
            return Ok(None);
        }
        let row = rig.load(key, Some(&id))?.producer;
        let seq = row.map_or(0, |row| row.seq.next());
        let epoch = row.map_or(ProducerNumber::ZERO, |row| row.epoch);
        let seq = ProducerNumber::new(seq).map_err(|error| Failure::new(error.to_string()))?;
        Ok(Some(ProducerTuple { id, epoch, seq }))
    }

    /// A few records; now and then large ones, empty ones, and some with metadata.
    fn body(&mut self) -> Result<Body, Failure> {
        let (bytes, count) = self.most;
        let lens: Vec<usize> = match self.below(10) {
            0 => vec![9_000],
            1 => vec![0],
            2 => vec![4_096, 1, 0],
            3 => vec![10; 300],
            _ => (0..=self.below(3)).map(|_| self.below(200)).collect(),
        };
        let lens: Vec<usize> = lens.into_iter().take(count).map(|len| len.min(bytes)).collect();
        let tagged = self.below(6) == 0;
        let metadata = || Some(Arc::new(Metadata::from([("step".into(), self.step.to_string())])));
        let records = lens.iter().map(|len| BatchRecord {
            len: *len as u64,
            metadata: if tagged { metadata() } else { None },
        });
        let records = records.collect();
        let payload: Bytes = make::pattern(self.step, lens.iter().sum());
        let batch = Batch::new(payload, records);
        let batch = batch.map_err(|error| Failure::new(error.to_string()))?;
        Ok(Body::Records { kind: ContentKind::Binary, batch })
    }
}

fn create(expiry: Expiry, body: Body, fork: Option<ForkRequest>) -> Create {
    let content_type = Some(ContentType::octet_stream());
    let retention = Wanted::default();
    Create { content_type, expiry, retention, closing: Closing::KeepOpen, body, fork }
}

/// A refusal is a turn of the story; a unit that is not committed is a failure.
fn done<T, E>(executed: Result<Executed<T, E>, Failure>) -> Result<(), Failure> {
    match executed? {
        Executed::Tried { result, .. } => super::committed(result).map(drop),
        Executed::Replied(_) => Ok(()),
    }
}
