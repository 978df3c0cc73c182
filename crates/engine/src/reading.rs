//! Memory of what was read from storage and is not sent yet: bounded for all readers together.
//!
//! Room is taken before the bytes are read and given back when whoever has them drops them. A page that is asked for is
//! refused when there is none, and smaller when there is little; a live reader waits, in the order in which they came. What is
//! larger than all the room there is takes all of it. Recent records that live readers share are not counted here.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted: small enough that rounding up costs little, large enough that a counter holds any budget.
const UNIT: u64 = 1024;

/// The part of what is free that one page may take: sixteen at once still get whole pages when little is left.
const FREE_PER_PAGE: u64 = 16;

/// Pages do not shrink below this: their fixed costs would be felt.
const SMALL_PAGE_BYTES: u64 = 64 * 1024;

/// How large a page is when there is no room for more.
const LAST_PAGE_BYTES: u64 = 4 * 1024;

/// The part of the room that only such pages get: clients that take nothing of large ones do not keep others from reading.
const LAST_PART: u32 = 8;

/// The room.
#[derive(Debug)]
pub(crate) struct Reading {
    room: Arc<Semaphore>,
    last: Arc<Semaphore>,
    units: u32,
}

/// Room for bytes that were read. Given back when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Held {
    _room: Option<Arc<OwnedSemaphorePermit>>,
}

/// What is done when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowd {
    Refuse,
    Wait,
}

impl Reading {
    pub(crate) fn new(bytes: usize) -> Self {
        let most = (Semaphore::MAX_PERMITS as u64).min(u64::from(u32::MAX));
        let units = u32::try_from((bytes as u64).div_ceil(UNIT).clamp(1, most)).unwrap_or(u32::MAX);
        let last = units / LAST_PART;
        let semaphore = |units: u32| Arc::new(Semaphore::new(units as usize));
        Self { room: semaphore(units - last), last: semaphore(last), units }
    }

    /// Takes room for so many bytes. `None` when there is none and nobody waits for it.
    pub(crate) async fn take(&self, bytes: u64, crowd: Crowd) -> Option<Held> {
        let units = u32::try_from(bytes.div_ceil(UNIT))
            .unwrap_or(u32::MAX)
            .min(self.units - self.units / LAST_PART);
        if units == 0 {
            return Some(Held { _room: None });
        }
        let room = Arc::clone(&self.room);
        let small = u64::from(units) * UNIT <= LAST_PAGE_BYTES;
        let at_once = Arc::clone(&room).try_acquire_many_owned(units);
        let at_once = at_once.ok().or_else(|| {
            let last = small.then(|| Arc::clone(&self.last))?;
            last.try_acquire_many_owned(units).ok()
        });
        let taken = match (at_once, crowd) {
            (Some(taken), _) => taken,
            (None, Crowd::Refuse) => return None,
            // It is never closed.
            (None, Crowd::Wait) => room.acquire_many_owned(units).await.ok()?,
        };
        Some(Held { _room: Some(Arc::new(taken)) })
    }

    /// How large a page may be at the moment.
    pub(crate) fn page(&self) -> u64 {
        let free = self.room.available_permits() as u64 * UNIT;
        if free < SMALL_PAGE_BYTES {
            return LAST_PAGE_BYTES;
        }
        (free / FREE_PER_PAGE).max(SMALL_PAGE_BYTES)
    }

    /// Bytes that are read and not sent.
    pub(crate) fn used(&self) -> u64 {
        (u64::from(self.units) * UNIT).saturating_sub(self.free())
    }

    fn free(&self) -> u64 {
        (self.room.available_permits() + self.last.available_permits()) as u64 * UNIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_shrink_and_are_refused_and_live_readers_wait() {
        let reading = Arc::new(Reading::new(64 << 20));
        assert_eq!((reading.page(), reading.used()), (56 << 20 >> 4, 0));
        let large = reading.take(40 << 20, Crowd::Refuse).await.unwrap();
        assert_eq!((reading.page(), reading.used()), (1 << 20, 40 << 20));
        assert!(reading.take((16 << 20) + 1, Crowd::Refuse).await.is_none());
        let rest = reading.take(16 << 20, Crowd::Refuse).await.unwrap();
        // What is left is for small pages.
        assert_eq!(reading.page(), LAST_PAGE_BYTES);
        assert!(reading.take(LAST_PAGE_BYTES + 1, Crowd::Refuse).await.is_none());
        let mut small = Vec::new();
        for _ in 0..(8 << 20) / LAST_PAGE_BYTES {
            small.push(reading.take(LAST_PAGE_BYTES, Crowd::Refuse).await.unwrap());
        }
        assert!(reading.take(1, Crowd::Refuse).await.is_none());
        assert_eq!(reading.used(), 64 << 20);
        assert!(reading.take(0, Crowd::Refuse).await.is_some(), "nothing needs no room");
        let waiting = {
            let reading = Arc::clone(&reading);
            tokio::spawn(async move { reading.take(1, Crowd::Wait).await.is_some() })
        };
        drop(rest.clone());
        assert_eq!(reading.used(), 64 << 20, "a clone holds it too");
        drop(rest);
        assert!(waiting.await.unwrap());
        drop((large, small));
        // What exceeds everything gets everything but the last part.
        let all = reading.take(1 << 40, Crowd::Refuse).await.unwrap();
        assert_eq!(reading.used(), 56 << 20);
        drop(all);
        assert_eq!(reading.used(), 0);
    }
}
