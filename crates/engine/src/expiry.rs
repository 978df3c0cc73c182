//! What goes on by itself: streams whose time is up, uses that must become durable, memory that nobody needs.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use headwater_core::{AccessError, Expiry, StreamKey, Timestamp, decide};
use tokio::time::{Instant, MissedTickBehavior};

use crate::error::Failure;
use crate::shard::{Done, Shard};

/// Streams looked at per query; enough that a query's fixed cost vanishes, small enough to stay in cache.
const BATCH: usize = 256;

/// The longest that a use of a TTL stream stays in memory alone.
const MAX_UNSAVED_MS: u64 = 10_000;

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
        inner.due_uses(now)
    });
    save(shard, due, now).await;
}

/// Makes all uses durable that are not.
pub(crate) async fn save_all(shard: &Arc<Shard>) {
    let now = shard.clock.steady();
    let unsaved = shard.with(|inner| std::mem::take(&mut inner.unsaved_uses));
    save(shard, unsaved.into_keys().collect(), now).await;
}

async fn save(shard: &Arc<Shard>, keys: Vec<StreamKey>, used_at: Timestamp) {
    together(shard, keys, async move |shard, key| {
        shard.run(|view, _| decide::mark_used(view, key, used_at)).await
    })
    .await;
}

/// Ends streams whose time is up, so that their space comes back although nobody asks for them.
async fn end_expired(shard: &Arc<Shard>) {
    loop {
        let now = shard.clock.steady();
        let due = match shard.storage.expiring(now, BATCH).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "expired streams could not be listed");
                return;
            }
        };
        let full = due.len() == BATCH;
        let keys = due.into_iter().map(|(_, key)| key).collect();
        let ended = together(shard, keys, async |shard, key| {
            shard.run(|view, now| decide::expire(view, key, now)).await
        })
        .await;
        let failed = ended.iter().any(|(_, result)| result.is_err());
        // Used since its deadline was saved: save the later one, or it would be listed for ever.
        let renewed = ended.into_iter().filter_map(|(key, result)| {
            result.ok().filter(|done| done.stamp.is_none()).map(|_| key)
        });
        save(shard, renewed.collect(), now).await;
        if failed || !full {
            return;
        }
    }
}

type Upkeep = Result<Done<()>, Failure<AccessError>>;

/// Runs one command per stream, all at once, so that they share a group.
async fn together<F>(shard: &Arc<Shard>, keys: Vec<StreamKey>, work: F) -> Vec<(StreamKey, Upkeep)>
where
    F: AsyncFn(&Arc<Shard>, &StreamKey) -> Upkeep,
{
    let work = &work;
    let running = keys.into_iter().map(|key| async move {
        let result = work(shard, &key).await;
        if let Err(error) = &result {
            tracing::debug!(%key, %error, "upkeep of a stream was put off");
        }
        (key, result)
    });
    join_all(running).await
}

impl crate::shard::Inner {
    /// Takes the uses that must be saved now.
    fn due_uses(&mut self, now: Timestamp) -> Vec<StreamKey> {
        let cache = &self.cache;
        let due = self.unsaved_uses.extract_if(|key, since| {
            let expiry = cache.get(key).and_then(|stream| stream.durable.state()).map(|s| s.expiry);
            let wait = match expiry {
                Some(Expiry::Ttl(seconds)) => seconds.saturating_mul(1000 / 4).min(MAX_UNSAVED_MS),
                _ => 0,
            };
            since.0.saturating_add(wait) <= now.0
        });
        due.map(|(key, _)| key).collect()
    }

    fn age(&mut self) -> impl Sized + use<> {
        let unsaved = &self.unsaved_uses;
        self.cache.age(|key| unsaved.contains_key(key))
    }
}
