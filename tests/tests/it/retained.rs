//! Retention: the beginning of a stream goes by itself, by age and by bytes, and only that.

use std::path::Path;

use headwater_tests::http::Response;
use headwater_tests::offset::Offset;
use headwater_tests::server::target;
use headwater_tests::{Launch, Server, Storage, on_each_storage, wait};

const BYTES: &str = "Stream-Retention-Bytes";
const SECONDS: &str = "Stream-Retention-Seconds";

fn keeping(server: &Server, stream: &str, limits: &[(&str, &str)]) -> Response {
    server.put(stream).content_type("text/plain").headers(limits).send()
}

/// Appends so many records of ten bytes, and returns where each begins.
fn records(server: &Server, stream: &str, count: usize) -> Vec<Offset> {
    let begins = server.tail(stream);
    let ends = (0..count).map(|number| server.append_text(stream, &format!("record {number:03}")));
    let mut offsets: Vec<_> = [begins].into_iter().chain(ends).collect();
    offsets.pop();
    offsets
}

/// Waits until a stream begins at an offset.
fn begins_at(server: &Server, stream: &str, offset: &Offset) {
    wait::until("the stream begins later", || {
        let head = server.head(stream).send().expect(200);
        (head.header("Stream-Earliest-Offset") == Some(offset.as_str())).then_some(())
    });
}

#[test]
fn a_stream_keeps_its_last_bytes() {
    on_each_storage(&[], |server| {
        keeping(server, "s", &[(BYTES, "64")]).expect(201);
        let mut live = server.get("s", "offset=now&live=sse").events();
        live.until_caught_up();
        let at = records(server, "s", 20);
        begins_at(server, "s", &at[14]);
        let left: String = (14..20).map(|number| format!("record {number:03}")).collect();
        assert_eq!(server.read_text("s"), left);
        server.page("s", &at[14]).expect(200);
        for below in [&at[0], &at[13]] {
            let gone = server.page("s", below).expect_error(410, "offset_expired");
            gone.expect_header("Stream-Earliest-Offset", at[14].as_str());
            for live in ["long-poll", "sse"] {
                let query = format!("offset={}&live={live}", below.as_str());
                let gone = server.get("s", &query).send().expect_error(410, "offset_expired");
                gone.expect_header("Stream-Earliest-Offset", at[14].as_str());
            }
        }
        // Who was at the tail has seen everything.
        let mut seen = String::new();
        while !seen.ends_with("record 019") {
            let (data, _) = live.next_data();
            seen.push_str(&data.data);
        }
        assert_eq!(seen.matches("record").count(), 20, "{seen}");
    });
}

#[test]
fn a_policy_is_a_property_that_is_told_and_compared() {
    on_each_storage(&["--retention-bytes", "s/t=5000", "--retention-seconds", "77"], |server| {
        for (limits, same) in [
            (&[(BYTES, "1000")][..], true),
            (&[(BYTES, "1001")], false),
            (&[(BYTES, "1000"), (SECONDS, "60")], false),
            (&[], false),
        ] {
            keeping(server, "own", &[(BYTES, "1000")]);
            let again = keeping(server, "own", limits);
            let status = if same { 200 } else { 409 };
            assert_eq!(again.status(), status, "{limits:?}");
        }
        let told = |stream: &str, bytes, seconds| {
            let head = server.head(stream).send().expect(200);
            assert_eq!((head.header(BYTES), head.header(SECONDS)), (bytes, seconds), "{stream}");
        };
        told("own", Some("1000"), None);
        keeping(server, "s/t/usual", &[]).expect(201);
        keeping(server, "s/t/usual", &[]).expect(200);
        told("s/t/usual", Some("5000"), Some("77"));
        server.create_text("usual");
        told("usual", None, Some("77"));
        server.fork("s/t/fork", "own", None);
        told("s/t/fork", Some("1000"), None);
        let listed = server.call("GET", "/v1/catalog?prefix=s/t/u").send().expect(200).json();
        let row = &listed["streams"][0];
        assert_eq!((&row["retentionBytes"], &row["retentionSeconds"]), (&5000.into(), &77.into()));
        for bad in ["0", "-1", "1k", "01", ""] {
            for limit in [BYTES, SECONDS] {
                keeping(server, "bad", &[(limit, bad)]).expect_error(400, "invalid_request");
            }
        }
    });
}

#[test]
fn records_go_when_they_are_old_and_forks_keep_what_they_inherited() {
    on_each_storage(&[], |server| {
        keeping(server, "s", &[(SECONDS, "1")]).expect(201);
        let at = records(server, "s", 3);
        let fork = server.put("fork").header("Stream-Forked-From", &target("s"));
        fork.header(SECONDS, "1000").send().expect(201);
        let tail = server.tail("s");
        begins_at(server, "s", &tail);
        assert_eq!(server.read_text("s"), "");
        assert_eq!(server.read_text("fork"), "record 000record 001record 002");
        server.page("s", &at[0]).expect_error(410, "offset_expired");
        server.page("s", &tail).expect(200).expect_body("");
        // It goes on as it was.
        let next = server.append_text("s", "next");
        assert_eq!(next, tail.plus(4));
        let removed = server.sample("headwater_retention_bytes_total");
        assert!(removed >= 30.0, "{removed}");
        server.close("s");
        begins_at(server, "s", &next);
        assert!(server.get("s", "").send().expect(200).closed());
    });
}

#[test]
fn what_went_stays_away_and_policies_outlive_restarts() {
    for storage in Storage::LASTING {
        for restart in [Server::restart, Server::crash_and_restart] {
            let server = Launch::new(storage).start();
            keeping(&server, "s", &[(BYTES, "64")]).expect(201);
            let at = records(&server, "s", 20);
            begins_at(&server, "s", &at[14]);
            let server = restart(restart(server));
            server.page("s", &at[13]).expect_error(410, "offset_expired");
            assert_eq!(server.read_text("s").len(), 60);
            keeping(&server, "s", &[(BYTES, "64")]).expect(200);
            let more = records(&server, "s", 10);
            begins_at(&server, "s", &more[4]);
        }
    }
}

fn bytes_in(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map_while(Result::ok);
    // A file may go at any time.
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

#[test]
fn a_journal_that_is_written_to_without_end_stays_small() {
    const KEPT: u64 = 800_000;
    const ROUNDS: u64 = 12;
    let server = Launch::new(Storage::Journal).flags(&["--recent-bytes", "65536"]).start();
    keeping(&server, "s", &[(BYTES, &KEPT.to_string())]).expect(201);
    let chunks = server.launch().data_dir().join("chunks");
    let record = "0123456789abcdef".repeat(2_500);
    for _ in 0..ROUNDS {
        for _ in 0..KEPT / record.len() as u64 {
            server.append_text("s", &record);
        }
        wait::until("what is not kept is gone", || {
            (server.read_text("s").len() as u64 <= KEPT + KEPT / 16).then_some(())
        });
        // What was written since the last time is there, and at most as much that is not needed.
        wait::until("its space is back", || (bytes_in(&chunks) < 4 * KEPT).then_some(()));
    }
    println!("{} bytes in chunk files of {}", bytes_in(&chunks), ROUNDS * KEPT);
}
