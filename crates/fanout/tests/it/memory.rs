//! What is kept: no more than somebody may still take.

use headwater_fanout::{Audience, Policy, Standing};

use crate::support::{ALL, Note, log, take, take_all};

#[test]
fn nothing_is_kept_for_nobody() {
    let log = log(1000, ALL);
    for number in 0..100 {
        log.publish(Note::of(number), Audience::All).unwrap();
    }
    assert_eq!(log.numbers().window_messages, 0);
}

#[test]
fn what_all_have_taken_is_let_go_of() {
    let log = log(1000, ALL);
    let mut one = log.subscribe(Standing::Ask).unwrap();
    let mut two = log.subscribe(Standing::Ask).unwrap();
    for number in 0..500 {
        log.publish(Note::of(number), Audience::All).unwrap();
    }
    take(&mut one, 400);
    assert_eq!(log.numbers().window_messages, 500);
    take_all(&mut two);
    assert!(log.numbers().window_messages <= 132, "{:?}", log.numbers());
    take_all(&mut one);
    assert_eq!(log.numbers().window_messages, 0);
}

/// A subscriber that never takes anything holds its own limit and nothing of what comes later.
#[test]
fn who_is_stuck_holds_its_limit_and_no_more() {
    for policy in [Policy::DropNewest, Policy::DropOldest, Policy::Wait, Policy::Disconnect] {
        let log = log(64, ALL);
        let stuck: Vec<_> =
            (0..10).map(|_| log.subscribe(Standing::Fixed(policy)).unwrap()).collect();
        for number in 0..100_000 {
            log.publish(Note::of(number), Audience::All).unwrap();
            assert!(log.numbers().window_messages <= 64 + 32, "{policy:?} {:?}", log.numbers());
        }
        let waiting = if policy == Policy::Disconnect { 0 } else { 64 };
        // The oldest are dropped when they are taken, or when as many again have come.
        let most = if policy == Policy::DropOldest { 2 * waiting } else { waiting };
        for one in &stuck {
            assert!((waiting..=most).contains(&one.depth().0), "{policy:?} {:?}", one.depth());
        }
    }
}
