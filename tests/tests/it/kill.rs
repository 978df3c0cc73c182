//! Kill test: a real process under load, killed at random moments, and everything it had promised
//! looked up afterwards.
//!
//! [`record`] makes records that can be recognised and checked by themselves, [`history`] is what
//! clients did and were told, [`deleted`] which names must be held back, [`checker`] holds an
//! observation against all that, [`worker`] is a client that keeps the server busy over its
//! [`line`], [`short_lived`] and [`retained`] are streams that end, or give up their beginnings, by
//! themselves, the latter held against their [`policy`], [`observe`] and [`look`] read back what is
//! there, [`retry`] asks again, [`cycle`] runs them, [`setting`] says what is killed, and [`tally`] whether that proves anything.

mod checker;
mod checker_faults;
mod cycle;
mod deleted;
mod history;
mod line;
mod look;
mod observe;
mod own_streams;
mod policy;
mod policy_faults;
mod record;
mod retained;
mod retry;
mod rule_faults;
mod setting;
mod short_lived;
mod tally;
mod worker;

use std::thread;

use rand::{RngExt as _, SeedableRng as _};

use self::cycle::Campaign;
use self::setting::Setting;

/// How often the process is killed in an ordinary run.
const CYCLES: usize = 30;

/// How often it is killed when `HEADWATER_SOAK=1` asks for the full count.
const SOAK_CYCLES: usize = 1_000;

/// How many times as many cycles a slow machine gets to reach what is demanded of them.
const PATIENCE: usize = 3;

#[test]
fn everything_promised_before_a_kill_holds_after_it() {
    let soak = std::env::var_os("HEADWATER_SOAK").is_some_and(|value| value == "1");
    let cycles = if soak { SOAK_CYCLES } else { CYCLES };
    let seed = match std::env::var("HEADWATER_SEED") {
        Ok(seed) => seed.parse().expect("HEADWATER_SEED is a number"),
        Err(_) => rand::random(),
    };
    eprintln!("kill test: {cycles} cycles each, HEADWATER_SEED={seed}");
    // Side by side, because most of the time of each goes by in waiting.
    let failed: Vec<Setting> = thread::scope(|scope| {
        let running =
            Setting::ALL.map(|setting| (setting, scope.spawn(move || run(setting, cycles, seed))));
        let ended = running.map(|(setting, campaign)| (setting, campaign.join().is_ok()));
        ended.into_iter().filter(|(_, passed)| !passed).map(|(setting, _)| setting).collect()
    });
    assert!(failed.is_empty(), "failed on {failed:?}, HEADWATER_SEED={seed}");
}

fn run(setting: Setting, cycles: usize, seed: u64) {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut campaign = Campaign::new(setting, random.random());
    // A machine with much else to do reaches less in a cycle, so it gets more of them.
    let mut kills = 0;
    while kills < cycles || kills < cycles * PATIENCE && !campaign.missing(cycles).is_empty() {
        let cycle = kills;
        kills += 1;
        let wrong = campaign.run(cycle);
        require_none(wrong, &format!("{setting:?}, cycle {cycle} of HEADWATER_SEED={seed}"));
    }
    let wrong = campaign.finish();
    require_none(wrong, &format!("{setting:?}, the last look of HEADWATER_SEED={seed}"));
    let tally = campaign.tally();
    let percent = tally.interrupted * 100 / kills;
    eprintln!(
        "reached: {setting:?}: {kills} kill cycles, {percent} % with requests in flight; {tally:?}"
    );
    assert!(percent >= 80, "{setting:?}: too few of {kills} kills hit a request, {tally:?}");
    // A load that never reaches a kind of operation proves nothing about it.
    let missing = campaign.missing(cycles);
    require_none(missing, &format!("{setting:?}: too little was reached, {tally:?}"));
}

#[track_caller]
fn require_none(wrong: Vec<String>, when: &str) {
    assert!(wrong.is_empty(), "{when}:\n{}", wrong.join("\n"));
}
