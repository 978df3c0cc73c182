//! Looking at a stream: what every read decides first.

use std::sync::Arc;

use crate::decide::{Decision, Need, View, remove};
use crate::error::AccessError;
use crate::key::StreamKey;
use crate::state::{Slot, StreamState};
use crate::time::Timestamp;

/// Decides what a reader finds under a key: the stream, or that there is none. A stream whose time is up ends first.
pub fn look(
    view: &impl View,
    key: &StreamKey,
    now: Timestamp,
) -> Decision<Arc<StreamState>, AccessError> {
    let Some(slot) = view.slot(key) else { return Decision::Need(Need::Stream(key.clone())) };
    match &slot {
        Slot::Absent => Decision::refuse(AccessError::NotFound, key, &slot),
        Slot::SoftDeleted(_) => Decision::refuse(AccessError::Gone, key, &slot),
        Slot::Live(state) if state.expired(now) => remove::first(view, key, now),
        Slot::Live(state) => Decision::reply(Ok(Arc::clone(state)), key, &slot),
    }
}
