//! What each policy does to a subscriber that takes nothing for a while, in exact numbers.

use headwater_fanout::{Audience, End, Gap, Log, Policy, Slow, Standing, Took};

use crate::support::{ALL, Bell, Got, Note, log, numbers, take, take_all};

fn publish(log: &Log<Note, Bell>, range: std::ops::Range<u64>) {
    for number in range {
        assert_eq!(log.publish(Note::of(number), Audience::All), Ok(number));
    }
}

fn lost(from: u64, to: u64) -> Vec<Got> {
    vec![Got::Lost(Gap { from, to, messages: to - from })]
}

/// Depth 4, 100 messages: 4 wait and 96 are dropped, whichever they are.
#[test]
fn the_newest_or_the_oldest_are_dropped() {
    for (policy, expected) in [
        (Policy::DropNewest, [numbers(0..4), lost(4, 100)].concat()),
        (Policy::Wait, [numbers(0..4), lost(4, 100)].concat()),
        (Policy::DropOldest, [lost(0, 96), numbers(96..100)].concat()),
    ] {
        for standing in [Standing::Fixed(policy), Standing::Ask] {
            let log = log(4, ALL);
            let mut slow = log.subscribe(standing).unwrap();
            publish(&log, 0..5);
            let asked = log.distribute();
            if standing == Standing::Ask {
                assert_eq!(asked, [Slow::Undecided(slow.id())]);
                log.decide(slow.id(), policy);
                // Nothing was decided when the fifth came, so it was dropped as the newest.
                publish(&log, 5..100);
                let dropped = slow.dropped();
                assert_eq!((slow.depth().0, dropped >= 95), (4, true), "{policy:?} {dropped}");
                let all = take_all(&mut slow);
                let kept = all.iter().filter(|got| matches!(got, Got::Number(_))).count();
                assert_eq!(kept, 4, "{policy:?} {all:?}");
            } else {
                assert_eq!(asked, []);
                publish(&log, 5..100);
                assert_eq!(take_all(&mut slow), expected, "{policy:?}");
            }
            assert_eq!(slow.dropped(), 96, "{policy:?} {standing:?}");
            assert_eq!(log.numbers().dropped, 96);
            publish(&log, 100..103);
            assert_eq!(take_all(&mut slow), numbers(100..103), "it is back");
        }
    }
}

#[test]
fn bytes_count_as_messages_do() {
    for (policy, kept) in [(Policy::DropNewest, 0..3), (Policy::DropOldest, 7..10)] {
        let log = log(100, 10);
        let mut slow = log.subscribe(Standing::Fixed(policy)).unwrap();
        for number in 0..10 {
            log.publish(Note { number, weight: 3 }, Audience::All).unwrap();
        }
        let all = take_all(&mut slow);
        let found: Vec<_> = all.into_iter().filter(|got| matches!(got, Got::Number(_))).collect();
        assert_eq!(found, numbers(kept), "{policy:?}");
        let error = log.publish(Note { number: 10, weight: 11 }, Audience::All);
        assert!(error.is_err(), "{error:?}");
    }
}

#[test]
fn who_is_disconnected_gets_nothing_more_and_others_everything() {
    let log = log(4, ALL);
    let mut slow = log.subscribe(Standing::Fixed(Policy::Disconnect)).unwrap();
    let mut other = log.subscribe(Standing::Fixed(Policy::Disconnect)).unwrap();
    let mut all = Vec::new();
    for number in 0..10 {
        publish(&log, number..number + 1);
        all.extend(take_all(&mut other));
    }
    assert_eq!(all, numbers(0..10));
    assert_eq!(log.distribute(), [Slow::Ended(slow.id())]);
    assert_eq!(take(&mut slow, ALL).1, Took::End(End::Slow));
    let told = log.numbers();
    assert_eq!((told.disconnected, told.subscribers, told.window_messages), (1, 2, 0));
    drop((slow, other));
    assert_eq!(log.numbers().subscribers, 0);
}

/// A decision to disconnect holds for one that is not slow too, parked or not.
#[test]
fn anybody_can_be_disconnected() {
    let log = log(4, ALL);
    let mut parked = log.subscribe(Standing::Ask).unwrap();
    let (_, took, bell) = take(&mut parked, ALL);
    assert_eq!(took, Took::Nothing);
    log.decide(parked.id(), Policy::Disconnect);
    assert!(bell.rang());
    assert_eq!(take(&mut parked, ALL).1, Took::End(End::Slow));
}

#[test]
fn who_is_asked_about_is_asked_once_until_it_has_recovered() {
    let log = log(4, ALL);
    let mut slow = log.subscribe(Standing::Ask).unwrap();
    publish(&log, 0..50);
    assert_eq!(log.distribute(), [Slow::Undecided(slow.id())]);
    publish(&log, 50..100);
    assert_eq!(log.distribute(), []);
    let all = take_all(&mut slow);
    assert_eq!(all, [numbers(0..4), lost(4, 100)].concat(), "undecided as dropping the newest");
    publish(&log, 100..105);
    assert_eq!(log.distribute(), [Slow::Undecided(slow.id())]);
}

#[test]
fn a_closed_log_gives_what_waits_and_then_ends() {
    let log = log(4, ALL);
    let mut late = log.subscribe(Standing::Fixed(Policy::DropNewest)).unwrap();
    let mut parked = log.subscribe(Standing::Fixed(Policy::DropNewest)).unwrap();
    publish(&log, 0..2);
    take_all(&mut parked);
    let (_, took, bell) = take(&mut parked, ALL);
    assert_eq!(took, Took::Nothing);
    log.close();
    log.close();
    assert!(bell.rang() && log.is_closed());
    assert!(log.publish(Note::of(9), Audience::All).is_err());
    assert!(log.subscribe(Standing::Ask).is_none());
    assert_eq!(take(&mut parked, ALL).1, Took::End(End::Closed));
    assert_eq!(take(&mut late, 1).0, numbers(0..1));
    assert_eq!(take(&mut late, 1).0, numbers(1..2));
    assert_eq!(take(&mut late, 1).1, Took::End(End::Closed));
}

/// A message for one that has left reaches nobody who takes its place.
#[test]
fn a_message_is_for_those_who_are_meant() {
    let log = log(8, ALL);
    let mut mine = log.subscribe(Standing::Ask).unwrap();
    let gone = log.subscribe(Standing::Ask).unwrap();
    let audience = Audience::only([gone.id(), mine.id(), gone.id()]);
    drop(gone);
    let mut heir = log.subscribe(Standing::Ask).unwrap();
    let (_, _, bell) = take(&mut heir, ALL);
    log.publish(Note::of(0), audience).unwrap();
    log.distribute();
    assert!(!bell.rang());
    assert_eq!(take_all(&mut heir), []);
    assert_eq!(take_all(&mut mine), numbers([0]));
}
