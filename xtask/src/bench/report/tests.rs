use super::*;

fn sample(count: u64, server_nanos: Option<f64>, faults: Option<Faults>) -> Sample {
    Sample {
        count,
        seconds: 2.0,
        latency: Some(Quantiles { p50: 457_000, p99: 803_000, max: 2_000_000 }),
        server_nanos,
        client_nanos: 8_000.0,
        others: Some(0.05),
        resident: Some(50 << 20),
        beside: Vec::new(),
        faults,
        notes: vec!["a note".to_owned()],
    }
}

pub(super) fn report(entries: Vec<Entry>) -> Report {
    let mut report = Report::of_this_machine(3);
    report.rows.push(Row { title: "work".to_owned(), unit: Unit::Append, entries });
    report
}

pub(super) fn entry(target: &str, counts: &[u64], server_nanos: f64) -> Entry {
    let mut entry = Entry::new(&target.parse().unwrap());
    let sound = Some(Faults::default());
    entry.samples = counts.iter().map(|count| sample(*count, Some(server_nanos), sound)).collect();
    entry
}

#[test]
fn ratios_are_taken_round_by_round() {
    // The machine slowed down in the second round for both: the ratio does not see it.
    let first = entry("headwater", &[1000, 100, 1000], 20_000.0);
    let second = entry("node-mem", &[500, 50, 400], 60_000.0);
    let ratio = |value| second.ratio_to(&first, value);
    assert_eq!(ratio(|sample| Some(sample.rate())), Some(0.5));
    assert_eq!(ratio(|sample| sample.server_nanos), Some(3.0));
    assert_eq!(ratio(|_| None), None);
    assert_eq!(first.medians().unwrap().rate, 500.0);
}

#[test]
fn a_table_has_a_line_for_each_server() {
    let report = report(vec![
        entry("headwater", &[69_010], 24_800.0),
        entry("node-file", &[2054], 671_000.0),
        Entry::new(&Target::Null),
    ]);
    let text = report.to_string();
    let table: Vec<Vec<&str>> = text
        .lines()
        .skip_while(|line| *line != "work")
        .skip(1)
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let expected = [
        "server rate p50 p99 CPU/append RSS others rate/1st CPU/1st checked".split(' ').collect(),
        vec!["headwater-journal", "34 505/s", "457 us", "803 us", "24.8 us", "50.0 MiB", "0.05"],
        vec![
            "node-file",
            "1 027/s",
            "457 us",
            "803 us",
            "671 us",
            "50.0 MiB",
            "0.05",
            "0.030",
            "27.1",
        ],
        vec!["null", "-", "-", "-", "-", "-", "-", "-", "-", "-"],
    ];
    assert_eq!(table.len(), expected.len(), "{text}");
    for (line, expected) in table.iter().zip(expected) {
        assert_eq!(&line[..expected.len()], expected, "{text}");
    }
    assert_eq!(report.failures(), Vec::<String>::new());
}

#[test]
fn faults_and_failures_are_told_and_counted() {
    let mut faulty = entry("headwater", &[10, 10], 1.0);
    faulty.samples[1].faults = Some(Faults { missing: 2, ..Faults::default() });
    let mut broken = entry("node-mem", &[10], 1.0);
    broken.fail(&anyhow::anyhow!("connection refused"), "it said goodbye");
    let report = report(vec![faulty, broken]);
    let failures = report.failures();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures[0].contains("2 missing"), "{failures:?}");
    assert!(failures[1].contains("connection refused\nit said goodbye"), "{failures:?}");
    let text = report.to_string();
    assert!(text.contains("FAULTS") && text.contains("FAILED"), "{text}");
}

#[test]
fn the_json_holds_every_sample() {
    let report = report(vec![entry("headwater", &[1, 2, 3], 1.0)]);
    let json: serde_json::Value =
        serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let samples = json.pointer("/rows/0/entries/0/samples").unwrap().as_array().unwrap();
    let counts: Vec<u64> = samples.iter().map(|sample| sample["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(samples[0].pointer("/latency/p99").unwrap(), 803_000);
    assert_eq!(json.pointer("/rows/0/unit").unwrap(), "append");
}
