//! The end of a stream whose time is up is a commit like any other: nobody hears of it before it is durable.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use headwater_core::storage::Storage;
use headwater_core::{Code, Expiry, Slot, Timestamp};
use headwater_engine::{End, Engine, Start, Step};
use headwater_storage::memory::{MemoryStorage, SharedMemory};
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::{Aftermath, Stage};
use headwater_storage::testkit::planted::Hasty;

use crate::parked::parks;
use crate::support::{
    ManualClock, Verdict, append, create, demand, engine_on, key, options, stored, text,
    with_expiry, within,
};

const IN_TEN_SECONDS: Expiry = Expiry::At(Timestamp(1_000_010_000));

/// An engine with a stream `s`, and the commits it makes under control.
struct Setting {
    engine: Engine,
    clock: Arc<ManualClock>,
    faulty: Arc<Faulty>,
}

impl Setting {
    fn new(memory: MemoryStorage, plant: fn(Arc<dyn Storage>) -> Arc<dyn Storage>) -> Self {
        let faulty = Faulty::over(Arc::new(memory));
        let (engine, clock) = engine_on(plant(Arc::clone(&faulty) as _), options());
        Self { engine, clock, faulty }
    }

    fn sound() -> [Self; 2] {
        [MemoryStorage::new(), SharedMemory::new().attach()]
            .map(|memory| Self::new(memory, |storage| storage))
    }

    fn hasty() -> Self {
        Self::new(MemoryStorage::new(), |storage| Arc::new(Hasty::over(storage)))
    }
}

type Asking = Pin<Box<dyn Future<Output = Result<&'static str, Code>>>>;

/// Everyone who may meet a stream that has expired.
fn visitors(engine: &Engine) -> [(&'static str, Asking); 4] {
    let [head, read, write, delete] = std::array::from_fn(|_| engine.clone());
    [
        ("head", Box::pin(async move { told(head.head(&key("s")).await.map_err(|e| e.code())) })),
        (
            "read",
            Box::pin(async move {
                told(read.read(&key("s"), Start::Beginning).await.map_err(|e| e.code()))
            }),
        ),
        (
            "append",
            Box::pin(
                async move { told(append(&write, "s", text("y")).await.map_err(|e| e.code())) },
            ),
        ),
        (
            "delete",
            Box::pin(async move { told(delete.delete(&key("s")).await.map_err(|e| e.code())) }),
        ),
    ]
}

fn told<T>(answer: Result<T, Code>) -> Result<&'static str, Code> {
    answer.map(|_| "it is there")
}

async fn all_wait(visitors: &mut [(&'static str, Asking)]) -> Verdict {
    for (name, asking) in visitors {
        let early = parks(asking).await;
        demand(early.is_none(), || {
            format!("{name} was answered before the end was durable: {early:?}")
        })?;
    }
    Ok(())
}

/// What holds back the end of a stream holds back everyone who would hear of it.
async fn the_end_is_durable_first(
    Setting { engine, clock, faulty }: Setting,
    expiry: Expiry,
    failing: Option<Aftermath>,
) -> Verdict {
    create(&engine, "s", with_expiry(expiry)).await.unwrap();
    append(&engine, "s", text("x")).await.unwrap();
    stored(&*faulty, "s", 1).await;
    // A live reader keeps a stream with a TTL; one with a fixed end goes under its readers.
    let mut tail = match expiry {
        Expiry::At(_) => Some(engine.tail(&key("s"), Start::Now).await.unwrap()),
        _ => None,
    };
    if let Some(tail) = &mut tail {
        assert!(matches!(within(tail.next()).await, Ok(Step::Delivery(_))));
    }
    faulty.hold(Stage::Unwritten);
    clock.pass(10_000);
    let mut visitors = visitors(&engine);
    all_wait(&mut visitors).await?;
    within(faulty.held(1)).await;
    all_wait(&mut visitors).await?;
    if let Some(tail) = &mut tail {
        let early = parks(&mut Box::pin(tail.next())).await;
        demand(early.is_none(), || {
            format!("the reader was told before it was durable: {early:?}")
        })?;
    }
    let expected = failing.map_or(Code::NotFound, |_| Code::UnknownOutcome);
    if let Some(aftermath) = failing {
        faulty.fail_barrier(aftermath);
    }
    faulty.release();
    for (name, asking) in visitors {
        let answer = within(asking).await;
        demand(answer == Err(expected), || format!("{name} was answered {answer:?}"))?;
    }
    let stored = faulty.load(&key("s"), None).await.unwrap().slot;
    let there = failing == Some(Aftermath::Lost);
    demand((stored == Slot::Absent) != there, || format!("stored at the end: {stored:?}"))?;
    match tail {
        Some(mut tail) if failing.is_none() => {
            let end = within(tail.next()).await;
            demand(matches!(end, Ok(Step::End(End::Deleted))), || format!("the reader: {end:?}"))
        }
        Some(mut tail) => {
            let told = parks(&mut Box::pin(tail.next())).await;
            demand(told.is_none(), || format!("the reader was told what nobody knows: {told:?}"))
        }
        None => Ok(()),
    }
}

#[tokio::test]
async fn an_expired_stream_is_gone_for_nobody_before_its_end_is_durable() {
    for expiry in [Expiry::Ttl(10), IN_TEN_SECONDS] {
        for setting in Setting::sound() {
            the_end_is_durable_first(setting, expiry, None).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_end_that_may_not_have_happened_is_unknown_to_everyone() {
    for expiry in [Expiry::Ttl(10), IN_TEN_SECONDS] {
        for aftermath in [Aftermath::Lost, Aftermath::Applied] {
            let [sole, _] = Setting::sound();
            the_end_is_durable_first(sole, expiry, Some(aftermath)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_end_that_is_told_before_the_sync_is_noticed() {
    for expiry in [Expiry::Ttl(10), IN_TEN_SECONDS] {
        for failing in [None, Some(Aftermath::Lost)] {
            let found = the_end_is_durable_first(Setting::hasty(), expiry, failing).await;
            let found = found.expect_err("an end before the sync went unnoticed");
            assert!(found.contains("durable"), "{found}");
        }
    }
}
