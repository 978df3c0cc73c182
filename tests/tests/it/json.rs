//! JSON streams: values come back byte for byte, and one level of an array is several values.

use headwater_tests::on_each_storage;

/// A body, and the values it holds as they must be read back.
const BODIES: &[(&str, &str)] = &[
    ("12345678901234567890", "12345678901234567890"),
    ("-0", "-0"),
    ("1.0", "1.0"),
    ("1.10e+0300", "1.10e+0300"),
    ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
    (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
    (r#"{"b":1,"a":2,"__proto__":null}"#, r#"{"b":1,"a":2,"__proto__":null}"#),
    (r#""\u00e9\ud83d\ude00\/\n""#, r#""\u00e9\ud83d\ude00\/\n""#),
    (r#""é😀  ""#, r#""é😀  ""#),
    ("\"\u{2028}\u{2029}\u{feff}\"", "\"\u{2028}\u{2029}\u{feff}\""),
    (r#""\ud800""#, r#""\ud800""#),
    ("null", "null"),
    ("true", "true"),
    ("\"\"", "\"\""),
    ("{}", "{}"),
    ("{ \"a\" : [ 1 , 2 ] }", "{ \"a\" : [ 1 , 2 ] }"),
    ("[1,2,3]", "1,2,3"),
    ("[[1,2],[3,4]]", "[1,2],[3,4]"),
    ("[[]]", "[]"),
    ("[[[1]]]", "[[1]]"),
    ("[null,[],{}]", "null,[],{}"),
    (" \t\r\n[ 1 ,\n2 ]\r\n", "1,2"),
    ("  7  ", "7"),
    (r#"["a,b","]","\"["]"#, r#""a,b","]","\"[""#),
    ("[1.0, 1e2 , -0.0]", "1.0,1e2,-0.0"),
];

#[test]
fn values_are_kept_as_they_were_written() {
    on_each_storage(&[], |server| {
        for (number, (body, values)) in BODIES.iter().enumerate() {
            let posted = format!("posted-{number}");
            server.create_json(&posted);
            server.append_json(&posted, body);
            let read = server.get(&posted, "").send().expect(200);
            let read = read.expect_header("Content-Type", "application/json");
            read.expect_body(format!("[{values}]"));
            let put = format!("put-{number}");
            server.put(&put).json(body).send().expect(201);
            server.get(&put, "").send().expect(200).expect_body(format!("[{values}]"));
        }
    });
}

#[test]
fn values_follow_each_other_over_appends() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let mut expected = Vec::new();
        for (body, values) in BODIES {
            let from = server.tail("s");
            server.append_json("s", body);
            expected.push(*values);
            server.page("s", &from).expect(200).expect_body(format!("[{values}]"));
        }
        let whole = format!("[{}]", expected.join(","));
        server.get("s", "").send().expect(200).expect_body(whole);
    });
}

#[test]
fn what_is_not_json_is_refused_and_changes_nothing() {
    let bad = [
        "{",
        "}",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "0x1",
        "nul",
        "True",
        "NaN",
        "Infinity",
        "\"\\x\"",
        "\"a",
        "\"\t\"",
        "\"\\u12\"",
        "1 2",
        "[1] [2]",
        "// c\n1",
        "\u{feff}1",
        "1,2",
        "undefined",
        "\0",
    ];
    on_each_storage(&[], |server| {
        server.create_json("s");
        for bad in bad {
            server.post("s").json(bad).send().expect_error(400, "invalid_json");
        }
        for bad in [&b"\xff"[..], b"\"\xff\"", b"\"\xed\xa0\x80\"", b"[\"\xc3\"]", b"\"\xc0\x80\""]
        {
            let call = server.post("s").content_type("application/json").body(bad);
            call.send().expect_error(400, "invalid_json");
        }
        for empty in ["[]", " [ ] "] {
            assert_eq!(server.post("s").json(empty).send().status(), 400);
        }
        for blank in [" ", "\n"] {
            assert_eq!(server.post("s").json(blank).send().status(), 400);
        }
        let read = server.get("s", "").send().expect(200).expect_body("[]");
        assert_eq!(read.offset().position(), 0);
    });
}

#[test]
fn one_bad_value_refuses_the_whole_array() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        server.post("s").json("[1,2,3,nope]").send().expect_error(400, "invalid_json");
        server.get("s", "").send().expect_body("[]");
    });
}

#[test]
fn nesting_has_a_limit_and_is_never_fatal() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        // Values are read back within one array, which counts.
        server.append_json("s", &format!("{{\"a\":{}}}", nested(125)));
        server.append_json("s", &nested(127));
        let read = server.read_text("s");
        assert_eq!(read, format!("[{{\"a\":{}}},{}]", nested(125), nested(126)));
        let too_deep = format!("{{\"a\":{}}}", nested(126));
        server.post("s").json(&too_deep).send().expect_error(400, "invalid_json");
        for depth in [128, 1_000, 100_000, 1_000_000] {
            server.post("s").json(&nested(depth)).send().expect_error(400, "invalid_json");
        }
        let unclosed = server.post("s").json(&"[".repeat(1_000_000)).send();
        unclosed.expect_error(400, "invalid_json");
        let unclosed = server.post("s").json(&"{\"a\":".repeat(200_000)).send();
        unclosed.expect_error(400, "invalid_json");
        assert_eq!(server.read_text("s"), read);
    });
}

#[test]
fn large_values_and_many_values_come_back_whole() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let long = format!("\"{}\"", "é".repeat(400_000));
        server.append_json("s", &long);
        let many: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
        server.append_json("s", &format!("[{}]", many.join(", ")));
        let mut values = Vec::new();
        for page in server.pages("s") {
            let page = page.text().to_owned();
            let inner = page.strip_prefix('[').and_then(|page| page.strip_suffix(']'));
            values.push(inner.expect("every page is an array").to_owned());
        }
        values.retain(|page| !page.is_empty());
        let whole = values.join(",");
        assert!(whole == format!("{long},{}", many.join(",")), "the values differ");
    });
}

#[test]
fn parameters_of_the_media_type_do_not_make_it_another_type() {
    on_each_storage(&[], |server| {
        let call = server.put("s").content_type("application/json; charset=utf-8");
        call.body("[1]").send().expect(201);
        let call = server.post("s").content_type("APPLICATION/JSON");
        call.body("[2,3]").send().expect(204);
        server.get("s", "").send().expect(200).expect_body("[1,2,3]");
        // A type that only ends in "json" is bytes.
        let call = server.put("nd").content_type("application/x-ndjson").body("[1]\n");
        call.send().expect(201);
        server.get("nd", "").send().expect(200).expect_body("[1]\n");
    });
}
