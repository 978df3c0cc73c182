//! The log: one line for each refused request, by which a person finds it again, and nothing of what was sent.

use headwater_tests::{Server, on_each_storage, wait};

/// The lines about requests to a stream, once there are so many.
fn lines_about(server: &Server, stream: &str, count: usize) -> Vec<String> {
    let path = format!("path=\"/v1/stream/{stream}\"");
    wait::until("the requests are logged", || {
        let said = server.stderr();
        let lines: Vec<_> = said.lines().filter(|line| line.contains(&path)).collect();
        (lines.len() >= count).then(|| lines.into_iter().map(str::to_owned).collect())
    })
}

/// The value of a field of a line.
#[track_caller]
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let found =
        line.split_ascii_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no field {name} in {line:?}"))
}

#[test]
fn a_refusal_is_logged_in_one_line_with_an_id_of_its_own() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "accepted-secret");
        for payload in ["first-secret", "second-secret"] {
            let call = server.call("POST", "/v1/stream/s?token=query-secret");
            let call = call.content_type("application/json").body(payload);
            let call = call.header("Authorization", "Bearer header-secret");
            call.send().expect_error(409, "content_type_mismatch");
        }
        server.get("s", "offset=query-secret").send().expect_error(400, "offset_invalid");
        let lines = lines_about(server, "s", 3);
        assert_eq!(lines.len(), 3, "one line for each refusal: {lines:#?}");
        for (line, (method, status, code)) in lines.iter().zip([
            ("POST", "409", "\"content_type_mismatch\""),
            ("POST", "409", "\"content_type_mismatch\""),
            ("GET", "400", "\"offset_invalid\""),
        ]) {
            assert_eq!(field(line, "method"), method, "{line}");
            assert_eq!(field(line, "status"), status, "{line}");
            assert_eq!(field(line, "code"), code, "{line}");
            assert!(field(line, "id").len() > 8, "{line}");
        }
        let ids: std::collections::BTreeSet<_> =
            lines.iter().map(|line| field(line, "id")).collect();
        assert_eq!(ids.len(), 3, "{lines:#?}");
        assert!(!server.stderr().contains("secret"), "{}", server.stderr());
    });
}

#[test]
fn at_debug_every_request_is_logged_and_still_nothing_of_its_content() {
    on_each_storage(
        &["--log", "headwater=trace,headwater_server=trace,headwater_engine=trace"],
        |server| {
            server.put("s").text("created-secret").send().expect(201);
            server.append_text("s", "appended-secret");
            server.get("s", "offset=-1&x=query-secret").send().expect(200);
            let lines = lines_about(server, "s", 3);
            let statuses: Vec<_> = lines.iter().map(|line| field(line, "status")).collect();
            assert_eq!(statuses, ["201", "204", "200"], "{lines:#?}");
            assert!(!server.stderr().contains("secret"), "{}", server.stderr());
        },
    );
}
