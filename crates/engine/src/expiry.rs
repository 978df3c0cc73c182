//! What goes on by itself: streams whose time is up or that have more than they keep, uses that must become durable, memory that
//! nobody needs.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use headwater_core::storage::BoxFuture;
use headwater_core::{AccessError, StreamKey, Timestamp, decide};
use tokio::time::{Instant, MissedTickBehavior};

use crate::error::Failure;
use crate::retention::{self, Kept};
use crate::shard::{Done, Shard};

/// Streams looked at per query; enough that a query's fixed cost vanishes, small enough to stay in cache.
const BATCH: usize = 256;

/// Queries of one tick, at most: streams that always have too much must not keep uses from being saved.
const BATCHES: usize = 64;

/// Runs until the shard is gone.
pub(crate) async fn run(shard: Weak<Shard>, interval: Duration, idle_after: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut aged = Instant::now();
    loop {
        ticks.tick().await;
        let Some(shard) = shard.upgrade() else { return };
        save_uses(&shard).await;
        end_expired(&shard).await;
        if aged.elapsed() >= idle_after {
            aged = Instant::now();
            // Dropped here, not under the lock.
            drop(shard.with(crate::shard::Inner::age));
        }
    }
}

/// Makes uses durable that have waited for a quarter of their TTL or ten seconds, live readers' among them.
async fn save_uses(shard: &Arc<Shard>) {
    let now = shard.clock.steady();
    let due = shard.with(|inner| {
        for key in inner.lives.keys() {
            inner.touch(&key, now);
        }
        inner.uses.due(now)
    });
    save(shard, due).await;
}

/// Makes all uses durable that are not.
pub(crate) async fn save_all(shard: &Arc<Shard>) {
    let unsaved = shard.with(|inner| inner.uses.all());
    save(shard, unsaved).await;
}

/// What fails is tried again at the next tick.
async fn save(shard: &Arc<Shard>, uses: Vec<(StreamKey, Timestamp)>) {
    let saved = together(shard, uses, async |shard, (key, used_at)| {
        shard.run(|view, _| decide::mark_used(view, key, *used_at)).await
    })
    .await;
    shard.with(|inner| {
        for ((key, _), result) in &saved {
            if result.as_ref().is_ok_and(|done| done.stamp.is_none()) {
                // There is no such stream any more.
                inner.uses.forget(key);
            }
        }
    });
}

/// Ends streams whose time is up, so that their space comes back although nobody asks for them, and takes from others what
/// they have beyond their policy.
async fn end_expired(shard: &Arc<Shard>) {
    for _ in 0..BATCHES {
        let now = shard.clock.steady();
        let due = match shard.storage.expiring(now, BATCH).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "expired streams could not be listed");
                return;
            }
        };
        let full = due.len() == BATCH;
        let keys: Vec<_> = due.into_iter().map(|(_, key)| key).collect();
        let looks = keys.iter().map(|key| upkeep(Arc::clone(shard), key.clone(), now));
        let seen = join_all(looks).await;
        let of = |wanted: Upkeep| {
            let seen = keys.iter().zip(&seen);
            seen.filter(move |(_, result)| matches!(result, Ok(found) if *found == wanted))
        };
        shard.metrics.expired.increment(of(Upkeep::Ended).count() as u64);
        let failed = seen.iter().any(Result::is_err);
        // Used since its deadline was saved: save the later one, or it would be listed for ever.
        let renewed: Vec<_> = of(Upkeep::Renewed).map(|(key, _)| key.clone()).collect();
        let uses = shard.with(|inner| {
            let last = |key: StreamKey| (key.clone(), inner.last_use(&key, now));
            renewed.into_iter().map(last).collect()
        });
        save(shard, uses).await;
        if failed || !full {
            return;
        }
    }
}

/// What came of a stream that was listed as due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Upkeep {
    /// Its time was up.
    Ended,
    /// It had too much, which is given up.
    Cut,
    /// Neither.
    Renewed,
}

/// Boxed, because the compiler does not see otherwise that it may go from thread to thread.
fn upkeep(
    shard: Arc<Shard>,
    key: StreamKey,
    now: Timestamp,
) -> BoxFuture<'static, Result<Upkeep, Failure<AccessError>>> {
    Box::pin(async move {
        let outcome = look_after(&shard, &key, now).await;
        if let Err(error) = &outcome {
            tracing::debug!(%key, %error, "upkeep of a stream was put off");
        }
        outcome
    })
}

async fn look_after(
    shard: &Arc<Shard>,
    key: &StreamKey,
    now: Timestamp,
) -> Result<Upkeep, Failure<AccessError>> {
    if shard.run(|view, now| decide::expire(view, key, now)).await?.stamp.is_some() {
        return Ok(Upkeep::Ended);
    }
    match retention::retain(shard, key, now).await {
        Ok(Kept::Less) => Ok(Upkeep::Cut),
        // There is no such stream any more.
        Ok(Kept::All) | Err(Failure::Refused(_)) => Ok(Upkeep::Renewed),
        Err(error) => Err(error),
    }
}

type Saved = Result<Done<()>, Failure<AccessError>>;

/// Runs one command per item, all at once, so that they share a group.
async fn together<T, F>(shard: &Arc<Shard>, items: Vec<T>, work: F) -> Vec<(T, Saved)>
where
    T: std::fmt::Debug,
    F: AsyncFn(&Arc<Shard>, &T) -> Saved,
{
    let work = &work;
    let running = items.into_iter().map(|item| async move {
        let result = work(shard, &item).await;
        if let Err(error) = &result {
            tracing::debug!(?item, %error, "upkeep of a stream was put off");
        }
        (item, result)
    });
    join_all(running).await
}

impl crate::shard::Inner {
    fn age(&mut self) -> impl Sized + use<> {
        let unsaved = &self.uses;
        self.cache.age(|key| unsaved.contains(key))
    }
}
