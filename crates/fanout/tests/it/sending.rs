//! Publishers that wait for room, and those for whom they wait.

use headwater_fanout::{Audience, Policy, SendError, Slow, Standing};

use crate::support::{ALL, Note, log, numbers, take, take_all, with_context};

#[test]
fn a_sender_waits_until_half_is_taken_and_nothing_is_lost() {
    let log = log(8, ALL);
    let mut patient = log.subscribe(Standing::Fixed(Policy::Wait)).unwrap();
    let mut other = log.subscribe(Standing::Fixed(Policy::DropOldest)).unwrap();
    let send = |number| with_context(|cx| log.try_send(cx, Note::of(number), Audience::All));
    for number in 0..8 {
        assert_eq!(send(number).0, Ok(number));
    }
    let (refused, woken) = send(8);
    assert_eq!(refused, Err(SendError::Full(Note::of(8))));
    assert_eq!(log.hindering(), [patient.id()]);
    assert_eq!(take(&mut patient, 3).0, numbers(0..3));
    assert_eq!(woken.count(), 0, "not for each message");
    assert_eq!(take(&mut patient, 1).0, numbers(3..4));
    assert_eq!(woken.count(), 1);
    for number in 8..12 {
        assert_eq!(send(number).0, Ok(number));
    }
    assert!(send(12).0.is_err());
    assert_eq!(take_all(&mut patient), numbers(4..12));
    assert_eq!(take_all(&mut other).len(), 9, "a gap and the newest eight");
    assert_eq!((patient.dropped(), other.dropped()), (0, 4));
}

/// Whatever takes away the one who hinders lets the sender go on.
#[test]
fn a_sender_does_not_wait_for_who_is_gone_or_decided_about() {
    for end in ["leaves", "is disconnected", "drops", "the log is closed"] {
        let log = log(2, ALL);
        let hinders = log.subscribe(Standing::Ask).unwrap();
        let send = || with_context(|cx| log.try_send(cx, Note::of(0), Audience::All));
        assert!(send().0.is_ok() && send().0.is_ok());
        let (refused, woken) = send();
        assert!(matches!(refused, Err(SendError::Full(_))));
        assert_eq!(log.distribute(), [Slow::Undecided(hinders.id())], "it is asked about");
        let mut kept = Some(hinders);
        match end {
            "leaves" => kept = None,
            "is disconnected" => log.decide(kept.as_ref().unwrap().id(), Policy::Disconnect),
            "drops" => log.decide(kept.as_ref().unwrap().id(), Policy::DropNewest),
            _ => log.close(),
        }
        assert_eq!(woken.count(), 1, "{end}");
        assert_eq!(send().0.is_ok(), end != "the log is closed", "{end}");
        drop(kept);
    }
}

/// Those who are parked and have not been told yet are waited for as well: they would be left behind.
#[test]
fn a_sender_waits_for_those_who_are_not_told_yet() {
    let log = log(4, ALL);
    let mut parked = log.subscribe(Standing::Fixed(Policy::Wait)).unwrap();
    let (_, _, bell) = take(&mut parked, ALL);
    let mut sent = 0;
    while with_context(|cx| log.try_send(cx, Note::of(sent), Audience::All)).0.is_ok() {
        sent += 1;
        assert!(sent <= 4);
    }
    // It was told before there were too many, though nobody distributes here.
    assert!(bell.rang());
    assert_eq!(take_all(&mut parked), numbers(0..sent));
    assert_eq!(parked.dropped(), 0);
}
