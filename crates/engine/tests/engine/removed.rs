//! Streams that are removed while somebody reads them: storage lets go of the bytes before it reports the removal, and
//! no reader takes that for a fault.

use std::sync::Arc;

use headwater_core::AccessError;
use headwater_core::storage::StorageError;
use headwater_engine::{End, Engine, Failure, Options, Page, ServiceError, Start, Step, Tail};
use headwater_storage::memory::{MemoryStorage, SharedMemory};
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Stage;
use tokio::task::JoinHandle;

use crate::support::{append, create, engine_on, json, key, options, stream_of, text, within};

/// An engine on storage that can be held, and one that removes: the same, or another one over a shared memory.
struct Setting {
    engine: Engine,
    other: Engine,
    faulty: Arc<Faulty>,
    middle: Start,
}

/// Every setting, with a JSON stream `s` of three records of two bytes each.
async fn with_three_records() -> [Setting; 2] {
    let shared = SharedMemory::new();
    let over = |memory: MemoryStorage| {
        let faulty = Faulty::over(Arc::new(memory));
        (engine_on(Arc::clone(&faulty) as _, options()).0, faulty)
    };
    let (alone, its_faulty) = over(MemoryStorage::new());
    let (engine, faulty) = over(shared.attach());
    let (other, _clock) = engine_on(Arc::new(shared.attach()), options());
    let middle = Start::Beginning;
    let mut settings = [
        Setting { engine: alone.clone(), other: alone, faulty: its_faulty, middle },
        Setting { engine, other, faulty, middle },
    ];
    for Setting { engine, middle, .. } in &mut settings {
        create(engine, "s", stream_of("application/json")).await.unwrap();
        let state = append(engine, "s", json("[1,2,3]")).await.unwrap().state;
        *middle = Start::At(state.ranges.offset(2));
    }
    settings
}

fn read(engine: &Engine, start: Start) -> JoinHandle<Result<Page, Failure<AccessError>>> {
    let engine = engine.clone();
    tokio::spawn(async move { engine.read(&key("s"), start).await })
}

fn tail(engine: &Engine, start: Start) -> JoinHandle<Result<Tail, Failure<AccessError>>> {
    let engine = engine.clone();
    tokio::spawn(async move { engine.tail(&key("s"), start).await })
}

#[tokio::test]
async fn a_read_that_looks_for_its_boundary_meanwhile_is_told_that_there_is_no_stream() {
    for Setting { engine, other, faulty, middle } in with_three_records().await {
        faulty.hold_reads();
        let (page, tail) = (read(&engine, middle), tail(&engine, middle));
        within(faulty.reads_held(2)).await;
        other.delete(&key("s")).await.unwrap();
        faulty.release_reads();
        let page = within(page).await.unwrap().map(|page| page.to);
        assert_eq!(page, Err(Failure::Refused(AccessError::NotFound)));
        let tail = within(tail).await.unwrap().map(|tail| tail.position());
        assert_eq!(tail, Err(Failure::Refused(AccessError::NotFound)));
    }
}

#[tokio::test]
async fn an_answer_waits_until_the_removal_that_it_met_is_durable() {
    for Setting { engine, faulty, middle, .. } in with_three_records().await {
        faulty.hold_reads();
        let page = read(&engine, middle);
        within(faulty.reads_held(1)).await;
        faulty.hold(Stage::Unreported);
        let deleting = tokio::spawn({
            let engine = engine.clone();
            async move { engine.delete(&key("s")).await }
        });
        within(faulty.held(1)).await;
        faulty.release_reads();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!page.is_finished(), "answered before the removal was reported");
        faulty.release();
        let page = within(page).await.unwrap().map(|page| page.to);
        assert_eq!(page, Err(Failure::Refused(AccessError::NotFound)));
        within(deleting).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_was_made_anew_is_read_as_the_one_it_is() {
    for Setting { engine, other, faulty, middle } in with_three_records().await {
        faulty.hold_reads();
        let (old, beginning) = (read(&engine, middle), read(&engine, Start::Beginning));
        within(faulty.reads_held(2)).await;
        other.delete(&key("s")).await.unwrap();
        create(&other, "s", stream_of("application/json")).await.unwrap();
        append(&other, "s", json("[4,5,6,7]")).await.unwrap();
        faulty.release_reads();
        let old = within(old).await.unwrap().unwrap_err();
        assert_eq!(old.code().as_str(), "offset_expired");
        let beginning = within(beginning).await.unwrap().unwrap();
        assert_eq!(beginning.chunks.concat(), b"4,5,6,7,");
        assert!(beginning.up_to_date());
    }
}

#[tokio::test]
async fn a_live_reader_that_catches_up_meanwhile_waits_for_the_end() {
    let memories = || [MemoryStorage::new(), SharedMemory::new().attach()];
    for (small, memory) in [4, 1024].into_iter().flat_map(|small| memories().map(|m| (small, m))) {
        let faulty = Faulty::over(Arc::new(memory));
        let options = Options { page_bytes: small, ..options() };
        let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, options);
        create(&engine, "s", stream_of("text/plain")).await.unwrap();
        append(&engine, "s", text("abcdefgh")).await.unwrap();
        let mut tail = engine.tail(&key("s"), Start::Beginning).await.unwrap();
        faulty.hold(Stage::Unreported);
        let deleting = tokio::spawn({
            let engine = engine.clone();
            async move { engine.delete(&key("s")).await }
        });
        within(faulty.held(1)).await;
        let mut reading = tokio::spawn(async move { tail.next().await });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!reading.is_finished(), "{:?}", (&mut reading).await);
        faulty.release();
        let step = within(reading).await.unwrap();
        assert!(matches!(step, Ok(Step::End(End::Deleted))), "{step:?}");
        within(deleting).await.unwrap().unwrap();
    }
}

/// Storage that contradicts itself for ever is given up on; nobody asks it again and again without an end.
#[tokio::test]
async fn bytes_that_are_said_to_be_there_and_gone_are_not_looked_for_without_end() {
    // Where several write, what is read is confirmed as well, and that is answered with the error itself.
    let [Setting { engine, faulty, middle, .. }, _] = with_three_records().await;
    let mut tail = engine.tail(&key("s"), Start::Beginning).await.unwrap();
    faulty.fail_reads(StorageError::Gone);
    let overloaded = Failure::Service(ServiceError::Contended);
    assert_eq!(within(engine.read(&key("s"), middle)).await.unwrap_err(), overloaded);
    assert_eq!(within(engine.tail(&key("s"), middle)).await.unwrap_err(), overloaded);
    assert_eq!(within(tail.next()).await.unwrap_err(), overloaded);
    faulty.heal_reads();
    assert!(matches!(within(tail.next()).await, Ok(Step::Delivery(_))));
}
