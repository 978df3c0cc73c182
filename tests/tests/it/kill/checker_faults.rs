//! The checker finds nothing in what is right, and every fault that is planted.

use super::checker::{Observation, Violation, check};
use super::history::{Action, Cut, History, Op, Outcome};
use super::record::{self, Found, Id, Torn, parse_bytes, parse_json};

/// How long the records of these tests are.
const LENGTH: u64 = 100;

fn op(action: Action, began: u64, outcome: Outcome) -> Op {
    Op { action, began, outcome }
}

fn acked(at: u64, records_before: u64) -> Outcome {
    Outcome::Acked { at, position: Some((records_before + 1) * LENGTH) }
}

/// Records 1 and 2 settled; 3, 4 by one writer and 5 by another acknowledged; 6 unknown.
fn history() -> History {
    let mut history = History::new("s".to_owned(), false, true, vec![1, 2]);
    history.ops = vec![
        op(Action::Append(3), 10, acked(11, 2)),
        op(Action::Append(5), 12, acked(15, 3)),
        op(Action::Append(4), 13, acked(14, 4)),
        op(Action::Append(6), 16, Outcome::Unknown),
    ];
    history.seen = vec![vec![1, 2, 3], vec![1]];
    history
}

fn present(ids: &[Id], closed: bool) -> Observation {
    let ends = (1..).map(|count| count * LENGTH);
    let records = ids.iter().zip(ends).map(|(id, end)| Found { id: *id, end }).collect();
    Observation::Present { records: Ok(records), closed, floor: 0 }
}

#[test]
fn what_is_right_passes() {
    for ids in [&[1, 2, 3, 5, 4][..], &[1, 2, 3, 5, 4, 6]] {
        assert_eq!(check(&history(), &present(ids, false)), []);
    }
    let mut swapped = history();
    // Two appends that overlapped in time may stand in either order.
    swapped.ops[1].outcome = acked(15, 4);
    swapped.ops[2].outcome = acked(14, 3);
    assert_eq!(check(&swapped, &present(&[1, 2, 3, 4, 5], false)), []);
}

#[test]
fn each_planted_fault_of_records_is_found() {
    let cases: [(&[Id], Violation); 9] = [
        (&[1, 2, 3, 5], Violation::Lost(4)),
        (&[1, 2, 5, 4], Violation::Lost(3)),
        (&[1, 2, 3, 5, 4, 4], Violation::Doubled(4)),
        (&[1, 2, 3, 5, 4, 6, 6], Violation::Doubled(6)),
        (&[1, 2, 3, 5, 4, 2], Violation::Doubled(2)),
        (&[1, 2, 5, 3, 4], Violation::Reordered(3)),
        (&[1, 2, 3, 5, 4, 99], Violation::Invented(99)),
        (&[2, 1, 3, 5, 4], Violation::Rewritten { from: 0 }),
        (&[1], Violation::Rewritten { from: 1 }),
    ];
    for (ids, violation) in cases {
        let found = check(&history(), &present(ids, false));
        assert!(found.contains(&violation), "{ids:?}: {violation:?} not in {found:?}");
    }
}

/// The same, with so many records given up: known to be, or perhaps.
fn truncated(known: usize, perhaps: Option<usize>) -> History {
    let cut = |records| Cut { records, position: records as u64 * LENGTH };
    History { cut: Some(cut(known)), cutting: perhaps.map(cut), ..history() }
}

fn present_from(floor: u64, ids: &[Id]) -> Observation {
    let ends = (1..).map(|count| floor + count * LENGTH);
    let records = ids.iter().zip(ends).map(|(id, end)| Found { id: *id, end }).collect();
    Observation::Present { records: Ok(records), closed: false, floor }
}

#[test]
fn what_was_given_up_is_gone_and_nothing_else_is() {
    let right: [(History, u64, &[Id]); 4] = [
        (truncated(1, None), 100, &[2, 3, 5, 4]),
        (truncated(3, None), 300, &[5, 4, 6]),
        (truncated(1, Some(3)), 100, &[2, 3, 5, 4]),
        (truncated(1, Some(3)), 300, &[5, 4]),
    ];
    for (mut history, floor, ids) in right {
        history.seen.clear();
        assert_eq!(check(&history, &present_from(floor, ids)), [], "from {floor}");
    }
    let wrong: [(History, u64, &[Id], Violation); 5] = [
        (truncated(1, None), 0, &[1, 2, 3, 5, 4], Violation::BeginsElsewhere { at: 0 }),
        (truncated(1, Some(3)), 200, &[3, 5, 4], Violation::BeginsElsewhere { at: 200 }),
        (truncated(1, None), 100, &[1, 2, 3, 5, 4], Violation::Rewritten { from: 0 }),
        (truncated(3, None), 300, &[4], Violation::Lost(5)),
        (truncated(3, None), 300, &[5, 4, 3], Violation::Invented(3)),
    ];
    for (mut history, floor, ids, violation) in wrong {
        history.seen.clear();
        let found = check(&history, &present_from(floor, ids));
        assert!(found.contains(&violation), "{ids:?}: {violation:?} not in {found:?}");
    }
}

#[test]
fn a_position_that_was_told_wrongly_is_found() {
    let mut history = history();
    history.ops[0].outcome = acked(11, 3);
    let found = check(&history, &present(&[1, 2, 3, 5, 4], false));
    assert_eq!(found, [Violation::Misplaced { id: 3, told: 400, found: 300 }]);
}

#[test]
fn what_a_reader_was_given_must_stay() {
    let mut history = history();
    history.seen.push(vec![1, 2, 3, 5, 4, 6]);
    let found = check(&history, &present(&[1, 2, 3, 5, 4], false));
    assert_eq!(found, [Violation::ReadAndLost { from: 5 }]);
}

#[test]
fn a_torn_record_is_found_wherever_it_is_cut_or_changed() {
    let ids: [Id; 3] = [7, 8, 9];
    let bytes: Vec<u8> = ids.iter().flat_map(|id| record::text(*id, 40).into_bytes()).collect();
    let whole = parse_bytes(&bytes).expect("whole records");
    assert_eq!(whole.iter().map(|found| found.id).collect::<Vec<_>>(), ids);
    assert_eq!(whole[2].end, bytes.len() as u64);
    for cut in 1..bytes.len() {
        let boundary = cut % (bytes.len() / 3) == 0;
        assert_eq!(parse_bytes(&bytes[..cut]).is_ok(), boundary, "cut at {cut}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let found = parse_bytes(&changed);
        let same = found.is_ok_and(|found| found == whole);
        assert!(!same, "byte {at} changed unnoticed");
    }
    let observation =
        Observation::Present { records: Err(Torn { at: 5 }), closed: false, floor: 0 };
    assert_eq!(check(&history(), &observation), [Violation::Torn(Torn { at: 5 })]);
}

#[test]
fn json_records_are_found_over_pages() {
    let page = |ids: &[Id]| {
        let texts: Vec<String> = ids.iter().map(|id| record::text(*id, 5)).collect();
        serde_json::to_vec(&texts).unwrap()
    };
    let found = parse_json(&[page(&[1, 2]), page(&[3])]).expect("whole records");
    let ends: Vec<u64> = found.iter().map(|found| found.end).collect();
    assert_eq!(ends, [34, 68, 102]);
    assert_eq!(parse_json(&[b"[\"half".to_vec()]), Err(Torn { at: 0 }));
    let joined = format!("[\"{}{}\"]", record::text(1, 5), record::text(2, 5));
    assert_eq!(parse_json(&[joined.into_bytes()]), Err(Torn { at: 0 }));
}

/// A history whose last operation closes, and what may and may not be found after it.
#[test]
fn each_planted_fault_of_closing_is_found() {
    let with = |action, outcome| {
        let mut history = History::new("s".to_owned(), false, true, vec![1]);
        history.ops = vec![op(action, 10, outcome)];
        history
    };
    let closed = with(Action::Close, Outcome::Acked { at: 11, position: None });
    assert_eq!(check(&closed, &present(&[1], true)), []);
    assert_eq!(check(&closed, &present(&[1], false)), [Violation::ClosedIsOpen]);

    let maybe = with(Action::Close, Outcome::Unknown);
    assert_eq!(check(&maybe, &present(&[1], true)), []);
    assert_eq!(check(&maybe, &present(&[1], false)), []);

    let ended = with(Action::AppendAndClose(2), acked(11, 1));
    assert_eq!(check(&ended, &present(&[1, 2], true)), []);
    let found = check(&ended, &present(&[1, 2], false));
    assert!(found.contains(&Violation::HalfClosed(2)), "{found:?}");
    let found = check(&ended, &present(&[1], true));
    assert!(found.contains(&Violation::Lost(2)), "{found:?}");

    let maybe_ended = with(Action::AppendAndClose(2), Outcome::Unknown);
    assert_eq!(check(&maybe_ended, &present(&[1, 2], true)), []);
    assert_eq!(check(&maybe_ended, &present(&[1], false)), []);
    assert_eq!(check(&maybe_ended, &present(&[1, 2], false)), [Violation::HalfClosed(2)]);
    assert_eq!(check(&maybe_ended, &present(&[1], true)), [Violation::HalfClosed(2)]);

    let open = History::new("s".to_owned(), false, true, vec![1]);
    assert_eq!(check(&open, &present(&[1], true)), [Violation::OpenIsClosed]);

    let mut settled = History::new("s".to_owned(), false, true, vec![1]);
    settled.settled_closed = true;
    assert_eq!(check(&settled, &present(&[1], false)), [Violation::ClosedIsOpen]);
    settled.ops = vec![op(Action::Append(2), 10, Outcome::Unknown)];
    let found = check(&settled, &present(&[1, 2], true));
    assert_eq!(found, [Violation::AppendedAfterClose(2)]);
}

#[test]
fn each_planted_fault_of_existence_is_found() {
    let mut history = history();
    assert_eq!(check(&history, &Observation::Absent), [Violation::StreamLost]);
    history.ops.push(op(Action::Delete, 20, Outcome::Unknown));
    assert_eq!(check(&history, &Observation::Absent), []);
    assert_eq!(check(&history, &present(&[1, 2, 3, 5, 4], false)), []);
    history.ops.push(op(Action::Delete, 21, Outcome::Acked { at: 22, position: None }));
    assert_eq!(check(&history, &Observation::Absent), []);
    let found = check(&history, &present(&[1, 2, 3, 5, 4], false));
    assert_eq!(found, [Violation::StreamBackAfterDelete]);

    let unknown = History::new("s".to_owned(), false, false, vec![]);
    assert_eq!(check(&unknown, &Observation::Absent), []);
    assert_eq!(check(&unknown, &present(&[], false)), []);
    // A fork whose creation is unknown is there with all it inherits, or not at all.
    let fork = History::new("s".to_owned(), false, false, vec![1, 2]);
    assert_eq!(check(&fork, &present(&[1, 2], false)), []);
    assert_eq!(check(&fork, &present(&[1], false)), [Violation::Rewritten { from: 1 }]);
}

#[test]
fn a_retried_append_that_was_there_already_is_no_fault() {
    let mut history = history();
    history.settle(&[Found { id: 1, end: 100 }, Found { id: 2, end: 200 }], false, 0);
    history.ops = vec![op(Action::Append(2), 30, Outcome::Acked { at: 31, position: None })];
    assert_eq!(check(&history, &present(&[1, 2], false)), []);
    assert_eq!(check(&history, &present(&[1, 2, 2], false)).first(), Some(&Violation::Doubled(2)));
}
