//! Nothing is answered before what it relies on is durable, and after a failed sync nobody is told what nobody knows.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use headwater_core::command::{Append, Expect};
use headwater_core::decide::Freshness;
use headwater_core::storage::Refusal;
use headwater_core::{Code, ProducerId, ProducerNumber, ProducerTuple};
use headwater_engine::{Engine, Start};
use headwater_storage::memory::MemoryStorage;
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::{Aftermath, Stage};

use crate::support::{
    append, contents, create, engine_on, fork_of, key, options, stream_of, text, within,
};

fn engine() -> (Engine, Arc<Faulty>) {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, options());
    (engine, faulty)
}

fn by_producer(seq: u64) -> Append {
    let id = ProducerId::parse("p").unwrap();
    let seq = ProducerNumber::new(seq).unwrap();
    let producer = Some(ProducerTuple { id, epoch: ProducerNumber::ZERO, seq });
    Append { producer, ..text("produced") }
}

/// What an operation answered, in short.
type Answer = Result<String, Code>;
type Asking = Pin<Box<dyn Future<Output = Answer>>>;

/// Everything that reveals how the stream `s` stands, each under its name.
fn revealing(engine: &Engine) -> Vec<(&'static str, Asking)> {
    let of = |work: fn(Engine) -> Asking| work(engine.clone());
    vec![
        (
            "read",
            of(|engine| {
                Box::pin(async move {
                    let page = engine.read(&key("s"), Start::Beginning).await;
                    page.map(|page| page.to.to_string()).map_err(|error| error.code())
                })
            }),
        ),
        (
            "read now",
            of(|engine| {
                Box::pin(async move {
                    let page = engine.read(&key("s"), Start::Now).await;
                    page.map(|page| page.to.to_string()).map_err(|error| error.code())
                })
            }),
        ),
        (
            "head",
            of(|engine| {
                Box::pin(async move {
                    let state = engine.head(&key("s")).await.map_err(|error| error.code())?;
                    Ok(state.tail.position.to_string())
                })
            }),
        ),
        (
            "tail",
            of(|engine| {
                Box::pin(async move {
                    let tail = engine.tail(&key("s"), Start::Now).await;
                    tail.map(|tail| tail.position().to_string()).map_err(|error| error.code())
                })
            }),
        ),
        (
            "conflict",
            of(|engine| {
                Box::pin(async move {
                    let stale = Append { expect: Expect::Sequence(1), ..text("x") };
                    let refused = append(&engine, "s", stale).await.map_err(|error| error.code());
                    refused.map(|appended| appended.state.tail.position.to_string())
                })
            }),
        ),
        (
            "duplicate",
            of(|engine| {
                Box::pin(async move {
                    let again = append(&engine, "s", by_producer(0)).await;
                    let again = again.map_err(|error| error.code())?;
                    assert_eq!(again.freshness, Freshness::Duplicate);
                    Ok(again.state.tail.position.to_string())
                })
            }),
        ),
        (
            "confirmed creation",
            of(|engine| {
                Box::pin(async move {
                    let state = create(&engine, "s", stream_of("text/plain")).await;
                    let state = state.map_err(|error| error.code())?;
                    Ok(state.tail.position.to_string())
                })
            }),
        ),
        (
            "refused fork",
            of(|engine| {
                Box::pin(async move {
                    let refused = create(&engine, "f", fork_of("s", None, 1)).await;
                    refused.map(|_| String::new()).map_err(|error| error.code())
                })
            }),
        ),
    ]
}

/// Polls a future often enough for everything else to have happened that can happen.
async fn stays_pending<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    for _ in 0..100 {
        tokio::select! {
            biased;
            _ = &mut *future => return false,
            () = tokio::task::yield_now() => {}
        }
    }
    true
}

/// A stream with a committed `old;` and, on its way, an append by a producer.
async fn with_commit_held(
    engine: &Engine,
    faulty: &Faulty,
    stage: Stage,
) -> tokio::task::JoinHandle<Answer> {
    create(engine, "s", stream_of("text/plain")).await.unwrap();
    append(engine, "s", text("old;")).await.unwrap();
    faulty.hold(stage);
    let writer = engine.clone();
    let appending = tokio::spawn(async move {
        let appended = append(&writer, "s", by_producer(0)).await.map_err(|error| error.code())?;
        Ok(appended.state.tail.position.to_string())
    });
    within(faulty.held(1)).await;
    appending
}

#[tokio::test]
async fn everything_that_reveals_state_waits_for_a_commit_that_is_held_open() {
    for stage in [Stage::Unwritten, Stage::Unreported] {
        let (engine, faulty) = engine();
        let appending = with_commit_held(&engine, &faulty, stage).await;
        let mut waiting = revealing(&engine);
        for (name, future) in &mut waiting {
            assert!(stays_pending(future).await, "{name} was answered at {stage:?}");
        }
        assert!(!appending.is_finished(), "acknowledged at {stage:?}");
        faulty.release();
        assert_eq!(within(appending).await.unwrap().as_deref(), Ok("12"));
        for (name, future) in waiting {
            let expected = match name {
                "conflict" => Err(Code::SequenceConflict),
                "refused fork" => Err(Code::OffsetInvalid),
                _ => Ok("12".to_owned()),
            };
            assert_eq!(within(future).await, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn a_page_that_ends_short_of_the_durable_tail_waits_for_nobody() {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let small = headwater_engine::Options { page_bytes: 3, ..options() };
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, small);
    let _appending = with_commit_held(&engine, &faulty, Stage::Unwritten).await;
    let page = within(engine.read(&key("s"), Start::Beginning)).await.unwrap();
    assert_eq!((page.to, page.up_to_date()), (3, false));
    faulty.release();
}

#[tokio::test]
async fn after_a_failed_barrier_every_waiter_gets_unknown_and_nothing_is_accepted() {
    for aftermath in [Aftermath::Applied, Aftermath::Lost] {
        let (engine, faulty) = engine();
        let appending = with_commit_held(&engine, &faulty, Stage::Unwritten).await;
        let mut waiting = revealing(&engine);
        for (name, future) in &mut waiting {
            assert!(stays_pending(future).await, "{name}");
        }
        faulty.fail_barrier(aftermath);
        faulty.release();
        assert_eq!(within(appending).await.unwrap(), Err(Code::UnknownOutcome), "{aftermath:?}");
        for (name, future) in waiting {
            assert_eq!(within(future).await, Err(Code::UnknownOutcome), "{name} {aftermath:?}");
        }
        let refused = append(&engine, "t", text("x")).await.unwrap_err().code();
        assert_eq!(refused, Code::NotFound, "what is durable can still be looked at");
        let refused = create(&engine, "t", stream_of("text/plain")).await.unwrap_err().code();
        assert_eq!(refused, Code::StoragePoisoned);
        assert!(engine.is_poisoned());
        assert!(contents(&engine, "s").await.starts_with("old;"));
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_leaves_no_trace() {
    let (engine, faulty) = engine();
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
