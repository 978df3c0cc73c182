//! The exported suite, over sockets, on servers that are ended and started again in between.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headwater_client::RemoteReplay;
use headwater_sse::Event;
use headwater_sse::replay::{
    Answer, AppendError, Budget, Cursor, Entry, Head, Page, ReadError, ReplayLog,
};
use headwater_sse::testkit::Failure;
use headwater_sse::testkit::replay::{Harness, Survival, checks};
use headwater_tests::{Launch, Server, Storage};
use tokio::runtime::Runtime;

use super::{Ending, open};

/// Longer than any check takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A handle with connections of its own, on a stream of a server of its own.
struct Log {
    server: Arc<Mutex<Server>>,
    address: SocketAddr,
    replay: RemoteReplay,
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

struct Remote {
    runtime: Runtime,
    storage: Storage,
    ending: Ending,
    made: AtomicUsize,
}

impl Remote {
    fn on(&self, server: &Arc<Mutex<Server>>, stream: &str) -> Log {
        let address = server.lock().unwrap().address();
        let replay = self.runtime.block_on(open(address, stream));
        Log { server: Arc::clone(server), address, replay }
    }
}

impl Harness for Remote {
    type Log = Log;

    fn make(&self) -> Log {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let server = Arc::new(Mutex::new(Launch::new(self.storage).start()));
        self.on(&server, &format!("events/{number} \u{1F30A}"))
    }

    fn share(&self, log: &Log) -> Log {
        let replay = self.runtime.block_on(open(log.address, log.replay.key().path()));
        Log { server: Arc::clone(&log.server), address: log.address, replay }
    }

    fn give_up(&self, log: &Log, through: Cursor) {
        let path = log.replay.key().path().replace(' ', "%20");
        let target = format!("/v1/stream/__ds/truncate/{path}?offset={}", log.id(through));
        log.server.lock().unwrap().call("POST", &target).send().expect(204);
    }

    fn restart(&self, log: Log) -> (Log, Survival) {
        let Log { server, address, replay } = log;
        let server = Arc::into_inner(server).expect("no other handle").into_inner().unwrap();
        let server = Arc::new(Mutex::new(self.ending.and_start_again(server)));
        // One time the handle goes on that was there before, with its connections, the other time a new one.
        let log = match self.ending {
            Ending::Killed => Log { server, address, replay },
            Ending::Stopped => self.on(&server, replay.key().path()),
        };
        (log, Survival::Everything)
    }

    fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> Result<T, Failure> {
        let ended = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await });
        ended.map_err(|_| Failure::new("the deadline has passed"))
    }
}

fn passes_every_check(storage: Storage, ending: Ending) {
    let runtime = Runtime::new().unwrap();
    let remote = Remote { runtime, storage, ending, made: AtomicUsize::new(0) };
    for check in checks() {
        check.run(&remote).unwrap_or_else(|failure| panic!("{}: {failure}", check.name));
    }
}

#[test]
fn on_the_journal_and_kills() {
    passes_every_check(Storage::Journal, Ending::Killed);
}

#[test]
fn on_sled_and_stops() {
    passes_every_check(Storage::Sled, Ending::Stopped);
}
