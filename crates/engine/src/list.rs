//! The catalogue: which streams there are.
//!
//! A page shows each stream as it was durable at one moment while the page was made. Going from page to page by name, every stream that
//! lives throughout is met exactly once, however many come and go meanwhile; one that comes or goes may be met or not.

use std::sync::Arc;

use headwater_core::StreamState;
use headwater_core::storage::{ListQuery, Listed};

use crate::error::{Failure, ServiceError};
use crate::read;
use crate::shard::Shard;

/// A page of the catalogue, in the order of the bytes of the paths.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The streams. Those whose time is up are left out, so there may be fewer than asked for.
    pub streams: Vec<Listed>,
    /// Where to go on: after this path. `None` when nothing follows.
    pub next: Option<String>,
}

/// Lists streams, which is no use of them.
pub(crate) async fn list(shard: &Arc<Shard>, query: ListQuery) -> Result<Listing, ServiceError> {
    // One more than asked for tells whether anything follows.
    let limit = query.limit;
    let asked = ListQuery { limit: limit.saturating_add(1), ..query };
    let mut found = shard.storage.list(asked).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| last.key.path().to_owned());
    let mut streams = Vec::with_capacity(found.len());
    for listed in found {
        if !is_due(shard, &listed.state) || lives(shard, &listed).await? {
            streams.push(listed);
        }
    }
    Ok(Listing { streams, next })
}

/// Whether its time is up by what is stored, which knows only of uses that were saved.
fn is_due(shard: &Shard, state: &StreamState) -> bool {
    state.expired(shard.clock.steady())
}

async fn lives(shard: &Arc<Shard>, listed: &Listed) -> Result<bool, ServiceError> {
    match read::look(shard, &listed.key).await {
        Ok(state) => Ok(state.ranges.own() == listed.state.ranges.own()),
        Err(Failure::Refused(_)) => Ok(false),
        Err(Failure::Service(error)) => Err(error),
    }
}
