//! The rules beside the records, for requests in flight, deleted names, sequences, lifetimes and
//! what a campaign must reach: each passes what is right and finds every fault that is planted.

use std::time::Duration;

use headwater_tests::wait::DEADLINE;

use super::checker::{
    Name, Observation, Violation, Window, check, check_name, check_repeat, check_window,
};
use super::deleted::{Deleted, part};
use super::history::History;
use super::line::Stopped;
use super::record::Found;
use super::setting::Setting;
use super::tally::Tally;

#[test]
fn only_what_was_sent_before_the_kill_counts_as_in_flight() {
    let killed_at = 100;
    let count =
        |stopped: &[Stopped]| stopped.iter().filter(|one| one.in_flight_at(killed_at)).count();
    let before = Stopped::Unanswered { began: 97, sent: Some(98) };
    let astride = Stopped::Unanswered { began: 99, sent: Some(101) };
    let after = Stopped::Unanswered { began: 101, sent: Some(102) };
    let refused = Stopped::Unanswered { began: 99, sent: None };
    assert_eq!(count(&[before, before]), 2);
    // Every client was between two requests, and found a dead connection with the next.
    assert_eq!(count(&[after; 8]), 0);
    assert_eq!(count(&[Stopped::NotSent, refused, astride, after]), 0);
    assert_eq!(count(&[after, before, Stopped::NotSent]), 1);
}

fn deleted(name: &str, source: Option<&str>) -> Deleted {
    Deleted { name: name.to_owned(), source: source.map(str::to_owned) }
}

#[test]
fn a_deleted_stream_is_held_for_as_long_as_a_fork_lives() {
    let chain = || vec![deleted("a", None), deleted("b", Some("a"))];
    assert_eq!(part(chain(), &["b"]), (chain(), vec![]));
    let (held, free) = part(chain(), &[]);
    assert_eq!((held, free.len()), (vec![], 2));
    // Another fork of `a` lives, none of `b` does.
    assert_eq!(part(chain(), &["a"]), (vec![deleted("a", None)], vec!["b".to_owned()]));
    assert_eq!(part(vec![deleted("c", None)], &["other"]), (vec![], vec!["c".to_owned()]));
}

#[test]
fn each_planted_fault_of_a_deleted_name_is_found() {
    let cases = [
        (Name::Held, 410, None),
        (Name::Held, 404, Some(Violation::ReleasedUnderForks)),
        (Name::Held, 200, Some(Violation::BackAgain { status: 200 })),
        (Name::Free, 404, None),
        (Name::Free, 410, Some(Violation::HeldWithoutForks)),
        (Name::Free, 200, Some(Violation::BackAgain { status: 200 })),
    ];
    for (expected, status, violation) in cases {
        assert_eq!(check_name(expected, status), violation, "{expected:?} {status}");
    }
}

#[test]
fn each_planted_fault_of_a_sequence_is_found() {
    let mut history = History::new("s".to_owned(), false, true, vec![1, 2, 3]);
    let there = || {
        let records = [(1, 100), (2, 200), (3, 300)].map(|(id, end)| Found { id, end });
        Observation::Present { records: Ok(records.to_vec()), closed: false, floor: 0 }
    };
    // Record 2 came without a sequence.
    history.sequences = [(1, 7), (3, 8)].into();
    assert_eq!(check(&history, &there()), []);
    assert_eq!(history.known_sequence(), Some(8));
    for again in [7, 6] {
        history.sequences = [(1, 7), (3, again)].into();
        assert_eq!(check(&history, &there()), [Violation::SequenceNotGrowing(3)]);
    }
    assert_eq!(check_repeat(409), None);
    for status in [200, 204, 500] {
        assert_eq!(check_repeat(status), Some(Violation::SequenceTakenAgain { status }));
    }
}

#[test]
fn each_planted_fault_of_a_lifetime_is_found() {
    let ttl = Duration::from_secs(2);
    let window = |since_use: Option<u64>, since_last_chance: Duration| {
        let since_use = since_use.map(Duration::from_millis);
        Window { ttl, since_use, since_last_chance }
    };
    let soon = Duration::from_millis(100);
    let long = ttl + DEADLINE + soon;
    let cases = [
        (window(Some(1_999), soon), true, None),
        (window(Some(1_999), soon), false, Some(Violation::EndedEarly)),
        (window(Some(2_000), soon), false, None),
        (window(Some(2_000), ttl + soon), true, None),
        (window(Some(90_000), long), true, Some(Violation::NeverEnds)),
        (window(None, long), true, Some(Violation::NeverEnds)),
        (window(None, soon), true, None),
        (window(None, soon), false, None),
    ];
    for (window, present, violation) in cases {
        assert_eq!(check_window(&window, present), violation, "{window:?}, present: {present}");
    }
}

#[test]
fn a_campaign_that_reached_nothing_of_a_kind_is_found() {
    let plenty = Tally {
        appends: 1_000,
        by_producers: 1_000,
        to_shared: 1_000,
        sequenced: 1_000,
        creates: 1_000,
        closes: 1_000,
        deletes: 1_000,
        forks: 1_000,
        held: 1_000,
        released: 1_000,
        ended: 1_000,
        interrupted: 30,
        in_flight: 240,
        retried_kept: 1_000,
        retried_lost: 1_000,
        repeated: 1_000,
        killed_starting: 1_000,
        truncations: 1_000,
        by_bytes: 1_000,
        by_age: 1_000,
        refused: 1_000,
        rounds: 0,
        merged: 0,
        taken_away: 0,
    };
    assert_eq!(plenty.missing(30), Vec::<String>::new());
    assert_eq!(Tally { interrupted: 24, ..plenty }.missing(30), Vec::<String>::new());
    let lacking = [
        Tally { interrupted: 23, ..plenty },
        Tally { in_flight: 0, ..plenty },
        Tally { retried_kept: 0, ..plenty },
        Tally { retried_lost: 0, ..plenty },
        Tally { killed_starting: 0, ..plenty },
        Tally { truncations: 0, ..plenty },
        Tally { by_bytes: 0, ..plenty },
        Tally { by_age: 0, ..plenty },
        Tally { refused: 0, ..plenty },
        Tally { repeated: 0, ..plenty },
        Tally { held: 0, ..plenty },
        Tally { released: 0, ..plenty },
        Tally { ended: 0, ..plenty },
        Tally { appends: 0, ..plenty },
        Tally { by_producers: 0, ..plenty },
        Tally { to_shared: 0, ..plenty },
        Tally { sequenced: 0, ..plenty },
        Tally { creates: 0, ..plenty },
        Tally { closes: 0, ..plenty },
        Tally { deletes: 0, ..plenty },
        Tally { forks: 0, ..plenty },
    ];
    for tally in lacking {
        assert_eq!(tally.missing(30).len(), 1, "{tally:?}");
    }
    assert_eq!(Tally::default().missing(30).len(), lacking.len());
    // Beside that, each setting wants what it is for.
    for (setting, lacks) in Setting::ALL.into_iter().zip([0, 2, 3]) {
        assert_eq!(setting.missing(plenty, 30).len(), lacks, "{setting:?}");
        let reached = Tally { rounds: 30, merged: 30, taken_away: 30, ..plenty };
        assert_eq!(setting.missing(reached, 30), Vec::<String>::new(), "{setting:?}");
    }
}
