//! What is chosen, and what it costs, over files that are only numbers.

use super::story::Dice;
use crate::journal::merge::pace::Load;
use crate::journal::merge::policy::{Limits, Stat, Totals};

const MIB: u64 = 1 << 20;
const LIMITS: Limits = Limits { files: 8, most: 256 * MIB };

fn file(live: u64, rows: u64) -> Stat {
    Stat { data: live, live, rows, as_of: 0, stuck: false }
}

const PLENTY: Totals = Totals { rows: u64::MAX / 4, latest: 1, room: u64::MAX, load: Load::Quiet };

#[test]
fn what_is_worth_it_is_chosen() {
    let small = file(MIB, 1000);
    type Case = (&'static str, Vec<Stat>, Option<std::ops::Range<usize>>);
    let cases: [Case; 9] = [
        ("nothing", vec![], None),
        ("too few", vec![small; 7], None),
        ("enough", vec![small; 8], Some(0..8)),
        ("behind a large one", [vec![file(60 * MIB, 0)], vec![small; 8]].concat(), Some(1..9)),
        ("full ones are left alone", vec![file(200 * MIB, 0); 20], None),
        ("two that fill one", vec![file(100 * MIB, 0), file(90 * MIB, 0)], Some(0..2)),
        (
            "a full one between",
            [vec![small; 7], vec![file(130 * MIB, 0)], vec![small; 7]].concat(),
            None,
        ),
        (
            "mostly dead",
            vec![small, Stat { data: 200 * MIB, ..file(99 * MIB, 0) }, small],
            Some(1..2),
        ),
        (
            "mostly dead, but damaged",
            vec![Stat { data: 200 * MIB, stuck: true, ..file(99 * MIB, 0) }],
            None,
        ),
    ];
    for (name, files, expected) in cases {
        assert_eq!(LIMITS.choose(&files, PLENTY), expected, "{name}");
    }
    let off = Limits { files: 0, ..LIMITS };
    assert_eq!(off.choose(&[small; 100], PLENTY), None);
    let full = Totals { room: 3 * MIB, ..PLENTY };
    assert_eq!(LIMITS.choose(&[small; 100], full), None, "there is no room");
}

/// On a full disk a stream had been deleted, of which a quarter of a file was. Its room never came back, and appends were refused for good.
#[test]
fn while_room_is_scarce_what_is_dead_is_worth_more() {
    let quarter = Stat { data: 8 * MIB, ..file(6 * MIB, 1000) };
    let little = Stat { data: 8 * MIB, ..file(8 * MIB - 1000, 1000) };
    let scarce = Totals { room: 8 * MIB, ..PLENTY };
    assert_eq!(LIMITS.choose(&[quarter, little], scarce), Some(0..1));
    assert_eq!(LIMITS.choose(&[little], scarce), None, "too little comes back");
    assert_eq!(LIMITS.choose(&[quarter, little], PLENTY), None, "there is room for it");
    let too_scarce = Totals { room: 5 * MIB, ..PLENTY };
    assert_eq!(LIMITS.choose(&[quarter, little], too_scarce), None, "there is none for it");
}

#[test]
fn rows_that_are_outdated_are_written_anew_where_they_were_longest() {
    let rows = |as_of| Stat { as_of, ..file(1000, 40 * MIB) };
    let totals = Totals { rows: 40 * MIB, latest: 9, room: u64::MAX, load: Load::Quiet };
    let full = [rows(3), rows(2), Stat { as_of: 5, ..file(1000, 20 * MIB) }, rows(9)];
    // There was no round since the last one.
    assert_eq!(LIMITS.choose(&full, totals), Some(1..3));
    let only_new = [rows(9), rows(9), rows(9), rows(9)];
    assert_eq!(LIMITS.choose(&only_new, totals), None, "there was no round since");
    let few = Totals { rows: 80 * MIB, ..totals };
    assert_eq!(LIMITS.choose(&full, few), None, "they are not outdated");
}

#[test]
fn under_load_only_what_is_due_is_chosen() {
    let small = file(MIB, 1000);
    let dead = Stat { data: 200 * MIB, ..file(99 * MIB, 0) };
    type Case = (&'static str, Vec<Stat>, Option<std::ops::Range<usize>>);
    let cases: [Case; 4] = [
        ("enough when it is quiet", vec![small; 23], None),
        ("many", vec![small; 24], Some(0..24)),
        ("a full one comes of it", vec![file(12 * MIB, MIB); 10], Some(0..10)),
        ("mostly dead", vec![small, dead, small], Some(1..2)),
    ];
    let busy = Totals { load: Load::Busy, ..PLENTY };
    for (name, files, expected) in cases {
        assert_eq!(LIMITS.choose(&files, busy), expected, "{name}");
        assert!(LIMITS.choose(&files, PLENTY).is_some(), "{name}: when it is quiet");
    }
    let rows = [Stat { rows: 50 * MIB, ..file(1000, 0) }; 2];
    let outdated = Totals { rows: 40 * MIB, latest: 9, ..PLENTY };
    assert_eq!(LIMITS.choose(&rows, outdated), Some(0..1));
    assert_eq!(LIMITS.choose(&rows, Totals { load: Load::Busy, ..outdated }), None, "later");
}

/// Packs at these sizes, merging all that is chosen; returns bytes written by merges for each that was packed, and the most files.
fn simulate(sizes: impl Iterator<Item = u64>) -> (f64, usize, usize) {
    let (mut files, mut packed, mut merged, mut most) = (Vec::<Stat>::new(), 0, 0, 0);
    for size in sizes {
        files.push(file(size, size / 20));
        packed += size;
        while let Some(window) = LIMITS.choose(&files, PLENTY) {
            let sum = |of: fn(&Stat) -> u64| files[window.clone()].iter().map(of).sum::<u64>();
            let whole = file(sum(|stat| stat.live), sum(|stat| stat.rows));
            merged += whole.live + whole.rows;
            files.splice(window, [whole]);
        }
        most = most.max(files.len());
    }
    let full = files.iter().filter(|stat| stat.live + stat.rows >= LIMITS.most / 2).count();
    assert!(files.len() <= 4 * LIMITS.files * (full + 1), "{} files, {full} full", files.len());
    (merged as f64 / packed as f64, most, full)
}

#[test]
fn what_is_written_again_is_bounded_and_so_are_files() {
    let mut dice = Dice(9);
    type Shape = (&'static str, Box<dyn FnMut(u64) -> u64>, f64);
    let shapes: [Shape; 5] = [
        ("as fast as it can", Box::new(|_| 12 * MIB), 2.0),
        ("small", Box::new(|_| 256 << 10), 4.0),
        ("tiny", Box::new(|_| 4 << 10), 4.0),
        ("of all sizes", Box::new(move |_| 1 << (12 + dice.below(13))), 3.0),
        ("a ruler", Box::new(|n| (4 << 10) << (2 * (n + 1).trailing_zeros().min(6))), 7.0),
    ];
    for (name, size, bound) in shapes {
        let (again, files, full) = simulate((0..4_000).map(size));
        println!("{name}: {again:.2} bytes for each, at most {files} files, {full} full");
        assert!(again <= bound, "{name}: {again}");
    }
}
