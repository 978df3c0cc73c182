//! Many lives, and crashes at every moment of each. Parts of the whole, so that they run side by side.
//!
//! `HEADWATER_SOAK=1` looks at fifty times as many images, from another seed every time; `HEADWATER_SEED` repeats a run.

use std::time::{SystemTime, UNIX_EPOCH};

use super::counts::Counts;
use super::crash::{Extent, USUAL, live};

/// Different images that a part looks at. All parts together look at more than 20,000.
const IMAGES: usize = 2_600;

/// How many times as many a soak looks at: more than 1,000,000.
const SOAK: usize = 50;

/// How often the rarest thing is reached in each part.
const LEAST: u64 = 3;

/// Lives until enough different images were looked at.
fn look_at(part: u64, extent: Extent) {
    let soak = std::env::var("HEADWATER_SOAK").is_ok_and(|value| value == "1");
    let asked = std::env::var("HEADWATER_SEED").ok().and_then(|seed| seed.parse().ok());
    let since = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let random = soak.then(|| since().as_nanos() as u64);
    let seed: u64 = asked.or(random).unwrap_or(0) ^ part << 48;
    let images = if soak { IMAGES * SOAK } else { IMAGES };
    println!("from seed {seed}");
    let mut counts = Counts::default();
    for seed in seed.. {
        let enough = counts.images() >= images && counts.missed(LEAST).is_empty();
        if enough || counts.images() >= images * 4 {
            break;
        }
        live(seed, extent, &mut counts).unwrap();
    }
    println!("reached: {counts}");
    assert_eq!(counts.missed(LEAST), [], "fewer than {LEAST} times");
}

macro_rules! parts {
    ($($name:ident: $part:literal, $extent:expr;)*) => {
        $(#[test]
        fn $name() {
            look_at($part, $extent);
        })*
    };
}

parts! {
    part_1: 1, USUAL;
    part_2: 2, USUAL;
    part_3: 3, USUAL;
    part_4: 4, USUAL;
    part_5: 5, USUAL;
    part_6: 6, USUAL;
    long_lives: 7, Extent { rounds: 60, images: 2, ..USUAL };
    large_values: 8, Extent { longest: 70_000, ..USUAL };
}
