//! Nothing is answered before what it relies on is durable, and after a failed sync nobody is told what nobody knows.
//!
//! What is demanded stands in functions that return a verdict, so that the same demand is seen to fail over adapters that
//! answer before the sync or show what is not durable.

use std::sync::Arc;

use headwater_core::Code;
use headwater_core::decide::Freshness;
use headwater_core::storage::{Refusal, Storage};
use headwater_engine::{Clock, Engine, Start, Step};
use headwater_storage::memory::{MemoryStorage, SharedMemory};
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::{Aftermath, Stage};
use headwater_storage::testkit::planted::{Hasty, Leak};

use crate::parked::parks;
use crate::revealing::{Answer, Asking, by_producer, revealing};
use crate::support::{
    ManualClock, Verdict, append, contents, create, demand, engine_on, key, options, stored,
    stream_of, text, within,
};

/// Layers over a handle what is planted there, if anything.
type Plant = fn(Arc<dyn Storage>) -> Arc<dyn Storage>;

const SOUND: Plant = |storage| storage;
const HASTY: Plant = |storage| Arc::new(Hasty::over(storage));

const STAGES: [Stage; 2] = [Stage::Unwritten, Stage::Unreported];

/// An engine whose commits can be held: alone over its memory, or beside another one over a shared memory.
fn holdable(plant: Plant) -> Vec<(Engine, Arc<Faulty>)> {
    let over = |memory: MemoryStorage| {
        let faulty = Faulty::over(Arc::new(memory));
        let (engine, _clock) = engine_on(plant(Arc::clone(&faulty) as _), options());
        (engine, faulty)
    };
    vec![over(MemoryStorage::new()), over(SharedMemory::new().attach())]
}

fn engine() -> (Engine, Arc<Faulty>) {
    holdable(SOUND).remove(0)
}

/// A stream with a committed `old;` and, on its way, an append by a producer. Fails if that is acknowledged.
async fn with_commit_held(
    engine: &Engine,
    faulty: &Faulty,
    stage: Stage,
) -> Result<Asking, String> {
    create(engine, "s", stream_of("text/plain")).await.unwrap();
    append(engine, "s", text("old;")).await.unwrap();
    stored(faulty, "s", 4).await;
    faulty.hold(stage);
    let writer = engine.clone();
    let mut appending: Asking = Box::pin(async move {
        let appended = append(&writer, "s", by_producer(0)).await.map_err(|error| error.code())?;
        Ok(appended.state.tail.position.to_string())
    });
    let early = parks(&mut appending).await;
    within(faulty.held(1)).await;
    let early = if early.is_some() { early } else { parks(&mut appending).await };
    demand(early.is_none(), || format!("acknowledged at {stage:?}: {early:?}"))?;
    Ok(appending)
}

/// Requires that every operation waits.
async fn all_wait(waiting: &mut [(&'static str, Asking)], stage: Stage) -> Verdict {
    for (name, future) in waiting {
        let early = parks(future).await;
        demand(early.is_none(), || format!("{name} was answered at {stage:?}: {early:?}"))?;
    }
    Ok(())
}

async fn reveals_nothing_while_held(engine: &Engine, faulty: &Faulty, stage: Stage) -> Verdict {
    let mut appending = with_commit_held(engine, faulty, stage).await?;
    let mut waiting = revealing(engine);
    all_wait(&mut waiting, stage).await?;
    let early = parks(&mut appending).await;
    demand(early.is_none(), || format!("acknowledged at {stage:?}: {early:?}"))?;
    faulty.release();
    let written = within(appending).await;
    demand(written == Ok("12".to_owned()), || format!("the append: {written:?}"))?;
    for (name, future) in waiting {
        let expected = match name {
            "conflict" => Err(Code::SequenceConflict),
            "refused fork" => Err(Code::OffsetInvalid),
            _ => Ok("12".to_owned()),
        };
        let answer = within(future).await;
        demand(answer == expected, || format!("{name}: {answer:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn everything_that_reveals_state_waits_for_a_commit_that_is_held_open() {
    for stage in STAGES {
        for (engine, faulty) in holdable(SOUND) {
            reveals_nothing_while_held(&engine, &faulty, stage).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_answer_before_the_sync_is_noticed() {
    for (engine, faulty) in holdable(HASTY) {
        let found = reveals_nothing_while_held(&engine, &faulty, Stage::Unwritten).await;
        let found = found.expect_err("an answer before the sync went unnoticed");
        assert!(found.starts_with("acknowledged"), "{found}");
    }
}

/// A live reader is told nothing of a commit that is held, and all of it afterwards.
async fn a_live_reader_waits(engine: &Engine, faulty: &Faulty, stage: Stage) -> Verdict {
    create(engine, "s", stream_of("text/plain")).await.unwrap();
    let mut tail = engine.tail(&key("s"), Start::Now).await.unwrap();
    let first = within(tail.next()).await;
    demand(matches!(first, Ok(Step::Delivery(_))), || format!("the first step: {first:?}"))?;
    faulty.hold(stage);
    let mut appending = Box::pin(append(engine, "s", text("news")));
    // What the writer is told is another demand; here it only has to be on its way.
    let _answer = parks(&mut appending).await;
    within(faulty.held(1)).await;
    let mut next = Box::pin(tail.next());
    let early = parks(&mut next).await;
    demand(early.is_none(), || format!("delivered at {stage:?}: {early:?}"))?;
    faulty.release();
    let delivered = within(next).await;
    demand(matches!(&delivered, Ok(Step::Delivery(delivery)) if delivery.to(0) == 4), || {
        format!("after it: {delivered:?}")
    })
}

#[tokio::test]
async fn a_live_reader_is_told_nothing_of_a_commit_that_is_held() {
    for stage in STAGES {
        for (engine, faulty) in holdable(SOUND) {
            a_live_reader_waits(&engine, &faulty, stage).await.unwrap();
        }
    }
    for (engine, faulty) in holdable(HASTY) {
        let found = a_live_reader_waits(&engine, &faulty, Stage::Unwritten).await;
        found.expect_err("a delivery before the sync went unnoticed");
    }
}

/// Two engines over one memory: what one has on its way, the other knows nothing about.
async fn another_engine_shows_what_is_durable(
    engine: &Engine,
    faulty: &Faulty,
    other: &Engine,
) -> Verdict {
    let appending = with_commit_held(engine, faulty, Stage::Unwritten).await?;
    for (name, future) in revealing(other) {
        let expected = match name {
            // These two append where the held one is not visible, and would be faster than it.
            "duplicate" | "conflict" => continue,
            "refused fork" => Err(Code::OffsetInvalid),
            _ => Ok("4".to_owned()),
        };
        let answer = within(future).await;
        demand(answer == expected, || format!("{name} of the other engine: {answer:?}"))?;
    }
    let shown = contents(other, "s").await;
    demand(shown == "old;", || format!("the other engine shows {shown:?}"))?;
    faulty.release();
    let written = within(appending).await;
    demand(written == Ok("12".to_owned()), || format!("the append: {written:?}"))?;
    let shown = contents(other, "s").await;
    demand(shown == "old;produced", || format!("the other engine shows {shown:?} at the end"))
}

#[tokio::test]
async fn another_engine_answers_meanwhile_from_what_is_durable() {
    for leaks in [false, true] {
        let shared = SharedMemory::new();
        let leak = Leak::default();
        let clock: Arc<dyn Clock> = ManualClock::at(1_000_000);
        let faulty = Faulty::over(Arc::new(shared.attach()));
        let writing = Arc::new(leak.writing(Arc::clone(&faulty) as _));
        let engine = Engine::start(writing, Arc::clone(&clock), options());
        let shown: Arc<dyn Storage> = Arc::new(shared.attach());
        let shown = if leaks { Arc::new(leak.showing(shown)) } else { shown };
        let other = Engine::start(shown, clock, options());
        let found = another_engine_shows_what_is_durable(&engine, &faulty, &other).await;
        match leaks {
            false => found.unwrap(),
            true => {
                let found = found.expect_err("a tail that is not durable was shown unnoticed");
                assert!(found.contains("of the other engine"), "{found}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_that_ends_short_of_the_durable_tail_waits_for_nobody() {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let small = headwater_engine::Options { page_bytes: 3, ..options() };
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, small);
    let _appending = with_commit_held(&engine, &faulty, Stage::Unwritten).await.unwrap();
    let page = within(engine.read(&key("s"), Start::Beginning)).await.unwrap();
    assert_eq!((page.to, page.up_to_date()), (3, false));
    faulty.release();
}

/// Nobody is told an outcome that nobody knows.
async fn all_are_told_unknown(engine: &Engine, faulty: &Faulty, aftermath: Aftermath) -> Verdict {
    let appending = with_commit_held(engine, faulty, Stage::Unwritten).await?;
    let mut waiting = revealing(engine);
    all_wait(&mut waiting, Stage::Unwritten).await?;
    faulty.fail_barrier(aftermath);
    faulty.release();
    waiting.push(("append", appending));
    for (name, future) in waiting {
        let answer: Answer = within(future).await;
        demand(answer == Err(Code::UnknownOutcome), || format!("{name}: {answer:?}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn after_a_failed_barrier_every_waiter_gets_unknown_and_nothing_is_accepted() {
    for aftermath in [Aftermath::Applied, Aftermath::Lost] {
        let (engine, faulty) = engine();
        all_are_told_unknown(&engine, &faulty, aftermath).await.unwrap();
        let refused = append(&engine, "t", text("x")).await.unwrap_err().code();
        assert_eq!(refused, Code::NotFound, "what is durable can still be looked at");
        let refused = create(&engine, "t", stream_of("text/plain")).await.unwrap_err().code();
        assert_eq!(refused, Code::StoragePoisoned);
        assert!(engine.is_poisoned());
        assert!(contents(&engine, "s").await.starts_with("old;"));
    }
    let (engine, faulty) = holdable(HASTY).remove(0);
    let found = all_are_told_unknown(&engine, &faulty, Aftermath::Lost).await;
    found.expect_err("an answer before the sync went unnoticed");
}

#[tokio::test]
async fn a_full_disk_refuses_and_leaves_no_trace() {
    for (engine, faulty) in holdable(SOUND) {
        create(&engine, "s", stream_of("text/plain")).await.unwrap();
        faulty.refuse(Refusal::Full);
        for _ in 0..3 {
            let refused = append(&engine, "s", by_producer(0)).await.unwrap_err().code();
            assert_eq!(refused, Code::StorageFull);
        }
        assert_eq!(contents(&engine, "s").await, "");
        faulty.accept();
        let appended = append(&engine, "s", by_producer(0)).await.unwrap();
        assert_eq!(appended.freshness, Freshness::Committed);
        assert_eq!(contents(&engine, "s").await, "produced");
    }
}
