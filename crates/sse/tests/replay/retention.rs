//! What a ring keeps: so many events, so many bytes, for so long, and each bound by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use headwater_sse::Event;
use headwater_sse::replay::{
    AppendError, Budget, Cursor, Effect, Epoch, MemoryReplay, ReadError, Retention,
};

const EPOCH: Epoch = Epoch::new(7);

fn retention(events: usize, bytes: usize, age: Option<u64>) -> Retention {
    let age = age.map(Duration::from_secs);
    Retention { events: events.try_into().unwrap(), bytes, age }
}

fn append(log: &MemoryReplay, number: usize) -> usize {
    let data = format!("{number:04}");
    log.append_now(&Event::new().data(&data)).unwrap().event.as_bytes().len()
}

/// The offsets that are kept.
fn kept(log: &MemoryReplay) -> Vec<u64> {
    let after = log.head_now().oldest_kept();
    let page = log.read_now(after, Budget::default()).unwrap();
    page.entries.iter().map(|entry| entry.cursor.offset).collect()
}

#[test]
fn a_ring_of_four_keeps_the_last_four() {
    let log = MemoryReplay::with_epoch(retention(4, 1 << 20, None), EPOCH);
    for number in 1..=6 {
        append(&log, number);
    }
    assert_eq!(kept(&log), [3, 4, 5, 6]);
    assert_eq!(log.head_now().floor, 2);
    let too_old = log.read_now(Cursor::new(EPOCH, 1), Budget::default());
    assert!(matches!(too_old, Err(ReadError::Expired { head }) if head == log.head_now()));
    // After 2 nothing is missing, although 2 itself is gone.
    assert_eq!(log.read_now(Cursor::new(EPOCH, 2), Budget::default()).unwrap().entries.len(), 4);
}

#[test]
fn bytes_are_bounded_as_encoded() {
    let size = append(&MemoryReplay::with_epoch(retention(1, 1000, None), EPOCH), 1);
    let log = MemoryReplay::with_epoch(retention(1000, 3 * size, None), EPOCH);
    for number in 1..=9 {
        append(&log, number);
    }
    assert_eq!(kept(&log), [7, 8, 9]);
    // One event of almost all the room drives out the rest.
    let large = "x".repeat(2 * size);
    log.append_now(&Event::new().data(&large)).unwrap();
    assert_eq!(kept(&log), [10]);
    let beyond = "x".repeat(3 * size);
    let refused = log.append_now(&Event::new().data(&beyond)).unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { limit, .. } if limit == 3 * size));
    assert_eq!(refused.effect(), Effect::None);
    assert_eq!(kept(&log), [10], "what is refused drives nothing out");
}

#[test]
fn what_is_too_old_is_gone_before_anybody_looks() {
    let now = Arc::new(AtomicU64::new(100));
    let clock = Arc::clone(&now);
    let log = MemoryReplay::with_clock(retention(1000, 1 << 20, Some(10)), EPOCH, move || {
        Duration::from_secs(clock.load(Ordering::Relaxed))
    });
    let at = |time| now.store(time, Ordering::Relaxed);
    append(&log, 1);
    at(105);
    append(&log, 2);
    at(109);
    assert_eq!(kept(&log), [1, 2]);
    at(110);
    assert_eq!(kept(&log), [2]);
    // A clock that goes back makes nothing young again, and nothing older.
    at(0);
    assert_eq!(kept(&log), [2]);
    append(&log, 3);
    at(119);
    assert_eq!(kept(&log), [3], "appended at 110, the latest time that was seen");
    at(10_000);
    assert_eq!(kept(&log), [0_u64; 0]);
    assert_eq!((log.head_now().floor, log.head_now().newest), (3, 3));
    append(&log, 4);
    assert_eq!(kept(&log), [4], "sequences go on");
}

/// 64 at once: as many cursors, without a gap.
#[test]
fn many_who_append_at_once_get_a_cursor_each() {
    let log = MemoryReplay::with_epoch(retention(64, 1 << 20, None), EPOCH);
    let start = Barrier::new(64);
    let (log, start) = (&log, &start);
    let mut offsets: Vec<u64> = thread::scope(|scope| {
        let append = move |number: usize| {
            start.wait();
            let data = number.to_string();
            log.append_now(&Event::new().data(&data)).unwrap().cursor.offset
        };
        let all: Vec<_> = (0..64).map(|number| scope.spawn(move || append(number))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    offsets.sort_unstable();
    assert_eq!(offsets, (1..=64).collect::<Vec<_>>());
    assert_eq!(kept(log), offsets);
}

#[test]
fn the_smallest_ring_works() {
    let log = MemoryReplay::with_epoch(retention(1, 64, None), EPOCH);
    assert_eq!(kept(&log), [0_u64; 0]);
    append(&log, 1);
    append(&log, 2);
    assert_eq!(kept(&log), [2]);
}

#[test]
fn comments_and_retry_times_are_not_kept() {
    let log = MemoryReplay::with_epoch(retention(4, 1 << 20, None), EPOCH);
    let event = Event::new().comment("no").retry(Duration::from_secs(1)).data("yes");
    let entry = log.append_now(&event).unwrap();
    assert_eq!(entry.event.as_bytes(), "id: 0000000000000007:1\ndata:yes\n\n");
}
