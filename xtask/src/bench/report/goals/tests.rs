use super::super::tests::{entry, report};
use super::*;

/// A row of appends with the first server at 1000 appends of 20 us, and another one.
fn goals(title: &str, first: &str, other: &str, count: u64, nanos: f64) -> Option<String> {
    let first = entry(first, &[1000, 1000, 1000], 20_000.0);
    let mut report = report(vec![first, entry(other, &[count; 3], nanos)]);
    report.rows[0].title = title.to_owned();
    report.goals()
}

fn verdicts(table: &str) -> Vec<&str> {
    let lines = table.lines().skip(2);
    lines.map(|line| line.split(" | ").nth(6).unwrap()).collect()
}

const CROWD: &str = "append 100 B, 256 connections";
const SIXTEEN: &str = "append 100 B, 16 connections";

#[test]
fn a_goal_is_reached_equal_or_missed() {
    for (count, nanos, expected) in [
        (500, 40_000.0, ["reached", "reached"]),
        // 1.10 of 1.15, and 0.87 of 0.8.
        (909, 23_000.0, ["equal", "equal"]),
        (1000, 20_000.0, ["**missed**", "**missed**"]),
    ] {
        let table = goals(SIXTEEN, "headwater-journal", "dsr", count, nanos).unwrap();
        assert_eq!(verdicts(&table), expected, "{table}");
    }
}

#[test]
fn one_of_several_is_enough() {
    // The processor time of the null server is never reached, but dsr's is.
    let first = entry("headwater-journal", &[1000], 20_000.0);
    let dsr = entry("dsr", &[900], 30_000.0);
    let mut report = report(vec![first, dsr, entry("null", &[5000], 2_000.0)]);
    report.rows[0].title = CROWD.to_owned();
    let table = report.goals().unwrap();
    assert_eq!(verdicts(&table), ["reached", "reached", "the other one is enough"], "{table}");
}

#[test]
fn what_syncs_now_and_then_has_goals_of_its_own() {
    let table = goals(SIXTEEN, "headwater-journal,sync=5ms", "dsr-mem", 1050, 1.0).unwrap();
    assert_eq!(verdicts(&table), ["reached"], "{table}");
    assert_eq!(goals(SIXTEEN, "headwater-journal,sync=5ms", "dsr", 1, 1e9), None);
    assert_eq!(goals(SIXTEEN, "headwater-journal", "dsr-mem", 1, 1e9), None);
}

#[test]
fn a_value_is_never_merely_equal() {
    for (bytes, expected) in [(400.0, "reached"), (400.5, "**missed**")] {
        let mut ours = entry("headwater-journal", &[1000], 20_000.0);
        ours.samples[0].beside.push(Beside::IdleStream.of(bytes));
        let mut report = report(vec![ours]);
        let goal = GOALS.iter().find(|goal| goal.row.contains("100000 streams")).unwrap();
        report.rows[0].title = goal.row.to_owned();
        let table = report.goals().unwrap();
        assert_eq!(verdicts(&table), [expected], "{table}");
    }
}

#[test]
fn nothing_measured_is_no_table() {
    assert_eq!(goals("other work", "headwater-journal", "dsr", 1, 1.0), None);
}
