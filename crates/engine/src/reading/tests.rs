//! The room: what is taken and given back, by whoever, in whatever order.

use std::pin::pin;

use futures_util::poll;
use proptest::prelude::*;
use tokio::task::{JoinHandle, yield_now};

use super::*;

const MIB: u64 = 1 << 20;

/// A live reader that waits for as long as it takes.
fn live() -> Taker {
    Taker::Live(CancellationToken::new())
}

#[tokio::test]
async fn pages_shrink_and_are_refused_and_live_readers_wait() {
    let (reading, waits) = (Reading::new(64 << 20), &live());
    assert_eq!((reading.page(&Taker::Page), reading.used()), (56 * MIB / 16, 0));
    assert_eq!(reading.page(waits), 28 * MIB / 16);
    let large = reading.take(40 * MIB, &Taker::Page).await.unwrap();
    assert_eq!((reading.page(&Taker::Page), reading.used()), (MIB, 40 * MIB));
    assert!(reading.take(16 * MIB + 1, &Taker::Page).await.is_none());
    let rest = reading.take(16 * MIB, &Taker::Page).await.unwrap();
    // What is left is for small pages.
    assert_eq!(reading.page(&Taker::Page), LAST_PAGE_BYTES);
    assert!(reading.take(LAST_PAGE_BYTES + 1, &Taker::Page).await.is_none());
    let mut small = Vec::new();
    for _ in 0..8 * MIB / LAST_PAGE_BYTES {
        small.push(reading.take(LAST_PAGE_BYTES, &Taker::Page).await.unwrap());
    }
    assert!(reading.take(1, &Taker::Page).await.is_none());
    assert_eq!(reading.used(), 64 * MIB);
    assert!(reading.take(0, &Taker::Page).await.is_some(), "nothing needs no room");
    let mut waiting = pin!(reading.take(1, waits));
    assert!(poll!(&mut waiting).is_pending());
    drop(rest.clone());
    assert_eq!(reading.used(), 64 * MIB, "a clone holds it too");
    drop((rest, large));
    assert!(waiting.await.is_some());
    drop(small);
    // What exceeds everything gets everything but the last part.
    let all = reading.take(1 << 40, &Taker::Page).await.unwrap();
    assert_eq!(reading.used(), 56 * MIB);
    drop(all);
    assert_eq!(reading.used(), 0);
}

#[tokio::test]
async fn who_waits_for_much_holds_nothing_meanwhile() {
    let (reading, waits) = (Reading::new(64 << 20), &live());
    let held = reading.take(20 * MIB, waits).await.unwrap();
    let mut large = pin!(reading.take(28 * MIB, waits));
    assert!(poll!(&mut large).is_pending());
    let mut behind = pin!(reading.take(MIB, waits));
    assert!(poll!(&mut behind).is_pending(), "it came later");
    assert_eq!(reading.used(), 20 * MIB);
    // Others read in the meantime: pages what is theirs, and live readers small ones.
    let page = reading.take(28 * MIB, &Taker::Page).await.unwrap();
    assert!(reading.take(LAST_PAGE_BYTES + 1, &Taker::Page).await.is_none());
    assert_eq!(reading.page(waits), LAST_PAGE_BYTES);
    let small = reading.take(LAST_PAGE_BYTES, waits).await.unwrap();
    drop(held);
    let large = large.await.unwrap();
    assert!(poll!(&mut behind).is_pending());
    drop(large);
    drop((behind.await.unwrap(), page, small));
    assert_eq!(reading.used(), 0);
}

#[tokio::test]
async fn who_is_in_a_hurry_is_refused_where_others_wait() {
    let (reading, waits) = (Reading::new(64 << 20), &live());
    let hurry = CancellationToken::new();
    let hurries = &Taker::Live(hurry.clone());
    let held = reading.take(20 * MIB, waits).await.unwrap();
    let mut waiting = Box::pin(reading.take(28 * MIB, hurries));
    assert!(poll!(&mut waiting).is_pending());
    hurry.cancel();
    assert!(waiting.await.is_none());
    assert!(reading.take(28 * MIB, hurries).await.is_none());
    assert!(reading.take(8 * MIB, hurries).await.is_some(), "there is room");
    drop(held);
}

#[tokio::test]
async fn who_stops_waiting_gives_its_turn_to_the_next() {
    let (reading, waits) = (Reading::new(64 << 20), &live());
    let held = reading.take(20 * MIB, waits).await.unwrap();
    let mut next = Box::pin(reading.take(MIB, waits));
    {
        let mut large = pin!(reading.take(28 * MIB, waits));
        assert!(poll!(&mut large).is_pending());
        assert!(poll!(&mut next).is_pending());
    }
    let next = next.await.unwrap();
    // One that was let in and never asks again is no loss either.
    {
        let mut granted = pin!(reading.take(28 * MIB, waits));
        assert!(poll!(&mut granted).is_pending());
        drop((held, next));
        assert_eq!(reading.used(), 28 * MIB);
    }
    assert_eq!(reading.used(), 0);
}

/// What somebody does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Page(u64),
    Live(u64),
    /// One of those who wait goes.
    Leave(usize),
    /// One of those who have room gives it back.
    GiveBack(usize),
}

const ROOM: usize = 128 * 1024;

fn act() -> impl Strategy<Value = Act> {
    let bytes = || prop_oneof![1..=LAST_PAGE_BYTES, 1..=ROOM as u64];
    prop_oneof![
        2 => bytes().prop_map(Act::Page),
        4 => bytes().prop_map(Act::Live),
        1 => any::<usize>().prop_map(Act::Leave),
        4 => any::<usize>().prop_map(Act::GiveBack),
    ]
}

/// Live readers that wait, as tasks, so that one which is not woken is never served; and all room that is held.
struct Crowded {
    reading: Reading,
    waiting: Vec<JoinHandle<Held>>,
    held: Vec<Held>,
}

impl Crowded {
    async fn act(&mut self, act: Act) {
        match act {
            Act::Page(bytes) => self.held.extend(self.reading.take(bytes, &Taker::Page).await),
            Act::Live(bytes) => {
                let reading = self.reading.clone();
                let take = async move { reading.take(bytes, &live()).await.unwrap() };
                self.waiting.push(tokio::spawn(take));
            }
            Act::Leave(index) if !self.waiting.is_empty() => {
                let leaving = self.waiting.remove(index % self.waiting.len());
                leaving.abort();
                drop(leaving.await);
            }
            Act::GiveBack(index) if !self.held.is_empty() => {
                let index = index % self.held.len();
                drop(self.held.swap_remove(index));
            }
            Act::Leave(_) | Act::GiveBack(_) => {}
        }
        self.settle().await;
    }

    /// Lets run who can, and collects what they were given.
    async fn settle(&mut self) {
        for _ in 0..2 * self.waiting.len() + 2 {
            yield_now().await;
        }
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.is_finished() {
                self.held.push(waiting.await.unwrap());
            } else {
                self.waiting.push(waiting);
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let held = self.held.iter().map(|held| held.taken.as_ref().unwrap());
        let sum: u64 = held.map(|taken| taken.bytes).sum();
        prop_assert_eq!(sum, self.reading.used(), "what is counted is what is held");
        prop_assert!(sum <= ROOM as u64, "{} bytes", sum);
        let room = self.reading.room.lock();
        prop_assert_eq!(room.waiting(), self.waiting.len());
        prop_assert!(!room.could_serve(), "there is room and nobody was let in: {:?}", room);
        Ok(())
    }
}

proptest! {
    #[test]
    fn never_more_than_there_is_and_everybody_is_served(acts in prop::collection::vec(act(), 1..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let reading = Reading::new(ROOM);
            let mut crowded = Crowded { reading, waiting: Vec::new(), held: Vec::new() };
            for act in acts {
                crowded.act(act).await;
                crowded.check()?;
            }
            // Each round serves somebody, however much the others want.
            while !crowded.waiting.is_empty() {
                let before = crowded.waiting.len();
                crowded.held.clear();
                crowded.act(Act::Page(ROOM as u64)).await;
                crowded.check()?;
                prop_assert!(crowded.waiting.len() < before);
            }
            crowded.held.clear();
            prop_assert_eq!(crowded.reading.used(), 0);
            Ok(())
        })?;
    }
}
