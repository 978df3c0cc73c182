//! What an idle stream costs in memory. Alone in its process, because it looks at the process as a whole.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

use std::fs;

use headwater_core::ContentType;
use headwater_core::change::Birth;
use headwater_storage::testkit::{Rig, SoleMemory, committed, make};

const STREAMS: u64 = 100_000;

/// Most bytes that an idle stream may add besides its name.
const MOST: u64 = 350;

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    // The page size of every platform that the tests run on; a larger one would only make the test stricter.
    pages * 4_096
}

#[test]
fn an_idle_stream_costs_little() {
    let rig = Rig::open(&SoleMemory).unwrap();
    let name = |number: u64| format!("idle/{number:06}");
    let create = |numbers: std::ops::Range<u64>| {
        for first in numbers.step_by(1_000) {
            let units = (first..first + 1_000).map(|number| {
                // As requests bring it: a type of its own for each stream.
                let content_type = ContentType::parse("application/json").unwrap();
                let birth = Birth { content_type, ..make::birth() };
                make::unit([make::creation(&make::key(&name(number)).unwrap(), birth)])
            });
            for result in rig.commit(units.collect()).unwrap() {
                committed(result).unwrap();
            }
        }
    };
    // The first ones pay for what any use of the process costs.
    create(0..10_000);
    let before = resident();
    create(10_000..10_000 + STREAMS);
    let each = (resident() - before) / STREAMS;
    // A name is a shared string with two counters in front, rounded up by the allocator to 16.
    let of_name = (name(0).len() as u64 + 16 + 8).next_multiple_of(16);
    println!("an idle stream takes {} bytes besides {of_name} of its name", each - of_name);
    assert!(
        each <= MOST + of_name,
        "an idle stream takes {each} bytes, {of_name} of them its name"
    );
}
