//! What was decided on a unit that did not commit falls with it, however the revisions happen to number.
//!
//! A foreign commit may take the very revision that the fallen unit would have had, so that comparing versions alone
//! would let a decision through that was made on a state that never was.

use std::sync::Arc;

use headwater_core::command::{Append, Expect};
use headwater_core::{AppendError, Code};
use headwater_engine::{Clock, Engine, Failure};
use headwater_storage::memory::{MemoryStorage, SharedMemory};
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::{Aftermath, Stage};

use crate::support::{
    ManualClock, append, contents, create, engine_on, json, options, stream_of, text, within,
};

#[tokio::test]
async fn an_append_in_the_next_group_is_decided_again_when_the_one_before_it_lost() {
    let shared = SharedMemory::new();
    let clock: Arc<dyn Clock> = ManualClock::at(1_000_000);
    let other = Engine::start(Arc::new(shared.attach()), Arc::clone(&clock), options());
    let faulty = Faulty::over(Arc::new(shared.attach()));
    let engine = Engine::start(Arc::clone(&faulty) as _, clock, options());
    create(&engine, "s", stream_of("application/json")).await.unwrap();

    faulty.hold(Stage::Unwritten);
    let spawn = |command: Append| {
        let engine = engine.clone();
        tokio::spawn(async move { append(&engine, "s", command).await })
    };
    let first = spawn(json("[1,2]"));
    within(faulty.held(1)).await;
    // Two records before it, as the engine believes.
    let second = spawn(Append { expect: Expect::Sequence(2), ..json("3") });
    while engine.waiting() < 2 {
        tokio::task::yield_now().await;
    }
    append(&other, "s", json("9")).await.unwrap();
    faulty.release();

    let first = within(first).await.unwrap().unwrap();
    assert_eq!(first.state.tail.sequence, 3, "one of the other's, and its own two");
    let second = within(second).await.unwrap().unwrap_err();
    assert!(
        matches!(second, Failure::Refused(AppendError::SequenceConflict { .. })),
        "decided on two records where there was one: {second:?}"
    );
    assert_eq!(contents(&engine, "s").await, "9,1,2,");
}

#[tokio::test]
async fn everything_behind_a_failed_barrier_is_unknown_too() {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, options());
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    faulty.hold(Stage::Unwritten);
    let spawn = || {
        let engine = engine.clone();
        tokio::spawn(async move { append(&engine, "s", text("x")).await })
    };
    let first = spawn();
    within(faulty.held(1)).await;
    let behind = [spawn(), spawn()];
    while engine.waiting() < 3 {
        tokio::task::yield_now().await;
    }
    faulty.fail_barrier(Aftermath::Lost);
    faulty.release();
    for append in [first].into_iter().chain(behind) {
        assert_eq!(within(append).await.unwrap().unwrap_err().code(), Code::UnknownOutcome);
    }
}
