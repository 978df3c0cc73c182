//! What an owner finds worthless that a subscriber took: it is slow for that, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use headwater_fanout::{Audience, End, Limits, Log, Policy, Slow, Spell, Standing, Took};

use crate::support::{ALL, Bell, Got, Note, numbers, take, take_all};

/// A log, and how often it called for attention.
fn log() -> (Log<Note, Bell>, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let called = Arc::clone(&calls);
    let hook = move || {
        called.fetch_add(1, Ordering::SeqCst);
    };
    (Log::new(Limits::new(4, ALL), hook), calls)
}

fn publish(log: &Log<Note, Bell>, range: std::ops::Range<u64>) {
    for number in range {
        assert_eq!(log.publish(Note::of(number), Audience::All), Ok(number));
    }
}

#[test]
fn what_is_lost_is_counted_once() {
    for policy in [Policy::DropNewest, Policy::DropOldest] {
        let (log, _) = log();
        let mut late = log.subscribe(Standing::Fixed(policy)).unwrap();
        publish(&log, 0..3);
        assert_eq!(take_all(&mut late), numbers(0..3), "{policy:?}");
        assert_eq!(late.lose(2, Spell::Begins), None, "{policy:?}");
        assert_eq!(late.lose(1, Spell::GoesOn), None, "{policy:?}");
        assert_eq!((late.dropped(), log.numbers().dropped), (3, 3), "{policy:?}");
        publish(&log, 3..13);
        let all = take_all(&mut late);
        let got = all.iter().filter(|got| matches!(got, Got::Number(_))).count();
        assert_eq!(got, 4, "its limits are what they were: {policy:?}");
        assert_eq!((late.dropped(), log.numbers().dropped), (9, 9), "{policy:?}");
        drop(late);
        assert_eq!(log.numbers().dropped, 9, "{policy:?}");
    }
}

#[test]
fn it_is_disconnected_where_its_policy_says_so_or_publishers_wait() {
    for policy in [Policy::Disconnect, Policy::Wait] {
        let (log, _) = log();
        let mut late = log.subscribe(Standing::Fixed(policy)).unwrap();
        publish(&log, 0..3);
        assert_eq!(take_all(&mut late), numbers(0..3), "{policy:?}");
        assert!(late.is_waiting(), "it had taken all: {policy:?}");
        assert_eq!(late.lose(2, Spell::Begins), Some(End::Slow), "{policy:?}");
        assert!(!late.is_waiting(), "nobody will tell it anything: {policy:?}");
        publish(&log, 3..203);
        assert_eq!(take(&mut late, ALL).1, Took::End(End::Slow), "{policy:?}");
        let told = log.numbers();
        assert_eq!((told.dropped, told.disconnected, told.parked), (0, 1, 0), "{policy:?}");
        assert!(told.window_messages < 100, "nothing is kept for it: {policy:?}");
    }
}

#[test]
fn it_is_asked_about_once_for_each_spell() {
    let (log, calls) = log();
    let mut late = log.subscribe(Standing::Ask).unwrap();
    for round in 1..=3 {
        let start = log.numbers().published;
        publish(&log, start..start + 2);
        // Everybody who sleeps is told before the calls are counted.
        assert_eq!(log.distribute(), []);
        let before = calls.load(Ordering::SeqCst);
        assert_eq!(take(&mut late, 1).0, numbers([start]));
        assert_eq!(late.lose(1, Spell::Begins), None);
        assert_eq!(calls.load(Ordering::SeqCst), before + 1, "it calls for attention");
        assert_eq!(take(&mut late, 1).0, numbers([start + 1]));
        assert_eq!(late.lose(1, Spell::GoesOn), None);
        assert_eq!(log.distribute(), [Slow::Undecided(late.id())]);
        log.decide(late.id(), if round < 3 { Policy::DropOldest } else { Policy::Disconnect });
        if round < 3 {
            assert_eq!(take(&mut late, ALL).1, Took::Nothing);
        }
    }
    assert_eq!(take(&mut late, ALL).1, Took::End(End::Slow));
    assert_eq!((log.numbers().dropped, log.numbers().disconnected), (6, 1));
}
