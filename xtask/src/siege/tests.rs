//! A verdict sees what it should.

use std::time::Duration;

use super::attack::{Count, Kind};
use super::client::Seen;
use super::creates::Creates;
use super::report::{Compared, Report, Rule};
use super::stage::{Attack, Measured, Situation};
use super::vitals::Vitals;
use crate::bench::stats::Quantiles;

const MEDIAN: Rule = Rule { compared: Compared::Median, tolerated: Duration::ZERO };

fn quantiles(p99: u64) -> Quantiles {
    Quantiles { p50: p99 / 2, p99, max: 2 * p99 }
}

fn measured(append: u64, read: u64, held: u64) -> Measured {
    let count = |bytes| Count { held, made: held, cut: 0, answered: held, bytes };
    let attack =
        |kind| Attack { kind, wanted: 100, from: count(0), to: count(10 * held), cores: 0.1 };
    Measured {
        seen: Seen { append: quantiles(append), read: quantiles(read), requests: 1000, refused: 0 },
        attacks: vec![attack(Kind::Slow), attack(Kind::Deaf)],
        server: Vitals { peak: 1 << 20, threads: 7, descriptors: 99 },
        cores: 0.5,
        seconds: 10.0,
    }
}

impl Report {
    fn add_all(&mut self, rounds: &[(Measured, Measured)]) {
        for (alone, besieged) in rounds {
            self.add(Situation::Undisturbed, Measured { attacks: Vec::new(), ..alone.clone() });
            self.add(Situation::Both, besieged.clone());
        }
        self.creates = Some(Creates { rounds: vec![0.020, 0.030, 0.040] });
    }
}

fn report(rounds: &[(Measured, Measured)]) -> Report {
    let mut report = Report::of(100, "memory", MEDIAN);
    report.add_all(rounds);
    report
}

#[test]
fn what_is_reached_passes() {
    // The machine was twice as slow in the second round: the ratio does not see it.
    let fine = report(&[
        (measured(100, 100, 100), measured(190, 150, 100)),
        (measured(200, 200, 100), measured(390, 300, 95)),
    ]);
    assert_eq!((fine.faults(), fine.missed()), (vec![], vec![]));
    let text = fine.to_string();
    assert!(
        text.contains("| both |") && text.contains("1.92") && text.contains("30.0 ms"),
        "{text}"
    );
}

#[test]
fn the_short_run_compares_the_quietest_rounds() {
    let rounds = [
        (measured(100, 100, 100), measured(900, 900, 100)),
        (measured(500, 500, 100), measured(150, 201, 100)),
    ];
    let of = |tolerated| {
        let tolerated = Duration::from_nanos(tolerated);
        let rule = Rule { compared: Compared::Lowest, tolerated };
        let mut short = Report::of(100, "memory", rule);
        short.add_all(&rounds);
        short.missed()
    };
    assert_eq!(of(0), ["both: the p99 of reads is 2.01 times as long"]);
    assert_eq!((of(200).len(), of(201).len()), (1, 0));
}

#[test]
fn what_is_missed_is_named() {
    let slow = report(&[(measured(100, 100, 100), measured(100, 201, 100))]);
    assert_eq!(slow.missed(), ["both: the p99 of reads is 2.01 times as long"]);
    let mut late = report(&[(measured(100, 100, 100), measured(100, 100, 100))]);
    late.creates = Some(Creates { rounds: vec![0.051] });
    assert_eq!(late.missed(), ["300 creates took 51.0 ms"]);
    late.creates = None;
    assert_eq!(late.missed().len(), 1);
    assert!(
        Report::of(100, "memory", MEDIAN).missed().len() >= 2,
        "nothing measured is nothing reached"
    );
}

#[test]
fn a_siege_without_attackers_or_with_refusals_is_a_fault() {
    let absent = report(&[(measured(100, 100, 100), measured(100, 100, 80))]);
    assert_eq!(absent.faults().len(), 2, "{:?}", absent.faults());
    let mut besieged = measured(100, 100, 100);
    besieged.seen.refused = 1;
    let refused = report(&[(measured(100, 100, 100), besieged)]);
    assert_eq!(refused.faults(), ["both: 1 of 1000 requests refused"]);
}
