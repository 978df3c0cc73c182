//! The task that reads the log for everybody.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use headwater_fanout::{Audience, Log};
use tokio::time::sleep;

use super::Live;
use crate::replay::{Budget, Cursor, ReadError, ReplayLog, Rest};

/// How long to leave a log alone that could not be read: short for those who wait, long for the log.
const PAUSE: Duration = Duration::from_millis(250);

/// Hands on what comes after `at` until the log of subscribers is closed.
pub(super) async fn follow<L: ReplayLog>(log: Arc<L>, fan: Log<Live, Waker>, mut at: Cursor) {
    while !fan.is_closed() {
        match hand_on(&*log, &fan, &mut at).await {
            Ok(()) => {}
            // Subscribers see that what comes next does not follow on what they have, read the log, and
            // are told there what is gone.
            Err(ReadError::Expired { head } | ReadError::OtherEpoch { head }) => {
                at = head.oldest_kept();
            }
            Err(ReadError::Ahead { head }) => at = head.end(),
            Err(ReadError::Unavailable(_) | ReadError::Damaged(_)) => sleep(PAUSE).await,
        }
    }
}

/// Hands on what there is, or waits for the next event.
async fn hand_on<L: ReplayLog>(
    log: &L,
    fan: &Log<Live, Waker>,
    at: &mut Cursor,
) -> Result<(), ReadError> {
    log.wait(*at).await?;
    loop {
        let page = log.read(*at, Budget::default()).await?;
        for entry in page.entries {
            let (cursor, previous) = (entry.cursor, *at);
            *at = cursor;
            let is_small = entry.event.as_bytes().len() as u64 <= fan.limits().bytes();
            let event = is_small.then_some(entry.event);
            // It is refused only when the log of subscribers was closed.
            let _ = fan.publish(Live { event, cursor, previous }, Audience::All);
        }
        if page.rest == Rest::Nothing {
            return Ok(());
        }
    }
}
