//! Following a stream for many readers at once: what a feed hands out, and what readers who fall behind it take by themselves, is
//! every byte, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use headwater_engine::{End, Engine, Feed, Mark, Options, Start, Step, Tail};
use headwater_storage::memory::MemoryStorage;
use tokio::sync::Notify;

use crate::fleets::fleets;
use crate::support::{append, create, engine, engine_on, key, options, stream_of, text, within};

/// Counts wake-ups, and passes them on.
#[derive(Default)]
struct Bell {
    rung: AtomicUsize,
    news: Notify,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.fetch_add(1, Ordering::Relaxed);
        self.news.notify_one();
    }
}

/// A tail that has had its first delivery.
async fn begun(engine: &Engine, start: Start) -> Tail {
    let mut tail = engine.tail(&key("s"), start).await.unwrap();
    assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
    tail
}

/// Takes everything up to a length, as a thread with many readers does: from the feed where it reaches back, from a tail of its own
/// where not. Returns it, and how often it fell behind.
async fn take(engine: &Engine, bytes: usize) -> (String, usize) {
    let tail = begun(engine, Start::Now).await;
    let mut mark = tail.mark().unwrap();
    let begin = mark.position;
    let bell = Arc::new(Bell::default());
    let feed = tail.feed(Waker::from(Arc::clone(&bell)));
    drop(tail);
    let (mut taken, mut behind) = (String::new(), 0);
    while begin as usize + taken.len() < bytes {
        let state = feed.now().unwrap();
        if state.tail.position == mark.position {
            within(bell.news.notified()).await;
            continue;
        }
        match feed.recent(&state, mark.position) {
            Some(delivery) => {
                for piece in &delivery.pieces {
                    taken.push_str(std::str::from_utf8(&piece.bytes).unwrap());
                }
                let to = delivery.to(mark.position);
                mark = Mark { position: to, told: to };
            }
            None => {
                behind += 1;
                mark = catch_up(&feed, mark, &mut taken).await;
            }
        }
        // Others append meanwhile, so that some are too late for what is in memory.
        if taken.len() % 7 == 0 {
            tokio::task::yield_now().await;
        }
    }
    (taken, behind)
}

async fn catch_up(feed: &Feed, mark: Mark, taken: &mut String) -> Mark {
    let mut tail = feed.reader(mark);
    loop {
        let Step::Delivery(delivery) = within(tail.next()).await.unwrap() else { panic!() };
        for piece in &delivery.pieces {
            taken.push_str(std::str::from_utf8(&piece.bytes).unwrap());
        }
        tail.advance(delivery.to(tail.position()));
        if tail.is_recent() {
            return tail.mark().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_feed_see_every_byte_once_however_far_they_fall_behind() {
    let small = Options { tail_bytes: 4096, page_bytes: 100, ..options() };
    for fleet in fleets(&small) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let lines: Vec<String> = (0..600).map(|n| format!("{n}\n")).collect();
        let expected = lines.concat();
        let total = expected.len();
        let mut readers = Vec::new();
        for (n, line) in lines.iter().enumerate() {
            if n % 60 == 0 {
                let engine = fleet.any().clone();
                readers.push(tokio::spawn(async move { take(&engine, total).await }));
            }
            append(fleet.any(), "s", text(line)).await.unwrap();
        }
        for reader in readers {
            let (taken, behind) = within(reader).await.unwrap();
            assert!(expected.ends_with(&taken), "{behind} times behind: {taken:?}");
        }
    }
}

#[tokio::test]
async fn what_a_reader_missed_is_there_when_it_goes_on_by_itself() {
    let storage = Arc::new(MemoryStorage::new());
    let (engine, _clock) = engine_on(storage, Options { tail_bytes: 1024, ..options() });
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    let tail = begun(&engine, Start::Now).await;
    let (mark, feed) = (tail.mark().unwrap(), tail.feed(Waker::from(Arc::new(Bell::default()))));
    assert!(tail.is_recent());
    let lines: Vec<String> = (0..50).map(|n| format!("{n}\n")).collect();
    for line in &lines {
        append(&engine, "s", text(line)).await.unwrap();
    }
    assert!(!tail.is_recent());
    assert!(feed.recent(&feed.now().unwrap(), mark.position).is_none());
    let mut taken = String::new();
    let mark = catch_up(&feed, mark, &mut taken).await;
    assert!(lines.concat().starts_with(&taken));
    assert!(feed.recent(&feed.now().unwrap(), mark.position).is_some());
}

#[tokio::test]
async fn a_feed_is_woken_for_all_news_and_not_after_it_is_gone() {
    let (engine, _clock) = engine();
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    let tail = begun(&engine, Start::Now).await;
    let (bell, other) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    let feed = tail.feed(Waker::from(Arc::clone(&bell)));
    let gone = tail.feed(Waker::from(Arc::clone(&other)));
    assert_eq!(feed.identity(), tail.identity());
    drop((tail, gone));
    for n in 1..=3 {
        append(&engine, "s", text("x")).await.unwrap();
        within(bell.news.notified()).await;
        assert_eq!(feed.now().unwrap().tail.position, n);
    }
    assert_eq!((bell.rung.load(Ordering::Relaxed), other.rung.load(Ordering::Relaxed)), (3, 0));
    engine.drain();
    within(bell.news.notified()).await;
    assert_eq!(feed.now().unwrap_err(), End::Draining);
    let mut late = feed.reader(Mark { position: 3, told: 3 });
    assert!(matches!(within(late.next()).await.unwrap(), Step::End(End::Draining)));
}
