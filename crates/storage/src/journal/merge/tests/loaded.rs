//! What merging comes to while there is load without end, over files that are only numbers.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use super::story::Dice;
use crate::journal::merge::pace::{Load, Rounds};
use crate::journal::merge::policy::{Limits, Stat, Totals};

const MIB: u64 = 1 << 20;
const LIMITS: Limits = Limits { files: 8, most: 256 * MIB };

/// Rounds of a simulated load.
const ROUNDS: u64 = 4_000;

/// A file: bytes of the rounds in it, and what of them is needed.
#[derive(Clone, Debug, Default)]
struct Kept {
    data: u64,
    live: VecDeque<(u64, u64)>,
}

impl Kept {
    fn stat(&self) -> Stat {
        let live = self.live.iter().map(|(_, bytes)| bytes).sum();
        Stat { data: self.data, live, rows: live / 20, as_of: 0, stuck: false }
    }
}

/// A merge that is being written.
struct Merge {
    window: Range<usize>,
    size: u64,
    begun: Rounds,
}

/// What a load came to.
#[derive(Debug, Default)]
struct Outcome {
    packed: u64,
    merged: u64,
    /// The most files at a time, beside the full ones.
    files: usize,
    /// The most bytes in files for each that was needed, once much was.
    space: f64,
}

/// Packs rounds of these sizes, each of which is needed until so many others came. Merging gets as far between two rounds as it may.
fn load(sizes: impl Iterator<Item = u64>, needed: u64) -> Outcome {
    let (mut files, mut rounds, now) = (Vec::<Kept>::new(), Rounds::default(), Instant::now());
    let (mut merge, mut outcome) = (None::<Merge>, Outcome::default());
    for (number, size) in (0..).zip(sizes) {
        files.push(Kept { data: size, live: VecDeque::from([(number, size)]) });
        outcome.packed += size;
        rounds.add(size, now);
        for file in &mut files {
            file.live.retain(|(round, _)| round + needed > number);
        }
        loop {
            if let Some(Merge { window, size, begun }) = merge.take() {
                if size > rounds.allow(&begun) {
                    merge = Some(Merge { window, size, begun });
                    break;
                }
                outcome.merged += size;
                let live: VecDeque<_> =
                    files[window.clone()].iter().flat_map(|file| file.live.clone()).collect();
                let data = live.iter().map(|(_, bytes)| bytes).sum();
                files.splice(window, [Kept { data, live }]);
            }
            let stats: Vec<_> = files.iter().map(Kept::stat).collect();
            let totals = Totals { rows: u64::MAX / 4, latest: 1, room: u64::MAX, load: Load::Busy };
            let Some(window) = LIMITS.choose(&stats, totals) else { break };
            let size = stats[window.clone()].iter().map(|stat| stat.live + stat.rows).sum();
            merge = Some(Merge { window, size, begun: rounds });
        }
        let stats = files.iter().map(Kept::stat);
        let small = stats.clone().filter(|stat| stat.live + stat.rows < LIMITS.most / 2);
        outcome.files = outcome.files.max(small.count());
        let live: u64 = stats.clone().map(|stat| stat.live).sum();
        if live > LIMITS.most {
            let data: u64 = stats.map(|stat| stat.data).sum();
            outcome.space = outcome.space.max(data as f64 / live as f64);
        }
    }
    outcome
}

#[test]
fn merging_keeps_up_with_load_and_writes_little_again() {
    let mut dice = Dice(5);
    type Shape = (&'static str, Box<dyn FnMut(u64) -> u64>, f64);
    let shapes: [Shape; 7] = [
        ("as fast as it can", Box::new(|_| 12 * MIB), 1.1),
        ("half as large", Box::new(|_| 6 * MIB), 1.2),
        ("a quarter", Box::new(|_| 3 * MIB), 2.0),
        ("small", Box::new(|_| 256 << 10), 4.0),
        ("tiny", Box::new(|_| 4 << 10), 4.0),
        ("of all sizes", Box::new(move |_| 1 << (12 + dice.below(13))), 2.0),
        ("a ruler", Box::new(|n| (4 << 10) << (2 * (n + 1).trailing_zeros().min(6))), 7.0),
    ];
    for (name, size, bound) in shapes {
        let outcome = load((0..ROUNDS).map(size), u64::MAX / 2);
        let again = outcome.merged as f64 / outcome.packed as f64;
        println!("{name}: {again:.2} bytes for each, {outcome:?}");
        assert!(again <= bound, "{name}: {again}");
        assert!(outcome.files <= 8 * LIMITS.files, "{name}: {} small files", outcome.files);
    }
}

#[test]
fn space_comes_back_while_there_is_load() {
    for (size, needed) in [(12 * MIB, 40), (12 * MIB, 200), (3 * MIB, 500), (MIB, 1000)] {
        let outcome = load((0..ROUNDS).map(|_| size), needed);
        println!("{size} bytes, needed for {needed} rounds: {outcome:?}");
        assert!(outcome.space < 1.5, "{size}, {needed}: {outcome:?}");
        assert!(outcome.files <= 8 * LIMITS.files, "{size}, {needed}: {outcome:?}");
    }
}
