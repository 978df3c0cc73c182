//! A shard with one stream, those who read it, and models.

use std::sync::{Arc, mpsc};
use std::task::Waker;

use bytes::Bytes;
use headwater_core::change::Unit;
use headwater_core::command::{Append, Body, Closing, Create, Expect};
use headwater_core::content_type::ContentKind;
use headwater_core::retention::Wanted;
use headwater_core::storage::{CommitDone, Storage};
use headwater_core::{Expiry, StoreId, StreamKey, Timestamp, decide};
use headwater_storage::memory::MemoryStorage;
use headwater_storage::testkit::{Layer, Layered};
use loom::future::block_on;

use super::super::Live;
use crate::clock::Clock;
use crate::options::Options;
use crate::read::Start;
use crate::shard::Shard;
use crate::shard::view::Seen;
use crate::tail::{End, Feed, Step, Tail};

/// A shard as an engine has it, and the name of a stream in it.
#[derive(Clone)]
pub(super) struct House {
    pub(super) shard: Arc<Shard>,
    pub(super) key: StreamKey,
}

/// Storage that reports on the thread that commits: the one of an adapter would be none of the model's.
struct AtOnce(Arc<dyn Storage>);

impl Layer for AtOnce {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.0
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let (sender, results) = mpsc::sync_channel(1);
        self.0.commit(group, now, Box::new(move |results| sender.send(results).unwrap()));
        done(results.recv().unwrap());
    }
}

/// Every run of a model has to be the same, so time stands still.
struct Still;

impl Clock for Still {
    fn wall(&self) -> Timestamp {
        Timestamp(1_000_000)
    }

    fn steady(&self) -> Timestamp {
        Timestamp(1_000_000)
    }
}

impl House {
    /// With an empty stream that ends like this.
    pub(super) fn new(expiry: Expiry) -> Self {
        let storage = Arc::new(Layered(AtOnce(Arc::new(MemoryStorage::new()))));
        let shard = Shard::start(storage, Arc::new(Still), Options::default());
        let house = Self { shard, key: StreamKey::parse(StoreId::DEFAULT, "s").unwrap() };
        house.create(expiry);
        house
    }

    pub(super) fn create(&self, expiry: Expiry) {
        let command = Create {
            content_type: None,
            expiry,
            retention: Wanted::default(),
            closing: Closing::KeepOpen,
            body: Body::Empty,
            fork: None,
        };
        let decide = |view: &Seen<'_>, now| decide::create(view, &self.key, &command, now);
        block_on(self.shard.run(decide)).unwrap();
    }

    pub(super) fn append(&self) {
        let command = Append {
            content_type: None,
            body: Body::frame(ContentKind::Binary, Bytes::from_static(b"x")),
            closing: Closing::KeepOpen,
            producer: None,
            stream_seq: None,
            expect: Expect::Anything,
        };
        let limits = self.shard.options.limits;
        let decide = |view: &Seen<'_>, now| decide::append(view, limits, &self.key, &command, now);
        block_on(self.shard.run(decide)).unwrap();
    }

    pub(super) fn delete(&self) {
        let decide = |view: &Seen<'_>, now| decide::delete(view, &self.key, now);
        block_on(self.shard.run(decide)).unwrap();
    }

    pub(super) fn drain(&self) {
        let publications = self.shard.with(|inner| inner.lives.drain());
        publications.into_iter().for_each(super::super::Publication::publish);
    }

    /// A reader from where the stream ends now.
    pub(super) fn read(&self) -> Tail {
        self.try_read().unwrap()
    }

    pub(super) fn try_read(&self) -> Option<Tail> {
        block_on(Tail::open(&self.shard, &self.key, Start::Now)).ok()
    }

    /// What the readers of the stream share that a commit would be told to; 0 for none.
    pub(super) fn told(&self) -> usize {
        let live = |inner: &mut crate::shard::Inner| {
            inner.lives.streams.get(&self.key).map_or(0, Live::identity)
        };
        self.shard.with(live)
    }

    /// Demands that nobody is left, and nothing of those who were there.
    pub(super) fn is_left(&self) {
        assert_eq!(self.told(), 0, "readers are kept that have gone");
    }
}

/// A feed that wakes nobody.
pub(super) fn feed(tail: &Tail) -> Feed {
    tail.feed(Waker::noop().clone())
}

/// Takes what there is first, and more until it has so many bytes. Why it ended before, if it did.
pub(super) fn follow(tail: &mut Tail, until: u64) -> Option<End> {
    loop {
        match block_on(tail.next()).unwrap() {
            Step::Delivery(delivery) => tail.advance(delivery.to(tail.position())),
            Step::End(end) => return Some(end),
        }
        if tail.position() >= until {
            return None;
        }
    }
}
