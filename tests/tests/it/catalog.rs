//! The catalogue: what it tells of a stream, its order, its pages, and that it misses nobody while streams come and go.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use headwater_tests::{Server, on_each_storage, wait};
use serde_json::{Value, json};

fn catalog(server: &Server, query: &str) -> Value {
    let reply = server.call("GET", &format!("/v1/catalog?{query}")).send().expect(200);
    let reply = reply.expect_header("Content-Type", "application/json");
    reply.expect_header("Cache-Control", "no-store").json()
}

fn paths(page: &Value) -> Vec<String> {
    let streams = page["streams"].as_array().unwrap();
    streams.iter().map(|stream| stream["path"].as_str().unwrap().to_owned()).collect()
}

/// All pages from the first on.
fn all(server: &Server, prefix: &str, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = catalog(server, &format!("prefix={prefix}&limit={limit}{after}"));
        let part = paths(&page);
        assert!(part.len() <= limit, "{part:?}");
        found.extend(part);
        match &page["next"] {
            Value::String(next) => {
                after = format!("&after={}", next.replace('%', "%25").replace('é', "%C3%A9"))
            }
            next => {
                assert!(next.is_null(), "{page}");
                return found;
            }
        }
    }
}

#[test]
fn it_tells_what_a_stream_is() {
    on_each_storage(&[], |server| {
        let empty = server.create_json("a/empty");
        server.create_text("a/full");
        let full = server.append_text("a/full", "hello");
        server.close("a/full");
        server.put("b").content_type("text/plain").header("Stream-TTL", "3600").send().expect(201);
        let until = "2199-01-01T00:00:00.500Z";
        server
            .put("c")
            .content_type("Text/X; a=b")
            .header("Stream-Expires-At", until)
            .send()
            .expect(201);
        server.fork("fork", "a/full", None);

        let page = catalog(server, "");
        let mut streams = page["streams"].as_array().unwrap().clone();
        for stream in &mut streams {
            let created = stream.as_object_mut().unwrap().remove("createdAt").unwrap();
            assert!(created.as_str().unwrap().ends_with('Z'), "{created}");
        }
        let tail = |name| server.tail(name).to_string();
        let expected = json!([
            {"path": "a/empty", "contentType": "application/json", "nextOffset": empty.as_str(), "closed": false, "bytes": 0},
            {"path": "a/full", "contentType": "text/plain", "nextOffset": full.as_str(), "closed": true, "bytes": 5},
            {"path": "b", "contentType": "text/plain", "nextOffset": tail("b"), "closed": false, "bytes": 0, "ttlSeconds": 3600},
            {"path": "c", "contentType": "Text/X; a=b", "nextOffset": tail("c"), "closed": false, "bytes": 0, "expiresAt": until},
            {"path": "fork", "contentType": "text/plain", "nextOffset": tail("fork"), "closed": false, "bytes": 5},
        ]);
        assert_eq!(Value::Array(streams), expected);
        assert_eq!(page["next"], Value::Null);
    });
}

#[test]
fn pages_follow_each_other_in_the_order_of_the_bytes() {
    let mut names: Vec<String> =
        ["a", "A", "a/b", "a%2Fb", "a-b", "a.b", "%C3%A9", "ab", "~"].map(str::to_owned).to_vec();
    names.extend((0..240).map(|n| format!("many/{n}")));
    on_each_storage(&[], |server| {
        for name in &names {
            server.create_text(name);
        }
        // Listed in canonical form: decoded but for what divides names.
        let mut names: Vec<_> = names.iter().map(|name| name.replace("%C3%A9", "é")).collect();
        names.sort();
        for limit in [1, 7, 100, names.len(), 1000] {
            assert_eq!(all(server, "", limit), names, "{limit}");
        }
        assert_eq!(paths(&catalog(server, "")).len(), 100);
        for prefix in ["a", "a/", "a%252F", "many/1", "many/10", "z", "~"] {
            let decoded = prefix.replace("%25", "%");
            let expected: Vec<_> =
                names.iter().filter(|name| name.starts_with(&decoded)).cloned().collect();
            assert_eq!(all(server, prefix, 3), expected, "{prefix}");
        }
        // What is gone is not listed, and where a reader stood is no name that must exist.
        server.delete("ab").send().expect(204);
        assert_eq!(paths(&catalog(server, "after=ab&limit=1")), ["many/0"]);
        assert!(!all(server, "", 10).contains(&"ab".to_owned()));
    });
}

#[test]
fn what_lives_throughout_is_listed_exactly_once() {
    const ROUNDS: usize = 40;
    on_each_storage(&[], |server| {
        let stable: BTreeSet<String> = (0..60).map(|n| format!("s/{n:02}5")).collect();
        for name in &stable {
            server.create_text(name);
        }
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for worker in 0..2 {
                let done = &done;
                scope.spawn(move || {
                    let mut turn = worker;
                    while !done.load(Ordering::Relaxed) {
                        let name = format!("s/{:02}{}", turn * 7 % 60, worker);
                        server.put(&name).text("x").send().expect(201);
                        server.append_text(&format!("s/{:02}5", turn * 11 % 60), "x");
                        server.delete(&name).send().expect(204);
                        turn += 1;
                    }
                });
            }
            let mut passing = 0;
            for round in 0..ROUNDS {
                let found = all(server, "s/", 1 + round % 13);
                assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
                let kept = found.iter().filter(|name| stable.contains(*name)).count();
                assert_eq!(kept, stable.len(), "{found:?}");
                passing += found.len() - kept;
            }
            done.store(true, Ordering::Relaxed);
            assert!(passing > 0, "nothing came or went");
        });
    });
}

#[test]
fn what_has_ended_is_not_listed_and_what_is_used_is() {
    on_each_storage(&[], |server| {
        server.put("used").text("x").header("Stream-TTL", "1").send().expect(201);
        server.put("idle").text("x").header("Stream-TTL", "1").send().expect(201);
        server.put("born-dead").text("x").header("Stream-TTL", "0").send().expect(201);
        assert!(!all(server, "", 10).contains(&"born-dead".to_owned()));
        wait::until("the stream that nobody uses to end", || {
            server.get("used", "offset=-1").send().expect(200);
            (all(server, "", 10) == ["used"]).then_some(())
        });
    });
}

#[test]
fn what_is_no_listing_is_refused() {
    on_each_storage(&[], |server| {
        for query in ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "after=a&after=b"] {
            let target = format!("/v1/catalog?{query}");
            server.call("GET", &target).send().expect_error(400, "invalid_request");
        }
        for method in ["PUT", "POST", "DELETE"] {
            let reply = server.call(method, "/v1/catalog").send();
            reply
                .expect_error(405, "method_not_allowed")
                .expect_header("Allow", "GET, HEAD, OPTIONS");
        }
        server.call("HEAD", "/v1/catalog").send().expect(200).expect_body("");
        assert_eq!(catalog(server, "prefix=%00%FF"), json!({"streams": [], "next": null}));
    });
}
