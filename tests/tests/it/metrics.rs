//! Every metric that `docs/metrics.md` names is there, and moves when what it counts happens.

use std::collections::BTreeMap;

use headwater_tests::strace::Fault;
use headwater_tests::{Launch, Server, Storage, wait};

const PAGE: &str = include_str!("../../../docs/metrics.md");

/// The sum over all labels of a metric; of a histogram, its count.
fn value(samples: &BTreeMap<String, f64>, name: &str) -> f64 {
    let of = |sample: &str, name: &str| sample == name || sample.starts_with(&format!("{name}{{"));
    let count = format!("{name}_count");
    samples
        .iter()
        .filter(|(sample, _)| of(sample, name) || of(sample, &count))
        .map(|(_, v)| v)
        .sum()
}

fn documented() -> Vec<(&'static str, &'static str)> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (name, rest) = row.split_once("` | ").unwrap();
        (name, rest.split_once(' ').unwrap().0)
    })
    .collect()
}

/// Whether a metric is the `journal` adapter's alone.
fn is_journals(name: &str) -> bool {
    name.starts_with("headwater_journal_")
}

/// What grows only where syncs come later than acknowledgements.
const WITH_AN_INTERVAL: &str = "headwater_unsynced_seconds";

/// A way to start a server on the `journal` adapter.
fn on_journal() -> Launch {
    Launch::new(Storage::Sled).without_storage().flags(&["--storage", "journal"])
}

/// What makes each metric grow, and what it must at least grow by.
fn cause(server: &Server, name: &str) -> f64 {
    let unique = name.replace('_', "-");
    match name {
        "headwater_refusals_total" => {
            server.put(&unique).bytes(vec![0; 2000]).send().expect_error(413, "too_large");
            1.0
        }
        "headwater_expired_streams_total" => {
            server.put(&unique).text("x").header("Stream-TTL", "0").send().expect(201);
            1.0
        }
        "headwater_http_received_bytes_total" | "headwater_appended_bytes_total" => {
            server.create_text(&unique);
            server.append_text(&unique, "0123456789");
            10.0
        }
        "headwater_http_sent_bytes_total" => {
            server.put(&unique).text("0123456789").send().expect(201);
            server.read_text(&unique);
            10.0
        }
        "headwater_retention_bytes_total" => {
            let call = server.put(&unique).header("Stream-Retention-Bytes", "1");
            call.bytes("0123456789").send().expect(201);
            10.0
        }
        _ => {
            server.create_text(&unique);
            server.append_text(&unique, "x");
            1.0
        }
    }
}

#[test]
fn the_size_of_a_data_directory_is_told() {
    for storage in Storage::LASTING {
        let server = Launch::new(storage).start();
        server.create_text("s");
        let size = || value(&server.samples(), "headwater_store_bytes");
        wait::until(&format!("{storage} to take room"), || (size() >= 4096.0).then_some(()));
        // Room is held beforehand, so that not every append takes some.
        let before = size();
        wait::until(&format!("{storage} to take more"), || {
            server.append_text("s", &"x".repeat(1_000_000));
            (size() > before).then_some(())
        });
    }
}

#[test]
fn counters_and_histograms_grow_when_what_they_count_happens() {
    let server = Launch::new(Storage::Sled).flags(&["--max-body-bytes", "1000"]).start();
    let mut seen = 0;
    let apart = |name: &str| is_journals(name) || name == WITH_AN_INTERVAL;
    let common = documented().into_iter().filter(|(name, _)| !apart(name));
    for (name, _) in common.filter(|(_, kind)| *kind != "gauge") {
        let before = value(&server.samples(), name);
        let by = cause(&server, name);
        wait::until(&format!("{name} to grow by {by}"), || {
            (value(&server.samples(), name) >= before + by).then_some(())
        });
        seen += 1;
    }
    assert!(seen >= 12, "{seen}");
}

#[test]
fn with_a_sync_interval_it_is_told_how_long_writes_wait_for_a_sync() {
    let server = Launch::new(Storage::Journal).flags(&["--sync", "5ms"]).start();
    server.create_text("s");
    let before = value(&server.samples(), WITH_AN_INTERVAL);
    server.append_text("s", "x");
    wait::until("a sync that came later", || {
        (value(&server.samples(), WITH_AN_INTERVAL) > before).then_some(())
    });
}

#[test]
fn gauges_follow_what_is_there() {
    let server = Launch::new(Storage::Sled).flags(&["--long-poll-timeout", "60s"]).start();
    let is = |name: &str, expected: f64| {
        wait::until(&format!("{name} to be {expected}"), || {
            (value(&server.samples(), name) == expected).then_some(())
        });
    };
    server.create_text("a");
    is("headwater_sse_readers", 0.0);
    is("headwater_long_poll_waiters", 0.0);
    let events = [(); 3].map(|()| server.get("a", "offset=-1&live=sse").events());
    is("headwater_sse_readers", 3.0);
    let waiting = server.get("a", "offset=now&live=long-poll").start();
    is("headwater_long_poll_waiters", 1.0);
    is("headwater_http_connections", 4.0);
    // Those who wait are none of the requests in flight.
    is("headwater_http_requests_in_flight", 0.0);
    let mut half = server.connect();
    let request = b"POST /v1/stream/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nx";
    half.write(request).unwrap();
    is("headwater_http_requests_in_flight", 1.0);
    half.write(b"y").unwrap();
    assert_eq!(half.read_response("POST").unwrap().status(), 204);
    drop(half);
    waiting.finish().expect(200);
    drop(events);
    is("headwater_sse_readers", 0.0);
    is("headwater_long_poll_waiters", 0.0);
    is("headwater_http_connections", 0.0);
    is("headwater_http_requests_in_flight", 0.0);

    is("headwater_ready", 1.0);
    assert!(value(&server.samples(), "headwater_recovery_seconds") > 0.0);
    // What is committed is packed when nothing else happens, and looking commits nothing.
    is("headwater_unpacked_groups", 0.0);
    is("headwater_unpacked_bytes", 0.0);
    is("headwater_units_waiting", 0.0);
}

/// What is under way is seen from outside while it is: a body that has not come whole, and a commit that takes long.
#[test]
fn gauges_show_what_is_under_way() {
    let slow = Fault::Delay { from: 4, micros: 200_000 };
    let (launch, _) = Launch::new(Storage::Sled).traced(slow);
    let server = launch.start();
    let above = |name: &str| {
        wait::until(&format!("{name} to be seen"), || {
            (value(&server.samples(), name) > 0.0).then_some(())
        });
    };
    server.create_text("a");
    let mut half = server.connect();
    half.write(b"POST /v1/stream/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n01234").unwrap();
    above("headwater_bytes_in_flight");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    server.append_text("a", "x");
                }
            });
        }
        for name in
            ["headwater_units_waiting", "headwater_unpacked_groups", "headwater_unpacked_bytes"]
        {
            above(name);
        }
    });
}

/// Merges and damage take a while to come, and are looked at where they can be made to.
#[test]
fn what_the_journal_holds_is_shown() {
    let server = on_journal().start();
    let above = |name: &str, least: f64| {
        wait::until(&format!("{name} to be above {least}"), || {
            (value(&server.samples(), name) > least).then_some(())
        });
    };
    server.create_text("a");
    above("headwater_journal_replay_bytes", 0.0);
    server.put("b").bytes(vec![b'x'; 3 << 20]).send().expect(201);
    above("headwater_journal_packed_bytes_total", 3e6);
    above("headwater_journal_chunk_bytes", 3e6);
    above("headwater_journal_live_bytes", 3e6);
    above("headwater_journal_chunk_files", 0.0);
    server.delete("b").send().expect(204);
    server.put("c").bytes(vec![b'x'; 3 << 20]).send().expect(201);
    // What is mostly dead is written anew at once.
    above("headwater_journal_merges_total", 0.0);
    above("headwater_journal_merged_bytes_total", 0.0);
    let samples = server.samples();
    assert!(value(&samples, "headwater_journal_chunk_bytes") < 5e6);
    assert_eq!(value(&samples, "headwater_journal_damage_total"), 0.0);
}

#[test]
fn every_documented_metric_is_there_with_its_meaning_and_nothing_else_is() {
    let common: Vec<_> = documented().into_iter().filter(|(name, _)| !is_journals(name)).collect();
    there(&Launch::new(Storage::Sled).start(), &common);
    there(&on_journal().start(), &documented());
}

fn there(server: &Server, expected: &[(&str, &str)]) {
    server.create_text("a");
    server.append_text("a", "x");
    let text = server.operate("/metrics").send().expect(200).text().to_owned();
    let mut kinds: Vec<(&str, &str)> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, expected);
    for (name, _) in expected {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
}
