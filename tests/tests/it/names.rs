//! Paths: which name a path stands for, which paths are no names, and what is reserved.

use headwater_tests::on_each_storage;

#[test]
fn different_names_are_different_streams() {
    let names = [
        "a",
        "A",
        "a/b",
        "a%2Fb",
        "a%252Fb",
        "a/b/c",
        "a%2Fb/c",
        "a/b%2Fc",
        "a%2Fb%2Fc",
        "%25",
        "%2525",
        "a%20b",
        "a+b",
        "%C3%A9",
        "e%CC%81",
        "...",
        "..a",
        "a..",
        ".a",
        "a.",
        "a%3Fb",
        "a%23b",
        "~",
        "-1",
        "now",
        "a,b",
        "a;b",
        "a=b",
        "a&b",
        "a@b",
        "a:b",
        "__dsx",
        "a/__ds",
        "a%C2%A0b",
        "%F0%9F%98%80",
        "a%22b",
        "a%5Cb",
        "a%7Cb",
        "%E2%80%AE",
        "a%C2%85b",
    ];
    on_each_storage(&[], |server| {
        for name in names {
            server.put(name).text(name).send().expect(201);
        }
        for name in names {
            assert_eq!(server.read_text(name), name);
            let confirmed = server.put(name).content_type("text/plain").send();
            confirmed.expect(200);
        }
        server.delete("a%2Fb").send().expect(204);
        assert_eq!(server.read_text("a/b"), "a/b");
    });
}

#[test]
fn spellings_of_one_name_are_one_stream() {
    let spellings: [(&str, &[&str]); 5] = [
        ("abc", &["%61bc", "%61%62%63", "abc"]),
        ("a%2Fb", &["a%2fb", "%61%2Fb"]),
        ("%C3%A9", &["%c3%a9", "%C3%a9"]),
        ("x~y", &["x%7Ey", "x%7ey"]),
        ("p/q", &["%70/%71"]),
    ];
    on_each_storage(&[], |server| {
        for (name, others) in spellings {
            server.put(name).text(name).send().expect(201);
            for other in others {
                assert_eq!(server.read_text(other), name, "{other}");
            }
        }
    });
}

#[test]
fn what_is_no_name_is_refused_everywhere() {
    let bad = [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "a///b",
        ".",
        "..",
        "a/..",
        "../a",
        "a/./b",
        "a/../b",
        "%2e",
        "%2E%2e",
        "a/%2e%2e/b",
        ".%2e/x",
        "%00",
        "a%00b",
        "%01",
        "%1F",
        "%0a",
        "%0D%0A",
        "%09",
        "%7F",
        "a%7fb",
        "%FF",
        "%C3",
        "%C3/%A9",
        "%C0%80",
        "%ED%A0%80",
        "%",
        "%4",
        "%zz",
        "a%",
        "a%2",
        "%u0041",
        "%%",
    ];
    on_each_storage(&[], |server| {
        for name in bad {
            for method in ["PUT", "POST", "GET", "HEAD", "DELETE"] {
                let call = server.call(method, &format!("/v1/stream/{name}"));
                let call = if method == "POST" { call.text("x") } else { call };
                let answer = call.send();
                assert_eq!(answer.status(), 400, "{method} {name:?}: {answer}");
                if method != "HEAD" {
                    assert_eq!(answer.error_code(), "invalid_name", "{method} {name:?}");
                }
            }
        }
        server.create_text("fine");
        for name in bad.into_iter().filter(|name| !name.is_empty()) {
            let call =
                server.put("fork").header("Stream-Forked-From", &format!("/v1/stream/{name}"));
            let answer = call.send();
            assert_eq!(answer.status(), 400, "fork of {name:?}: {answer}");
        }
    });
}

#[test]
fn the_control_prefix_is_reserved() {
    let reserved = [
        "__ds",
        "__ds/",
        "__ds/x",
        "__ds/subscriptions/a",
        "__ds/jwks.json",
        "%5F%5Fds/x",
        "__d%73",
    ];
    on_each_storage(&[], |server| {
        for path in reserved {
            for method in ["PUT", "POST", "GET", "DELETE"] {
                let call = server.call(method, &format!("/v1/stream/{path}")).text("x");
                call.send().expect_error(404, "not_found");
            }
            server.head(path).send().expect(404);
        }
        server.create_text("s");
        let call = server.put("f").header("Stream-Forked-From", "/v1/stream/__ds/x");
        call.send().expect_error(404, "not_found");
    });
}

#[test]
fn a_location_leads_back_to_the_stream() {
    on_each_storage(&[], |server| {
        for name in ["plain", "a/b", "a%2Fb", "%C3%A9%20x", "%25"] {
            let made = server.put(name).text(name).send().expect(201);
            let location = made.header("Location").expect("a Location").to_owned();
            let base = format!("http://{}", server.address());
            let path = location.strip_prefix(&base).expect("an absolute URL of this server");
            server.call("GET", path).send().expect(200).expect_body(name);
        }
    });
}

#[test]
fn the_location_is_on_the_host_that_was_asked() {
    on_each_storage(&[], |server| {
        let mut conn = server.connect();
        conn.write(b"PUT /v1/stream/s HTTP/1.1\r\nHost: streams.example:8080\r\n\r\n").unwrap();
        let made = conn.read_response("PUT").unwrap().expect(201);
        made.expect_header("Location", "http://streams.example:8080/v1/stream/s");
    });
}
