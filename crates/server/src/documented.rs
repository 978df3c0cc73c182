//! The pages say what the code does: the table of errors, and the limits.
//!
//! They are read as a user reads them, so a code, a status or a number that changes on one side alone is found.

use std::collections::BTreeMap;

use headwater_core::Code;
use headwater_core::content_type::MAX_CONTENT_TYPE_BYTES;
use headwater_core::error::Retry;
use headwater_core::json::MAX_NESTING;
use headwater_core::key::MAX_PATH_BYTES;
use headwater_core::producer::{MAX_PRODUCER_ID_BYTES, MAX_STREAM_SEQ_BYTES};
use headwater_core::record::{MAX_RECORDS, RECORD_BYTES};
use headwater_engine::Options;

use crate::{Config, errors, limits};

const PROTOCOL: &str = include_str!("../../../docs/protocol.md");
const GUARANTEES: &str = include_str!("../../../docs/guarantees.md");
const README: &str = include_str!("../README.md");

/// The rows of the one table that stands under this heading, without its head.
fn table(page: &'static str, heading: &str) -> Vec<Vec<&'static str>> {
    let lines = page.lines().skip_while(|line| *line != heading).skip(1);
    let section = lines.take_while(|line| !line.starts_with("## "));
    let rows = section.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<Vec<_>> = rows.map(|row| row.split(" | ").map(str::trim).collect()).collect();
    assert!(rows.len() > 1, "no table under {heading}");
    rows[1..].to_vec()
}

/// What stands between backticks.
fn quoted(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_code_is_documented_with_its_status_and_whether_to_try_again() {
    let mut documented = BTreeMap::new();
    for row in table(PROTOCOL, "## Errors") {
        let [codes, status, again] = row[..] else { panic!("{row:?}") };
        for code in quoted(codes) {
            let status: u16 = status.parse().unwrap();
            assert!(documented.insert(code, (status, again)).is_none(), "{code} stands twice");
        }
    }
    for &code in Code::ALL {
        let name = code.as_str();
        let (status, again) =
            documented.remove(name).unwrap_or_else(|| panic!("{name} is not documented"));
        assert_eq!(status, errors::status(code).as_u16(), "{name}");
        match again {
            "no" => assert_eq!(code.retry(), Retry::No, "{name}"),
            "yes" => assert_eq!(code.retry(), Retry::Later, "{name}"),
            // Says when, in words.
            condition => assert!(condition.len() > 3, "{name}: {condition}"),
        }
    }
    assert!(documented.is_empty(), "no such codes: {documented:?}");
}

/// `16 MiB`, `1,024 bytes`, `10,000`: the number that a cell begins with, in its unit.
fn number(cell: &str) -> u64 {
    let mut words = cell.split([' ', '.']);
    let number: u64 = words.next().unwrap().replace(',', "").parse().unwrap();
    number
        * match words.next() {
            Some("MiB" | "MiB,") => 1 << 20,
            Some("KiB" | "KiB,") => 1 << 10,
            _ => 1,
        }
}

#[test]
fn the_limits_are_the_documented_ones() {
    let engine = Options::default();
    let config = Config::default();
    let texts = [MAX_PRODUCER_ID_BYTES, MAX_STREAM_SEQ_BYTES, MAX_CONTENT_TYPE_BYTES];
    assert_eq!(texts, [texts[0]; 3], "they share a row");
    let actual = BTreeMap::from([
        ("body of a request", config.max_body_bytes as u64),
        ("records of one append, or of a creation", MAX_RECORDS as u64),
        ("stream path, in canonical form", MAX_PATH_BYTES as u64),
        ("producer id, `Stream-Seq`, content type", texts[0] as u64),
        ("producers per stream", engine.limits.producers_per_stream),
        ("bytes in flight, all streams", engine.in_flight_bytes as u64),
        ("bytes in flight, one stream", engine.in_flight_bytes_per_stream as u64),
        ("page of a read", engine.sent_page_bytes as u64),
        ("nesting of JSON, the array around it on reading included", MAX_NESTING as u64),
    ]);
    let rows = table(GUARANTEES, "## Limits");
    let documented: BTreeMap<_, _> = rows.iter().map(|row| (row[0], number(row[1]))).collect();
    assert_eq!(documented.len(), rows.len(), "a limit stands twice");
    assert_eq!(documented, actual);
}

/// The number after the only place where the page says this.
fn said(page: &str, words: &str) -> u64 {
    // As one line: where it breaks means nothing.
    let text = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut places = text.match_indices(words);
    let (at, _) = places.next().unwrap_or_else(|| panic!("nothing is said of {words:?}"));
    assert_eq!(places.next(), None, "{words:?} is said twice");
    number(text[at + words.len()..].trim_start())
}

#[test]
fn the_prose_names_the_same_limits() {
    let config = Config::default();
    for (page, words, actual) in [
        (PROTOCOL, "what is not UTF-8, and more than", MAX_PATH_BYTES as u64),
        (PROTOCOL, "Pages are at most", Options::default().sent_page_bytes as u64),
        (
            PROTOCOL,
            "what is not sent from a file comes in pages of",
            Options::default().page_bytes as u64,
        ),
        (PROTOCOL, "A quiet connection gets a comment every", config.sse_keep_alive.as_secs()),
        (PROTOCOL, "A connection ends after about", config.sse_max_age.as_secs()),
        (PROTOCOL, "An array of more than", MAX_RECORDS as u64),
        (GUARANTEES, "and for each JSON value after the first", RECORD_BYTES as u64),
        (GUARANTEES, "a stream that remembers", Options::default().limits.producers_per_stream),
        (README, "(a broken head, more than", limits::MAX_HEADERS as u64),
        (README, "header fields, more than", limits::MAX_HEAD_BYTES as u64),
    ] {
        assert_eq!(said(page, words), actual, "{words}");
    }
}
