//! Uses that restart a TTL become durable soon enough: after a quarter of the TTL or ten seconds, and before the engine ends.

use std::sync::Arc;

use headwater_core::change::{Effect, Unit};
use headwater_core::storage::{CommitDone, Storage};
use headwater_core::{Expiry, Timestamp};
use headwater_engine::{Engine, Start};
use headwater_storage::memory::SharedMemory;
use headwater_storage::testkit::{Layer, Layered};

use crate::counting::{Counts, counting};
use crate::support::{ManualClock, Verdict, create, demand, engine_on, key, options, with_expiry};

/// Commits everything but when a stream was used.
struct Forgetful(Arc<dyn Storage>);

impl Layer for Forgetful {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.0
    }

    fn commit(&self, mut group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        for change in group.iter_mut().flat_map(|unit| &mut unit.changes) {
            if let Effect::Update(update) = &mut change.effect {
                update.used_at = None;
            }
        }
        self.0.commit(group, now, done);
    }
}

/// An engine, and another handle that shows what it has made durable.
struct Setting {
    engine: Engine,
    clock: Arc<ManualClock>,
    counts: Arc<Counts>,
    durable: Arc<dyn Storage>,
}

impl Setting {
    fn new(forgetful: bool) -> Self {
        let shared = SharedMemory::new();
        let storage: Arc<dyn Storage> = Arc::new(shared.attach());
        let storage = if forgetful { Arc::new(Layered(Forgetful(storage))) } else { storage };
        let (storage, counts) = counting(storage);
        let (engine, clock) = engine_on(storage, options());
        Self { engine, clock, counts, durable: Arc::new(shared.attach()) }
    }

    /// When the stream was last used, as it is stored, in milliseconds since the test began.
    async fn saved(&self) -> u64 {
        let slot = self.durable.load(&key("s"), None).await.unwrap().slot;
        slot.state().expect("the stream is there").used_at.0 - 1_000_000_000
    }

    /// Lets time pass, and the engine do what is due then.
    async fn pass(&self, milliseconds: u64) {
        self.clock.pass(milliseconds);
        self.counts.upkeep().await;
    }
}

/// A use is in memory alone for so long, and is durable then.
async fn a_use_is_saved_after(setting: &Setting, ttl: u64, wait: u64) -> Verdict {
    create(&setting.engine, "s", with_expiry(Expiry::Ttl(ttl))).await.unwrap();
    setting.pass(1_000).await;
    setting.engine.read(&key("s"), Start::Beginning).await.unwrap();
    setting.pass(wait - 1).await;
    let early = setting.saved().await;
    demand(early == 0, || format!("saved at {early} already, TTL {ttl} s"))?;
    setting.pass(1).await;
    let saved = setting.saved().await;
    demand(saved >= 1_000, || format!("a use of a TTL of {ttl} s is not saved after {wait} ms"))
}

/// A reader that stays connected is a use at every moment.
async fn a_connected_reader_is_saved(setting: &Setting) -> Verdict {
    create(&setting.engine, "s", with_expiry(Expiry::Ttl(20))).await.unwrap();
    let tail = setting.engine.tail(&key("s"), Start::Now).await.unwrap();
    for round in 1..=6 {
        setting.pass(5_000).await;
        let saved = setting.saved().await;
        let now = round * 5_000;
        demand(saved + 5_000 >= now, || format!("{saved} is saved at {now}"))?;
    }
    drop(tail);
    Ok(())
}

/// A clean stop leaves no use in memory alone.
async fn shutdown_saves(setting: &Setting) -> Verdict {
    create(&setting.engine, "s", with_expiry(Expiry::Ttl(1_000))).await.unwrap();
    setting.pass(1_000).await;
    setting.engine.read(&key("s"), Start::Now).await.unwrap();
    setting.engine.shutdown().await.unwrap();
    let saved = setting.saved().await;
    demand(saved >= 1_000, || format!("{saved} is saved of a use at 1000"))
}

#[tokio::test]
async fn a_use_is_durable_after_a_quarter_of_the_ttl_or_ten_seconds() {
    for (ttl, wait) in [(20, 5_000), (8, 2_000), (40, 10_000), (1_000, 10_000)] {
        a_use_is_saved_after(&Setting::new(false), ttl, wait).await.unwrap();
        let found = a_use_is_saved_after(&Setting::new(true), ttl, wait).await;
        found.expect_err("a use that was not saved went unnoticed");
    }
}

#[tokio::test]
async fn a_live_reader_is_a_use_all_the_time() {
    a_connected_reader_is_saved(&Setting::new(false)).await.unwrap();
    let found = a_connected_reader_is_saved(&Setting::new(true)).await;
    found.expect_err("a reader that was not saved went unnoticed");
}

#[tokio::test]
async fn nothing_is_unsaved_after_a_clean_stop() {
    shutdown_saves(&Setting::new(false)).await.unwrap();
    let found = shutdown_saves(&Setting::new(true)).await;
    found.expect_err("a use that was not saved went unnoticed");
}
