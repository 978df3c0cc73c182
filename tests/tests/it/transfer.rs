//! `headwater export` and `headwater import`: streams of one server, in another.

use std::fs;
use std::path::Path;

use headwater_tests::exit::{self, Exit};
use headwater_tests::{Launch, Server, Storage, tool};
use serde_json::Value;

fn export(server: &Server, to: &Path, more: &[&str]) -> Exit {
    let url = format!("http://{}", server.address());
    tool::run(&[&["export", "--server", &url, "--to", to.to_str().unwrap()], more].concat())
}

fn import(server: &Server, from: &Path) -> Exit {
    let url = server.address().to_string();
    tool::run(&["import", "--server", &url, "--from", from.to_str().unwrap()])
}

/// What a stream's records are, one by one, without what is not kept.
fn records(server: &Server, stream: &str) -> Vec<(Value, Value)> {
    let mut all = Vec::new();
    let mut query = "offset=-1&records=true".to_owned();
    loop {
        let page = server.get(stream, &query).send().expect(200);
        let Value::Array(records) = page.json() else { panic!("{page}") };
        all.extend(records.into_iter().map(|mut record| {
            (record["payload"].take(), record.get_mut("encoding").map_or(Value::Null, Value::take))
        }));
        query = format!("offset={}&records=true", page.offset());
        if page.up_to_date() {
            return all;
        }
    }
}

/// What the catalogue says of a stream, without what is not kept.
fn listed(server: &Server) -> Vec<Value> {
    let page = server.call("GET", "/v1/catalog").send().expect(200).json();
    let Value::Array(mut streams) = page["streams"].clone() else { panic!("{page}") };
    for stream in &mut streams {
        let stream = stream.as_object_mut().unwrap();
        stream.retain(|name, _| !["nextOffset", "createdAt"].contains(&name.as_str()));
    }
    streams
}

const NAMES: [&str; 7] =
    ["bytes", "empty", "fork", "json/large", "json/small", "text/a%2Fb%25%20c", "text/one"];

/// A server with all kinds of streams.
fn filled() -> Server {
    let server = Launch::new(Storage::Journal).start();
    server.create("bytes", "application/octet-stream");
    for record in [&b"\x00\xff\n"[..], b"record 3 x {}\n", b"\n", b"end 1 open 0\n"] {
        server
            .post("bytes")
            .content_type("application/octet-stream")
            .body(record)
            .send()
            .expect(204);
    }
    server
        .put("empty")
        .content_type("text/markdown; charset=utf-8")
        .header("Stream-TTL", "3600")
        .header("Stream-Retention-Bytes", "1000000")
        .header("Stream-Retention-Seconds", "86400")
        .send()
        .expect(201);
    server.create_json("json/small");
    // Kept as it was written, white space and all, and an array that is one value.
    server.append_json("json/small", "[{\"a\" :\n 1.50}, [1, 2], \"\u{fc}\"]");
    server.append_json("json/small", "1e3");
    server
        .put("json/large")
        .content_type("application/json")
        .header("Stream-TTL-After-Close", "7200")
        .send()
        .expect(201);
    for part in 0..10 {
        let values: Vec<_> = (0..1000).map(|number| (part * 1000 + number).to_string()).collect();
        server.append_json("json/large", &format!("[{}]", values.join(",")));
    }
    server.create_text("text/a%2Fb%25%20c");
    server.append_text("text/a%2Fb%25%20c", "named");
    server.close("text/a%2Fb%25%20c");
    server
        .put("text/one")
        .content_type("text/plain")
        .header("Stream-Expires-At", "2100-01-01T00:00:00.000Z")
        .send()
        .expect(201);
    let first = server.append_text("text/one", "first\n");
    server.append_text("text/one", &"second".repeat(100_000));
    server.fork("fork", "text/one", Some(&first));
    server.append_text("fork", "other");
    server
}

#[test]
fn everything_that_is_said_to_be_kept_arrives() {
    let (old, new) = (filled(), Launch::new(Storage::Memory).start());
    let file = old.launch().home().join("export");
    let made = export(&old, &file, &[]);
    assert_eq!((made.code, &*made.stderr), (Some(exit::STOPPED), ""), "{made:?}");
    assert_eq!(made.stdout, "complete: 7 streams with 10013 records\n");
    for _ in 0..2 {
        let brought = import(&new, &file);
        assert_eq!((brought.code, &*brought.stderr), (Some(exit::STOPPED), ""), "{brought:?}");
        assert_eq!(brought.stdout, "imported: 7 streams with 10013 records\n");
        assert_eq!(listed(&old), listed(&new));
        for stream in NAMES {
            assert!(records(&old, stream) == records(&new, stream), "{stream}");
            let text = |server: &Server| -> String {
                server.pages(stream).iter().map(|page| page.text().to_owned()).collect()
            };
            assert!(stream == "bytes" || text(&old) == text(&new), "{stream}");
        }
    }
    // The fork's source can go, because it is a stream of its own now.
    new.delete("text/one").send().expect(204);
    assert_eq!(records(&new, "fork").len(), 2);
}

#[test]
fn an_import_that_was_broken_off_is_repeated_and_nothing_is_there_twice() {
    let (old, new) = (filled(), Launch::new(Storage::Memory).start());
    let file = old.launch().home().join("export");
    assert_eq!(export(&old, &file, &["--prefix", "json/"]).code, Some(exit::STOPPED));
    // What an import leaves that ends in the middle: its producer is named in the first line.
    let text = fs::read_to_string(&file).unwrap();
    let number = text.lines().next().unwrap().rsplit(' ').next().unwrap();
    let producer = format!("headwater-import-1-{number}");
    new.put("json/large")
        .content_type("application/json")
        .header("Stream-TTL-After-Close", "7200")
        .send()
        .expect(201);
    let values: Vec<_> = (0..256).map(|number| number.to_string()).collect();
    let first = format!("[{}]", values.join(","));
    new.post("json/large").json(&first).producer(&producer, 0, 0).send().expect(200);
    assert_eq!(import(&new, &file).code, Some(exit::STOPPED));
    for stream in ["json/large", "json/small"] {
        assert!(records(&old, stream) == records(&new, stream), "{stream}");
    }
    // Another file, of the same streams, is not the same import.
    let again = old.launch().home().join("again");
    assert_eq!(export(&old, &again, &["--prefix", "json/"]).code, Some(exit::STOPPED));
    import(&new, &again).expect(exit::INTERNAL, &["`json/large` is there already"]);
    assert_eq!(records(&new, "json/large").len(), 10_000);
}

#[test]
fn what_is_damaged_is_refused_before_anything_is_sent() {
    let (old, new) = (filled(), Launch::new(Storage::Memory).start());
    let file = old.launch().home().join("export");
    assert_eq!(export(&old, &file, &[]).code, Some(exit::STOPPED));
    export(&old, &file, &[]).expect(exit::USAGE, &["is there; it was not changed"]);
    let whole = fs::read(&file).unwrap();
    for part in 1..5 {
        let mut damaged = whole.clone();
        damaged[whole.len() / 5 * part] ^= 4;
        fs::write(&file, damaged).unwrap();
        import(&new, &file).expect(exit::CORRUPT, &["was not imported", "damaged before byte"]);
    }
    fs::write(&file, &whole[..whole.len() - 30]).unwrap();
    import(&new, &file).expect(exit::CORRUPT, &["not complete"]);
    fs::write(&file, "something else\n").unwrap();
    import(&new, &file).expect(exit::FOREIGN, &["no export"]);
    assert_eq!(listed(&new), Vec::<Value>::new());
    import(&new, &old.launch().home().join("nowhere")).expect(exit::USAGE, &["nowhere"]);
    // What cannot be created as it was ends it, with the name.
    fs::write(&file, whole).unwrap();
    new.create("bytes", "text/plain");
    import(&new, &file).expect(exit::INTERNAL, &["`bytes`", "409", "config_mismatch"]);
    new.delete("bytes").send().expect(204);
    new.create("bytes", "application/octet-stream");
    new.post("bytes").content_type("application/octet-stream").body("mine").send().expect(204);
    import(&new, &file).expect(exit::INTERNAL, &["`bytes` is there already"]);
    assert_eq!(records(&new, "bytes").len(), 1);
}
