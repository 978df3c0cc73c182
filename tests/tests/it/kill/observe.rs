//! Reads back what the server holds, after a restart or while it is under load.

use std::net::SocketAddr;

use headwater_tests::Server;
use headwater_tests::http::{Call, Conn};
use headwater_tests::offset::Offset;
use headwater_tests::server::target;

use super::checker::Observation;
use super::history::History;
use super::own_streams::TTL;
use super::record::{self, Found, Id};

/// Reads a whole stream.
pub(super) fn observe(server: &Server, history: &History) -> Observation {
    let head = server.head(&history.name).send();
    if matches!(head.status(), 404 | 410) {
        let get = server.get(&history.name, "").send();
        assert_eq!(get.status(), head.status(), "GET and HEAD agree: {get}");
        return Observation::Absent;
    }
    let head = head.expect(200);
    let pages = server.pages(&history.name);
    let last = pages.last().expect("a page");
    assert_eq!(last.closed(), head.closed(), "GET and HEAD agree about the end: {last}");
    assert_eq!(last.offset(), head.offset(), "GET and HEAD agree about the tail: {last}");
    let bodies: Vec<Vec<u8>> = pages.into_iter().map(|page| page.body).collect();
    let records = if history.json {
        record::parse_json(&bodies)
    } else {
        record::parse_bytes(&bodies.concat())
    };
    let floor =
        head.header("Stream-Earliest-Offset").map_or(0, |text| Offset::parse(text).position());
    let behind = |found: Found| Found { end: found.end + floor, ..found };
    let records = records.map(|records| records.into_iter().map(behind).collect());
    Observation::Present { records, closed: head.closed(), floor }
}

/// What else must hold of a stream that is there.
pub(super) fn check_state(server: &Server, history: &History, has_ttl: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let head = server.head(&history.name).send().expect(200);
    if head.header("Stream-TTL") != has_ttl.then_some(TTL) {
        wrong.push(format!("{}: the lifetime changed: {head}", history.name));
    }
    if history.settled_closed {
        let call =
            server.post(&history.name).content_type(super::worker::content_type(history.json));
        let answer = call.body("1").send();
        if answer.status() != 409 {
            wrong.push(format!("{}: closed, and yet: {answer}", history.name));
        }
    }
    wrong
}

/// Reads a stream over and over until the server dies; the records it was given last.
pub(super) fn keep_reading(address: SocketAddr, stream: &str, json: bool) -> Vec<Id> {
    let mut bodies = Vec::new();
    let mut query = "offset=-1".to_owned();
    let Ok(mut conn) = Conn::open(address) else { return Vec::new() };
    loop {
        let call = Call::new(address, "GET", &format!("{}?{query}", target(stream)));
        let Ok(page) = call.send_over(&mut conn) else { break };
        if !matches!(page.status(), 200 | 204) {
            panic!("{}: {page}", page.request);
        }
        query = format!("offset={}&live=long-poll", page.offset());
        if page.status() == 200 {
            bodies.push(page.body);
        }
    }
    let records = if json {
        record::parse_json(&bodies)
    } else {
        let bytes = bodies.concat();
        // A page may end inside a record.
        record::parse_bytes(&bytes).or_else(|torn| record::parse_bytes(&bytes[..torn.at as usize]))
    };
    let records = records.unwrap_or_else(|torn| panic!("a reader was given {torn:?}"));
    records.into_iter().map(|found| found.id).collect()
}
