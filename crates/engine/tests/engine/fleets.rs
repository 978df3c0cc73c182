//! The settings that what the engine promises is tested in: one engine alone, two engines over one shared memory, and two
//! whose storage makes trouble all the time, of the kinds that no client is told of: conflicts and late visibility.
//!
//! (An unknown outcome is an answer that clients have to act on; the tests in which they do are `faults` and `chaos`.)

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use headwater_core::change::Unit;
use headwater_core::storage::{BoxFuture, CommitDone, Confirmation, StorageError, UnitResult};
use headwater_core::{Storage, StreamKey, Timestamp, Version};
use headwater_engine::{Clock, Engine, Options};
use headwater_storage::memory::{MemoryStorage, SharedMemory};
use headwater_storage::testkit::{Faulty, Layer, Layered};
use tokio::task::JoinHandle;

use crate::counting::{Counts, counting};
use crate::support::{ManualClock, append, contents, create, options, stream_of, text, until};

/// Of so many units one is a conflict.
const EVERY: u64 = 3;

/// Units that may be a conflict: more than any test has.
const UNITS: u64 = 30_000;

/// How often the past may be taken for the present before it is shown: less often than a command tries.
const PATIENCE: usize = 10;

/// How long a handle sees the past at a time, and the present.
const PACE: Duration = Duration::from_millis(1);

/// Engines that write the same data, by one clock.
pub(crate) struct Fleet {
    pub(crate) name: &'static str,
    pub(crate) engines: Vec<Engine>,
    pub(crate) clock: Arc<ManualClock>,
    counts: Vec<Arc<Counts>>,
    turns: AtomicUsize,
    blurring: Option<JoinHandle<()>>,
}

impl Fleet {
    fn over(name: &'static str, storages: Vec<Arc<dyn Storage>>, options: &Options) -> Self {
        let clock = ManualClock::at(1_000_000);
        let (storages, counts): (Vec<_>, Vec<_>) = storages.into_iter().map(counting).unzip();
        let start = |storage| {
            let clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
            Engine::start(storage, clock, options.clone())
        };
        let engines = storages.into_iter().map(start).collect();
        let turns = AtomicUsize::new(0);
        Self { name, engines, clock, counts, turns, blurring: None }
    }

    fn troubled(options: &Options) -> Self {
        let shared = SharedMemory::new();
        let handles = [(); 2].map(|()| Arc::new(shared.attach()));
        let storages = handles.iter().map(|handle| {
            let faulty = Faulty::over(Arc::new(Layered(Late::over(handle))));
            (0..UNITS).step_by(EVERY as usize).for_each(|n| faulty.conflict_on(n));
            faulty as Arc<dyn Storage>
        });
        let mut fleet = Self::over("two engines in trouble", storages.collect(), options);
        fleet.blurring = Some(tokio::spawn(blur(handles)));
        fleet
    }

    /// The engine whose turn it is: every operation goes to another one than the operation before it.
    pub(crate) fn any(&self) -> &Engine {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        &self.engines[turn % self.engines.len()]
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Some(blurring) = &self.blurring {
            blurring.abort();
        }
    }
}

/// A handle that shows the present when it was asked too often: however slow the machine is, it comes right before an
/// engine gives up.
struct Late {
    handle: Arc<MemoryStorage>,
    inner: Arc<dyn Storage>,
    asked: Arc<AtomicUsize>,
}

impl Late {
    fn over(handle: &Arc<MemoryStorage>) -> Self {
        let (handle, inner) = (Arc::clone(handle), Arc::clone(handle) as _);
        Self { handle, inner, asked: Arc::default() }
    }
}

/// Once more the past was taken for the present.
fn asked_in_vain(asked: &AtomicUsize, handle: &MemoryStorage) {
    if asked.fetch_add(1, Ordering::Relaxed) % PATIENCE == PATIENCE - 1 {
        handle.follow();
    }
}

impl Layer for Late {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.inner
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let (handle, asked) = (Arc::clone(&self.handle), Arc::clone(&self.asked));
        let told = move |results: Vec<UnitResult>| {
            if results.contains(&UnitResult::Conflict) {
                asked_in_vain(&asked, &handle);
            }
            done(results);
        };
        self.inner.commit(group, now, Box::new(told));
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        Box::pin(async move {
            let answer = self.inner.confirm(relies_on).await?;
            if answer == Confirmation::Stale {
                asked_in_vain(&self.asked, &self.handle);
            }
            Ok(answer)
        })
    }
}

/// Has one handle after the other see the past for a while.
async fn blur(handles: [Arc<MemoryStorage>; 2]) {
    let mut pauses = tokio::time::interval(PACE);
    loop {
        for handle in &handles {
            handle.hold_back();
            pauses.tick().await;
            handle.follow();
            pauses.tick().await;
        }
    }
}

/// Every kind of fleet, with engines of these options.
pub(crate) fn fleets(options: &Options) -> [Fleet; 3] {
    let shared = SharedMemory::new();
    let two = [(); 2].map(|()| Arc::new(shared.attach()) as Arc<dyn Storage>);
    [
        Fleet::over("one engine", vec![Arc::new(MemoryStorage::new())], options),
        Fleet::over("two engines", two.into(), options),
        Fleet::troubled(options),
    ]
}

#[tokio::test]
async fn a_troubled_fleet_has_conflicts_and_sees_the_past() {
    let [_, _, fleet] = fleets(&options());
    create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
    let sum = |of: fn(&Counts) -> u64| fleet.counts.iter().map(|counts| of(counts)).sum::<u64>();
    until(async || {
        append(fleet.any(), "s", text("x")).await.unwrap();
        contents(fleet.any(), "s").await;
        sum(Counts::conflicts) >= 20 && sum(Counts::stale) >= 20
    })
    .await;
}
