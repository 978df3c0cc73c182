//! The exported suite.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use headwater_core::retention::Wanted;
use headwater_core::{Lineage, Offset, StoreId, StreamKey};
use headwater_engine::{Engine, Options, StreamReplay, SystemClock};
use headwater_sse::Event;
use headwater_sse::replay::{
    Answer, AppendError, Budget, Cursor, Entry, Head, Page, ReadError, ReplayLog,
};
use headwater_sse::testkit::Failure;
use headwater_sse::testkit::replay::{Harness, Survival, checks};
use headwater_storage::journal::{JournalStorage, Options as JournalOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Longer than any check takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stream in a directory of its own.
#[derive(Clone)]
pub(crate) struct Log {
    directory: Arc<TempDir>,
    pub(crate) engine: Engine,
    replay: StreamReplay,
}

impl Log {
    /// Opens the directory, as whoever starts a process on it.
    async fn open(directory: Arc<TempDir>, name: &str) -> Self {
        let storage = JournalStorage::open(directory.path(), JournalOptions::default()).unwrap();
        let clock = Arc::new(SystemClock::new());
        let engine = Engine::start(Arc::new(storage), clock, Options::default());
        let key = StreamKey::parse(StoreId::DEFAULT, name).unwrap();
        let replay = StreamReplay::open(engine.clone(), key, Wanted::default()).await.unwrap();
        Self { directory, engine, replay }
    }
}

impl ReplayLog for Log {
    fn head(&self) -> Answer<'_, Result<Head, ReadError>> {
        self.replay.head()
    }

    fn append<'a>(&'a self, event: Event<'a>) -> Answer<'a, Result<Entry, AppendError>> {
        self.replay.append(event)
    }

    fn read(&self, after: Cursor, budget: Budget) -> Answer<'_, Result<Page, ReadError>> {
        self.replay.read(after, budget)
    }

    fn wait(&self, after: Cursor) -> Answer<'_, Result<(), ReadError>> {
        self.replay.wait(after)
    }

    fn id(&self, cursor: Cursor) -> String {
        self.replay.id(cursor)
    }

    fn parse(&self, id: &str) -> Option<Cursor> {
        self.replay.parse(id)
    }
}

/// Logs on the journal, each in a directory of its own.
pub(crate) struct Streams {
    runtime: Runtime,
    made: AtomicUsize,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Self { runtime: Runtime::new().unwrap(), made: AtomicUsize::new(0) }
    }
}

impl Harness for Streams {
    type Log = Log;

    fn make(&self) -> Log {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let directory = Arc::new(TempDir::new().unwrap());
        self.runtime.block_on(Log::open(directory, &format!("events/{number}")))
    }

    fn share(&self, log: &Log) -> Log {
        log.clone()
    }

    fn give_up(&self, log: &Log, through: Cursor) {
        let offset = Offset::new(Lineage(through.epoch.get()), through.offset);
        self.runtime.block_on(log.engine.truncate(log.replay.key(), offset)).unwrap();
    }

    fn restart(&self, log: Log) -> (Log, Survival) {
        let name = log.replay.key().to_string();
        let directory = Arc::clone(&log.directory);
        self.runtime.block_on(async {
            log.engine.shutdown().await.unwrap();
            drop(log);
            (Log::open(directory, &name).await, Survival::Everything)
        })
    }

    fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> Result<T, Failure> {
        let ended = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await });
        ended.map_err(|_| Failure::new("the deadline has passed"))
    }
}

#[test]
fn a_stream_passes_every_check() {
    let streams = Streams::new();
    for check in checks() {
        check.run(&streams).unwrap_or_else(|failure| panic!("{}: {failure}", check.name));
    }
}
