//! What the tests share: a clock that is set by hand, short ways to say commands, waiting with a deadline.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use headwater_core::command::{Append, Body, Closing, Create, Expect, ForkRequest};
use headwater_core::decide::Appended;
use headwater_core::retention::Wanted;
use headwater_core::storage::Storage;
use headwater_core::{
    AppendError, ContentType, CreateError, Expiry, Offset, StoreId, StreamKey, StreamState,
    Timestamp,
};
use headwater_engine::{Clock, Created, Engine, Failure, Options, Start, Step, Tail};
use headwater_storage::memory::MemoryStorage;

/// What a demand found: a sentence where it was not met, as a value, so that a planted fault can be required to fail it.
pub(crate) type Verdict = Result<(), String>;

/// Fails unless a condition holds.
pub(crate) fn demand(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Nothing in these tests takes longer than this unless it hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct ManualClock {
    wall: AtomicU64,
    steady: AtomicU64,
}

impl ManualClock {
    pub(crate) fn at(seconds: u64) -> Arc<Self> {
        let now = || AtomicU64::new(seconds * 1000);
        Arc::new(Self { wall: now(), steady: now() })
    }

    /// Time passes.
    pub(crate) fn pass(&self, milliseconds: u64) {
        self.wall.fetch_add(milliseconds, Ordering::SeqCst);
        self.steady.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Somebody sets the machine's clock.
    pub(crate) fn set_wall(&self, seconds: u64) {
        self.wall.store(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Timestamp {
        Timestamp(self.steady.load(Ordering::SeqCst))
    }
}

pub(crate) fn options() -> Options {
    Options {
        expiry_interval: Duration::from_millis(5),
        idle_after: Duration::from_millis(20),
        ..Options::default()
    }
}

/// An engine over a fresh memory, with a clock at 1,000,000 s.
pub(crate) fn engine() -> (Engine, Arc<ManualClock>) {
    engine_on(Arc::new(MemoryStorage::new()), options())
}

pub(crate) fn engine_on(storage: Arc<dyn Storage>, options: Options) -> (Engine, Arc<ManualClock>) {
    let clock = ManualClock::at(1_000_000);
    (Engine::start(storage, Arc::clone(&clock) as Arc<dyn Clock>, options), clock)
}

pub(crate) fn key(path: &str) -> StreamKey {
    StreamKey::parse(StoreId::DEFAULT, path).unwrap()
}

pub(crate) fn stream_of(content_type: &str) -> Create {
    Create {
        content_type: Some(ContentType::parse(content_type).unwrap()),
        expiry: Expiry::Never,
        retention: Wanted::default(),
        closing: Closing::KeepOpen,
        body: Body::Empty,
        fork: None,
    }
}

pub(crate) fn with_expiry(expiry: Expiry) -> Create {
    Create { expiry, ..stream_of("text/plain") }
}

pub(crate) fn fork_of(source: &str, offset: Option<Offset>, sub_offset: u64) -> Create {
    let fork = Some(ForkRequest { source: key(source), offset, sub_offset });
    Create {
        content_type: None,
        expiry: Expiry::Never,
        retention: Wanted::default(),
        closing: Closing::KeepOpen,
        body: Body::Empty,
        fork,
    }
}

pub(crate) fn text(body: &str) -> Append {
    of_kind("text/plain", body)
}

pub(crate) fn json(body: &str) -> Append {
    of_kind("application/json", body)
}

fn of_kind(content_type: &str, body: &str) -> Append {
    let content_type = ContentType::parse(content_type).unwrap();
    Append {
        body: Body::frame(content_type.kind(), Bytes::copy_from_slice(body.as_bytes())),
        content_type: Some(content_type),
        closing: Closing::KeepOpen,
        producer: None,
        stream_seq: None,
        expect: Expect::Anything,
    }
}

pub(crate) async fn create(
    engine: &Engine,
    path: &str,
    command: Create,
) -> Result<Arc<StreamState>, Failure<CreateError>> {
    let key = key(path);
    let created = engine.create(&key, command, engine.reserve(&key)).await?;
    Ok(match created {
        Created::New(state) | Created::Confirmed(state) => state,
    })
}

pub(crate) async fn append(
    engine: &Engine,
    path: &str,
    command: Append,
) -> Result<Appended, Failure<AppendError>> {
    let key = key(path);
    engine.append(&key, command, engine.reserve(&key)).await
}

/// Everything in the stream, following pages.
pub(crate) async fn contents(engine: &Engine, path: &str) -> String {
    let mut start = Start::Beginning;
    let mut bytes = Vec::new();
    loop {
        let page = engine.read(&key(path), start).await.unwrap();
        bytes.extend(page.chunks.concat());
        if page.up_to_date() {
            return String::from_utf8(bytes).unwrap();
        }
        start = Start::At(page.next_offset());
    }
}

/// Waits for a future, but not for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("hangs")
}

/// Waits until a condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    within(async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Waits until storage has so many bytes of a stream: an adapter that answers early is behind what it said.
pub(crate) async fn stored(storage: &dyn Storage, path: &str, bytes: u64) {
    until(|| async {
        let slot = storage.load(&key(path), None).await.unwrap().slot;
        slot.state().is_some_and(|state| state.tail.position == bytes)
    })
    .await;
}

/// Follows a tail until it has seen so many bytes.
pub(crate) async fn follow(tail: &mut Tail, bytes: usize) -> String {
    let mut seen = Vec::new();
    while seen.len() < bytes {
        match within(tail.next()).await.unwrap() {
            Step::Delivery(delivery) => {
                let mut position = tail.position();
                for piece in &delivery.pieces {
                    assert_eq!(piece.from, position, "pieces are contiguous");
                    position = piece.to();
                    seen.extend_from_slice(&piece.bytes);
                }
                let to = delivery.to(tail.position());
                tail.advance(to);
            }
            Step::End(end) => panic!("ended by {end:?} after {} bytes", seen.len()),
        }
    }
    String::from_utf8(seen).unwrap()
}
