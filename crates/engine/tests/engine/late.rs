//! Late visibility: an engine whose storage shows it the past never answers from it.

use std::sync::Arc;

use headwater_core::command::{Append, Expect};
use headwater_core::{AccessError, AppendError, Code};
use headwater_engine::{Clock, Engine, Failure};
use headwater_storage::memory::{MemoryStorage, SharedMemory};

use crate::support::{
    ManualClock, append, contents, create, key, options, stream_of, text, within,
};

struct Two {
    first: Engine,
    late: Engine,
    handle: Arc<MemoryStorage>,
}

fn two() -> Two {
    let shared = SharedMemory::new();
    let clock: Arc<dyn Clock> = ManualClock::at(1_000_000);
    let first = Engine::start(Arc::new(shared.attach()), Arc::clone(&clock), options());
    let handle = Arc::new(shared.attach());
    let late = Engine::start(Arc::clone(&handle) as _, clock, options());
    Two { first, late, handle }
}

#[tokio::test]
async fn a_page_that_says_it_is_up_to_date_waits_for_what_it_cannot_see_yet() {
    let Two { first, late, handle } = two();
    create(&first, "s", stream_of("text/plain")).await.unwrap();
    append(&first, "s", text("old")).await.unwrap();
    assert_eq!(contents(&late, "s").await, "old");
    handle.hold_back();
    append(&first, "s", text(" new")).await.unwrap();
    let reading = tokio::spawn({
        let late = late.clone();
        async move { contents(&late, "s").await }
    });
    handle.reveal(1);
    assert_eq!(within(reading).await.unwrap(), "old new");
}

#[tokio::test]
async fn what_stays_hidden_is_an_error_and_never_an_answer() {
    let Two { first, late, handle } = two();
    create(&first, "s", stream_of("text/plain")).await.unwrap();
    late.head(&key("s")).await.unwrap();
    handle.hold_back();
    first.delete(&key("s")).await.unwrap();
    create(&first, "t", stream_of("text/plain")).await.unwrap();
    for path in ["s", "t"] {
        assert_eq!(late.head(&key(path)).await.unwrap_err().code(), Code::Overloaded, "{path}");
    }
    handle.follow();
    let gone = late.head(&key("s")).await.unwrap_err();
    assert_eq!(gone, Failure::Refused(AccessError::NotFound));
    late.head(&key("t")).await.unwrap();
}

#[tokio::test]
async fn a_commit_on_the_past_is_a_conflict_and_is_decided_again() {
    let Two { first, late, handle } = two();
    create(&first, "s", stream_of("text/plain")).await.unwrap();
    late.head(&key("s")).await.unwrap();
    handle.hold_back();
    append(&first, "s", text("first;")).await.unwrap();
    let expecting = Append { expect: Expect::Sequence(0), ..text("late;") };
    let racing = tokio::spawn({
        let late = late.clone();
        async move { append(&late, "s", expecting).await }
    });
    handle.follow();
    let lost = within(racing).await.unwrap().unwrap_err();
    assert!(
        matches!(lost, Failure::Refused(AppendError::SequenceConflict { actual }) if actual.sequence == 1)
    );
    append(&late, "s", text("late;")).await.unwrap();
    assert_eq!(contents(&first, "s").await, "first;late;");
}
