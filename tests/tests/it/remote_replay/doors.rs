//! What one log wrote another one reads: over a server, and in the process that has the directory.

use std::path::Path;
use std::sync::Arc;

use headwater_core::retention::Wanted;
use headwater_core::{StoreId, StreamKey};
use headwater_engine::{Engine, Options, StreamReplay, SystemClock};
use headwater_sse::replay::{
    Budget, Cursor, Effect, Entry, Head, ReadError, ReplayLog, Rest, Verdict, resume,
};
use headwater_sse::{Event, EventType, event_type};
use headwater_storage::journal::{JournalStorage, Options as JournalOptions};
use headwater_tests::{Launch, Storage};

use super::{Ending, open};

const STREAM: &str = "events/orders";

const DATA: [&str; 5] = ["", " one\ntwo\r\n", "{\"a\":\"b\"}", "日本語 🌊", "nul\0\u{feff}"];

async fn append_some(log: &impl ReplayLog) -> Vec<Entry> {
    let mut entries = Vec::new();
    for event_type in [EventType::MESSAGE, event_type!(" odd: type")] {
        for data in DATA {
            let event = Event::new().event_type(event_type).data(data);
            entries.push(log.append(event).await.unwrap());
        }
    }
    entries
}

/// All there is, page by page.
async fn all(log: &impl ReplayLog) -> (Head, Vec<Entry>) {
    let head = log.head().await.unwrap();
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(head.oldest_kept(), |last| last.cursor);
        let page = log.read(after, Budget::default()).await.unwrap();
        entries.extend(page.entries);
        if page.rest == Rest::Nothing {
            return (head, entries);
        }
    }
}

/// Does something with the engine's log in a directory that no server has.
async fn in_process<T>(directory: &Path, act: impl AsyncFnOnce(&StreamReplay) -> T) -> T {
    let storage = JournalStorage::open(directory, JournalOptions::default()).unwrap();
    let clock = Arc::new(SystemClock::new());
    let engine = Engine::start(Arc::new(storage), clock, Options::default());
    let key = StreamKey::parse(StoreId::DEFAULT, STREAM).unwrap();
    let log = StreamReplay::open(engine.clone(), key, Wanted::default()).await.unwrap();
    let done = act(&log).await;
    drop(log);
    engine.shutdown().await.unwrap();
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engines_log_and_the_clients_are_one() {
    let server = Launch::new(Storage::Journal).start();
    let log = open(server.address(), STREAM).await;
    let mut appended = append_some(&log).await;
    // What other doors write is an event, too.
    let others =
        r#"[{"type":"note","data":"x","more":1},{"type":"a\nb","data":""},[1.50,2],"text"]"#;
    server.post(STREAM).json(others).send().expect(204);
    let (head, over_the_server) = all(&log).await;
    assert_eq!(over_the_server[..appended.len()], appended);
    assert_eq!(over_the_server.len(), appended.len() + 4);
    let launch = server.stop();

    let (in_the_process, more) =
        in_process(launch.data_dir(), async |log| (all(log).await, append_some(log).await)).await;
    assert_eq!(in_the_process, (head, over_the_server.clone()));
    appended = [over_the_server, more].concat();

    let server = launch.start();
    let log = open(server.address(), STREAM).await;
    let (head, over_the_server) = all(&log).await;
    assert_eq!(over_the_server, appended);
    assert_eq!(Some(head.end()), appended.last().map(|entry| entry.cursor));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_deleted_goes_on_in_another_epoch_when_somebody_opens_it_again() {
    let server = Launch::new(Storage::Journal).start();
    let log = open(server.address(), STREAM).await;
    let old = log.append(Event::new().data("old")).await.unwrap();
    let waiting = {
        let log = log.clone();
        tokio::spawn(async move { log.wait(old.cursor).await })
    };
    server.delete(STREAM).send().expect(204);
    let waited = waiting.await.unwrap();
    assert!(matches!(waited, Err(ReadError::Unavailable(_))), "{waited:?}");
    let read = log.read(old.cursor, Budget::default()).await;
    assert!(matches!(read, Err(ReadError::Unavailable(_))), "{read:?}");
    let refused = log.append(Event::new().data("none")).await.unwrap_err();
    assert_eq!(refused.effect(), Effect::None, "{refused:?}");

    // As a process does that starts.
    let other = open(server.address(), STREAM).await;
    let new = log.append(Event::new().data("new")).await.unwrap();
    assert!(new.cursor.epoch > old.cursor.epoch);
    let told = resume(&log, Some(&log.id(old.cursor))).await.unwrap();
    assert_eq!(told.verdict, Verdict::OtherEpoch);
    assert_eq!(all(&other).await.1, [new]);
}

/// Such a server cannot tell whether something was lost, so the stream goes on in a new lineage, and that is the log's epoch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_of_a_server_that_syncs_later_who_follows_goes_on_and_who_comes_back_is_told()
{
    let server = Launch::new(Storage::Journal).flags(&["--sync", "5ms"]).start();
    let log = open(server.address(), STREAM).await;
    let before = append_some(&log).await;
    let last = before[before.len() - 1].cursor;
    let server = Ending::Killed.and_start_again(server);
    // Until something is appended nothing has changed.
    let told = resume(&log, Some(&log.id(last))).await.unwrap();
    assert_eq!(told.verdict, Verdict::Resumed);
    assert_eq!(all(&log).await.1, before);

    let new = log.append(Event::new().data("new")).await.unwrap();
    assert!(new.cursor.epoch > last.epoch);
    log.wait(last).await.unwrap();
    let page = log.read(last, Budget::default()).await.unwrap();
    assert_eq!(page.entries.iter().map(|entry| entry.cursor).collect::<Vec<_>>(), [new.cursor]);
    let told = resume(&log, Some(&log.id(last))).await.unwrap();
    assert_eq!(told.verdict, Verdict::OtherEpoch);
    let told = resume(&log, Some(&log.id(new.cursor))).await.unwrap();
    assert_eq!(told.verdict, Verdict::Resumed);
    // What was told of but lost is not there for anybody.
    let lost = Cursor::new(last.epoch, last.offset + 10);
    let read = log.read(lost, Budget::default()).await;
    assert!(matches!(read, Err(ReadError::OtherEpoch { .. })), "{read:?}");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_another_kind_is_no_log() {
    let server = Launch::new(Storage::Memory).start();
    server.create_text("events/text");
    let client = super::client(server.address());
    let opened = headwater_client::RemoteReplay::open(client, "events/text", Default::default());
    let error = opened.await.unwrap_err();
    let headwater_client::OpenError::Request(error) = error else { panic!("{error:?}") };
    assert_eq!(error.code(), Some(headwater_core::Code::ConfigMismatch));
}
