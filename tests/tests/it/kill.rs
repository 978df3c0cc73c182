//! Kill test: a real process under load, killed at random moments, and everything it had promised
//! looked up afterwards.
//!
//! [`record`] makes records that can be recognised and checked by themselves, [`history`] is what
//! clients did and were told, [`checker`] holds an observation against a history, [`worker`] is a
//! client that keeps the server busy, [`observe`] reads back what is there, [`cycle`] runs them.

mod checker;
mod checker_faults;
mod cycle;
mod history;
mod observe;
mod own_streams;
mod record;
mod worker;

use rand::{RngExt as _, SeedableRng as _};

use self::cycle::Campaign;

/// How often the process is killed in an ordinary run.
const CYCLES: usize = 30;

/// How often it is killed when `HEADWATER_SOAK=1` asks for the full count.
const SOAK_CYCLES: usize = 300;

#[test]
fn everything_promised_before_a_kill_holds_after_it() {
    let soak = std::env::var_os("HEADWATER_SOAK").is_some_and(|value| value == "1");
    let cycles = if soak { SOAK_CYCLES } else { CYCLES };
    let seed = match std::env::var("HEADWATER_SEED") {
        Ok(seed) => seed.parse().expect("HEADWATER_SEED is a number"),
        Err(_) => rand::random(),
    };
    eprintln!("kill test: {cycles} cycles, HEADWATER_SEED={seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut campaign = Campaign::new(random.random());
    for cycle in 0..cycles {
        let violations = campaign.run(cycle);
        assert!(
            violations.is_empty(),
            "cycle {cycle} of HEADWATER_SEED={seed}:\n{}",
            violations.join("\n")
        );
    }
    let tally = campaign.tally();
    let percent = tally.interrupted * 100 / cycles;
    eprintln!("reached: {cycles} kill cycles, {percent} % with requests in flight; {tally:?}");
    assert!(
        tally.interrupted * 10 >= cycles * 8,
        "requests were in flight in only {} of {cycles} kills",
        tally.interrupted
    );
    // A load that never reaches a kind of operation proves nothing about it.
    for (what, count) in tally.reached() {
        assert!(count >= cycles, "only {count} times: {what}; {tally:?}");
    }
}
