//! The rules of streams with a policy find nothing in what is right, and every fault that is planted.

use std::time::{Duration, Instant};

use headwater_tests::offset::Offset;

use super::checker::{Observation, Violation};
use super::policy::{Policy, Retained, Sent};
use super::record::{Found, Id, Torn};

/// How long the records of these tests are.
const LENGTH: u64 = 100;

fn offset(position: u64) -> Offset {
    Offset::new(1, position)
}

/// Records 1 to 5 acknowledged, each sent a second after the one before, the first one nine seconds before `now`; 6 unknown.
fn stream(policy: Policy, now: Instant) -> Retained {
    let mut stream = Retained::new("s".to_owned(), false, true, policy);
    stream.sent = (1..=6)
        .map(|id| {
            let told = (id < 6).then(|| offset(id * LENGTH));
            let at = now - Duration::from_secs(10 - id);
            Sent { id, end: id * LENGTH, there: told.is_some(), told, at }
        })
        .collect();
    stream
}

fn present(floor: u64, ids: &[Id]) -> Observation {
    let ends = (1..).map(|count| floor + count * LENGTH);
    let records = ids.iter().zip(ends).map(|(id, end)| Found { id: *id, end }).collect();
    Observation::Present { records: Ok(records), closed: false, floor }
}

const BYTES: Policy = Policy { bytes: Some(300), seconds: None };
const SECONDS: Policy = Policy { bytes: None, seconds: Some(7) };
const BOTH: Policy = Policy { bytes: Some(300), seconds: Some(7) };

#[test]
fn what_a_policy_leaves_passes() {
    let now = Instant::now();
    let right: [(Policy, u64, &[Id]); 8] = [
        (BYTES, 0, &[1, 2, 3, 4, 5]),
        (BYTES, 0, &[1, 2, 3, 4, 5, 6]),
        (BYTES, 200, &[3, 4, 5]),
        (BYTES, 300, &[4, 5, 6]),
        (SECONDS, 100, &[2, 3, 4, 5]),
        (SECONDS, 300, &[4, 5, 6]),
        (BOTH, 300, &[4, 5, 6]),
        (Policy { bytes: Some(50), ..BOTH }, 500, &[6]),
    ];
    for (policy, floor, ids) in right {
        assert_eq!(stream(policy, now).check(&present(floor, ids), now), [], "{policy:?} {ids:?}");
    }
}

#[test]
fn each_planted_fault_of_a_policy_is_found() {
    let now = Instant::now();
    let early = |at| Violation::GivenUpEarly { at };
    let wrong: [(Policy, u64, &[Id], Violation); 13] = [
        // A record too much, of each policy and of both; also where the last one that was sent never came.
        (BYTES, 300, &[4, 5], early(300)),
        (BYTES, 400, &[5, 6], early(400)),
        (SECONDS, 400, &[5, 6], early(400)),
        (BOTH, 400, &[5, 6], early(400)),
        (Policy::default(), 100, &[2, 3, 4, 5], early(100)),
        // A part of a record.
        (BYTES, 150, &[2, 3, 4, 5], Violation::BeginsElsewhere { at: 150 }),
        // What it keeps has a hole, or is not all there, or is in another order, or doubled.
        (BYTES, 200, &[3, 5], Violation::Lost(4)),
        (BYTES, 200, &[4, 5], Violation::Lost(3)),
        (BYTES, 200, &[3, 4], Violation::Lost(5)),
        (BYTES, 200, &[4, 3, 5], Violation::Reordered(3)),
        (BYTES, 200, &[3, 4, 5, 5], Violation::Doubled(5)),
        // What was given up is there, or what nobody wrote.
        (BYTES, 200, &[3, 4, 5, 2], Violation::Invented(2)),
        (BYTES, 200, &[3, 4, 5, 9], Violation::Invented(9)),
    ];
    for (policy, floor, ids, violation) in wrong {
        let found = stream(policy, now).check(&present(floor, ids), now);
        assert!(found.contains(&violation), "{ids:?}: {violation:?} not in {found:?}");
    }
    let stream = stream(BYTES, now);
    assert_eq!(stream.check(&Observation::Absent, now), [Violation::StreamLost]);
    let torn = Torn { at: 5 };
    let found = Observation::Present { records: Err(torn.clone()), closed: false, floor: 0 };
    assert_eq!(stream.check(&found, now), [Violation::Torn(torn)]);
}

#[test]
fn a_beginning_that_comes_back_and_one_that_stays_are_found() {
    let now = Instant::now();
    let mut stream = stream(BYTES, now);
    assert!(stream.begins_at(200) && !stream.begins_at(200));
    assert_eq!(stream.below, Some(offset(100)));
    assert_eq!(stream.check(&present(200, &[3, 4, 5]), now), []);
    for floor in [0, 100] {
        let found = stream.check(&present(floor, &[1, 2, 3, 4, 5]), now);
        assert_eq!(found, [Violation::BeginningCameBack { at: floor }]);
    }
    // What is not there was not committed, and is forgotten.
    stream.settle(&present(200, &[3, 4, 5]));
    assert_eq!(stream.tail(), 500);
    assert!(!stream.has_too_much(200) && stream.has_too_much(100));
    let aged = Retained { policy: SECONDS, ..stream };
    assert!(aged.has_too_much(400) && !aged.has_too_much(500));
}
