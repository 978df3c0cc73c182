//! Sources, their strength, and what they must not say.

use std::ffi::OsString;
use std::io::Write;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::errors;
use crate::process::cli;
use crate::roots::StreamRoots;

/// What the three sources say: a command line, variables as `NAME=value` words, and the text of a file.
fn resolved(line: &str, variables: &str, text: &str) -> Result<resolve::Resolved, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let words = std::iter::once("headwater").chain(line.split_whitespace()).map(OsString::from);
    let asked = cli::parse(words).map_err(|error| error.to_string())?;
    let cli::Asked::Server { mut flags, .. } = asked else { return Err(format!("{asked:?}")) };
    if !text.is_empty() {
        flags.config = Some(file.path().to_owned());
    }
    let variables = variables.split_whitespace().map(|word| word.split_once('=').unwrap());
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let environment = Environment::read(variables).map_err(|failed| failed.message)?;
    resolve(flags, environment).map_err(|failed| {
        assert_eq!(failed.exit, crate::process::Exit::Usage);
        failed.message.replace(&file.path().display().to_string(), "FILE")
    })
}

fn settings(line: &str, variables: &str, text: &str) -> Result<Settings, String> {
    resolved(line, variables, text).map(|resolved| resolved.settings)
}

#[test]
fn the_defaults_are_those_of_the_library() {
    let defaults = settings("", "", "").unwrap();
    assert_eq!(defaults.listen().to_string(), "127.0.0.1:4437");
    assert_eq!(defaults.data_dir, PathBuf::from("./headwater-data"));
    assert_eq!((defaults.storage, defaults.log.as_str()), (None, "info"));
    assert_eq!(format!("{:?}", defaults.http), format!("{:?}", Config::default()));
    assert_eq!(format!("{:?}", defaults.engine), format!("{:?}", Options::default()));
    assert_eq!(defaults.journal, headwater_storage::journal::Options::default());
}

#[test]
fn every_setting_is_taken_from_every_source() {
    for row in ROWS {
        let text = match row.name {
            // Refused from wherever it comes; another test says so.
            "otlp-endpoint" if !cfg!(feature = "otel") => continue,
            "otlp-endpoint" => "http://127.0.0.1:4318",
            "listen" | "admin-listen" => "127.0.0.9:9",
            "host" => "127.0.0.9",
            "storage" => "memory",
            "sync" => "7ms",
            "stream-root" => "/a",
            "log-format" => "json",
            "data-dir" | "log" => "debug",
            "max-head-bytes" => "9000",
            "reading-bytes" | "recent-bytes" => "2000000",
            // Larger than the default, since bodies must fit what is in flight.
            "in-flight-bytes" | "in-flight-bytes-per-stream" => "150000000",
            _ if row.value == "TIME" => "7s",
            _ => "77",
        };
        let mut shown = Vec::new();
        for (line, variables, file) in [
            (format!("{} {text}", row.flag()), String::new(), String::new()),
            (String::new(), format!("{}={text}", row.variable()), String::new()),
            (String::new(), String::new(), format!("{} = {text:?}", row.key())),
        ] {
            let taken = settings(&line, &variables, &file).unwrap();
            shown.push(format!("{taken:?}"));
        }
        let default = format!("{:?}", Settings::default());
        assert!(shown.iter().all(|one| *one == shown[0] && *one != default), "{row:?}: {shown:?}");
    }
}

#[test]
fn a_flag_is_stronger_than_a_variable_and_that_than_the_file() {
    let (flag, variable, file) =
        ("--sse-max-age 1s", "HEADWATER_SSE_MAX_AGE=2s", "sse_max_age = '3s'");
    for (line, variables, text, expected) in [
        (flag, variable, file, 1),
        (flag, "", file, 1),
        ("", variable, file, 2),
        ("", "", file, 3),
        ("", "", "", 60),
    ] {
        let age = settings(line, variables, text).unwrap().http.sse_max_age;
        assert_eq!(age, Duration::from_secs(expected));
    }
}

#[test]
fn a_list_is_repeated_or_has_commas_or_is_an_array() {
    let roots = StreamRoots::new(["/a/", "/b/"]).unwrap();
    for (line, variables, file) in [
        ("--stream-root /a --stream-root /b", "", ""),
        ("--stream-root /a --stream-root /b", "HEADWATER_STREAM_ROOT=/c", "stream_root = ['/d']"),
        ("", "HEADWATER_STREAM_ROOT=/a,/b/", "stream_root = '/c'"),
        ("", "", "stream_root = ['/a', '/b']"),
    ] {
        assert_eq!(settings(line, variables, file).unwrap().http.stream_roots, roots);
    }
}

#[test]
fn what_is_kept_may_differ_from_space_to_space() {
    for (line, variables, file) in [
        ("--retention-bytes 9 --retention-bytes a/b=7 --retention-bytes =8", "", ""),
        ("", "HEADWATER_RETENTION_BYTES=9,a/b=7,=8", ""),
        ("", "", "retention_bytes = ['9', 'a/b=7', '=8']"),
    ] {
        let settings = settings(line, variables, file).unwrap();
        let bytes = |space| settings.engine.retention.of(space).bytes.map(NonZeroU64::get);
        let kept = ["", "a/b", "a", "c"].map(|space| bytes(space).unwrap());
        assert_eq!(kept, [8, 7, 9, 9], "{line}{variables}{file}");
        assert_eq!(settings.engine.retention.of("a").seconds, None);
    }
}

#[test]
fn the_file_may_be_named_by_a_variable() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"port = 9").unwrap();
    let variable = format!("HEADWATER_CONFIG={}", file.path().display());
    assert_eq!(settings("", &variable, "").unwrap().port, 9);
    // A flag is stronger here too.
    assert_eq!(settings("", &variable, "port = 8").unwrap().port, 8);
}

#[test]
fn where_to_listen() {
    for (line, variables, file, expected) in [
        ("", "", "", "127.0.0.1:4437"),
        ("--listen [::1]:1", "", "", "[::1]:1"),
        ("--host 0.0.0.0", "", "", "0.0.0.0:4437"),
        ("--host [::]", "", "", "[::]:4437"),
        ("--port 0", "", "", "127.0.0.1:0"),
        // The variable of the host counts alone, and only for the port.
        ("", "PORT=8080", "", "127.0.0.1:8080"),
        ("", "PORT=", "", "127.0.0.1:4437"),
        ("--listen [::1]:1", "PORT=8080", "", "[::1]:1"),
        ("--listen [::1]:1", "PORT=x", "", "[::1]:1"),
        ("--port 1", "PORT=8080", "", "127.0.0.1:1"),
        ("--host ::1", "PORT=8080", "", "[::1]:4437"),
        ("", "PORT=8080", "port = 1", "127.0.0.1:1"),
        // Each half from the strongest source that gives it.
        ("--port 1", "", "listen = '0.0.0.0:2'", "0.0.0.0:1"),
        ("--listen 127.0.0.2:2", "HEADWATER_PORT=1", "", "127.0.0.2:2"),
        ("", "HEADWATER_LISTEN=127.0.0.2:2", "host = '::1'", "127.0.0.2:2"),
    ] {
        let listen = settings(line, variables, file).map(|settings| settings.listen().to_string());
        assert_eq!(listen.as_deref(), Ok(expected), "{line} {variables} {file}");
    }
}

#[test]
fn where_operators_are_listened_to() {
    for (line, expected) in [
        ("", Some("127.0.0.1:4438")),
        ("--listen 0.0.0.0:1", Some("127.0.0.1:4438")),
        ("--listen 0.0.0.0:0", Some("127.0.0.1:0")),
        ("--port 4438", Some("127.0.0.1:4439")),
        ("--port 0 --admin-listen [::1]:5", Some("[::1]:5")),
        ("--admin-listen off", None),
    ] {
        let listen = settings(line, "", "").unwrap().admin_listen().map(|at| at.to_string());
        assert_eq!(listen.as_deref(), expected, "{line}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_named() {
    for (line, variables, file, named) in [
        ("--listen 4437", "", "", "--listen"),
        ("--listen 127.0.0.1", "", "", "--listen"),
        ("--listen 127.0.0.1:65536", "", "", "--listen"),
        ("--host localhost", "", "", "--host"),
        ("--listen 127.0.0.1:1 --port 1", "", "", "--port and --listen exclude"),
        ("--listen 127.0.0.1:1 --host ::1", "", "", "--host and --listen exclude"),
        ("", "HEADWATER_LISTEN=[::1]:1 HEADWATER_PORT=1", "", "exclude each other"),
        ("", "", "listen = '[::1]:1'\nport = 1", "port in FILE"),
        ("", "PORT=x", "", "PORT"),
        ("", "PORT=65536", "", "PORT"),
        ("--storage rocks", "", "", "one of sled, journal, memory"),
        ("--long-poll-timeout 0s", "", "", "--long-poll-timeout"),
        ("--long-poll-timeout 30", "", "", "500ms, 30s, 5m"),
        ("--long-poll-timeout 25h", "", "", "more than a day"),
        ("--sse-max-age 99ms", "", "", "--sse-max-age"),
        ("--max-body-bytes 0", "", "", "--max-body-bytes"),
        ("--max-body-bytes 16MiB", "", "", "without a unit"),
        ("--max-body-bytes 100000000", "", "", "must fit"),
        ("--max-head-bytes 8191", "", "", "less than 8192"),
        ("--reading-bytes 1048575", "", "", "less than 1048576"),
        ("--recent-bytes 65535", "", "", "less than 65536"),
        ("--sync never", "", "", "always is wanted, or a time such as 5ms"),
        ("--sync 5", "", "", "always is wanted"),
        ("--sync 999us", "", "", "less than 1ms"),
        ("", "HEADWATER_SYNC=11s", "", "more than 10s"),
        ("", "", "sync = 'sometimes'", "sync in FILE"),
        ("--in-flight-bytes 1000", "", "", "must fit"),
        ("--retention-bytes 0", "", "", "--retention-bytes"),
        ("--retention-bytes a/b=", "", "", "a whole number"),
        ("--retention-seconds a//b=1", "", "", "a//b"),
        ("--retention-seconds a=1 --retention-seconds a=2", "", "", "more than one limit"),
        ("--stream-root /", "", "", "--stream-root"),
        ("--stream-root /a --stream-root /a/b", "", "", "overlap"),
        ("", "HEADWATER_STREAM_ROOT=/a,b", "", "\"b\" is not a root"),
        ("--log-format xml", "", "", "one of pretty, json"),
        ("", "HEADWATER_LONG_POLL_TIMEOUT=soon", "", "HEADWATER_LONG_POLL_TIMEOUT"),
        (
            "",
            "HEADWATER_LONGPOLL_TIMEOUT=1s",
            "",
            "HEADWATER_LONGPOLL_TIMEOUT: there is no such variable",
        ),
        ("", "", "long_poll_timeout = 'soon'", "long_poll_timeout in FILE"),
        ("", "", "long-poll-timeout = '1s'", "no key `long-poll-timeout`"),
        ("", "", "[server]\nport = 1", "no key `server`"),
        ("", "", "port = true", "`port` is of the type boolean"),
        ("", "", "port = [1]", "`port` is of the type array"),
        ("", "", "port = -1", "a port is wanted"),
        ("", "", "port = ", "line 1"),
        ("", "", "port = 1\nport = 2", "duplicate key"),
        ("--config /nowhere/x.toml", "", "", "/nowhere/x.toml"),
    ] {
        let refused = settings(line, variables, file).map(|_| ()).unwrap_err();
        assert!(refused.contains(named), "{line} {variables} {file}: {refused}");
    }
}

#[test]
fn only_a_program_that_can_export_spans_takes_an_endpoint() {
    let endpoint = "http://127.0.0.1:4318";
    for (line, variables, file, named) in [
        (format!("--otlp-endpoint {endpoint}"), String::new(), String::new(), "--otlp-endpoint"),
        (String::new(), format!("HEADWATER_OTLP_ENDPOINT={endpoint}"), String::new(), "HEADWATER_"),
        (String::new(), String::new(), format!("otlp_endpoint = '{endpoint}'"), "otlp_endpoint in"),
    ] {
        let taken = settings(&line, &variables, &file);
        let taken = taken.map(|settings| settings.otlp_endpoint.map(|taken| taken.to_string()));
        if cfg!(feature = "otel") {
            assert_eq!(taken, Ok(Some(endpoint.to_owned())));
        } else {
            let refused = taken.unwrap_err();
            assert!(refused.contains(named), "{refused}");
            assert!(refused.contains("without the feature otel"), "{refused}");
        }
    }
    let refused = settings("--otlp-endpoint 127.0.0.1:4318", "", "").map(|_| ()).unwrap_err();
    assert!(refused.contains("--otlp-endpoint"), "{refused}");
}

#[test]
fn what_kubernetes_sets_beside_a_service_of_our_name_is_not_ours() {
    let variables = "HEADWATER_SERVICE_HOST=10.0.0.1 HEADWATER_SERVICE_PORT=4437 HEADWATER_PORT=tcp://10.0.0.1:4437 \
                     HEADWATER_PORT_4437_TCP_ADDR=10.0.0.1 HEADWATER_ADMIN_PORT=tcp://10.0.0.1:1 \
                     HEADWATER_SERVICE_PORT_HTTP=4437";
    let settings = settings("", variables, "").unwrap();
    assert_eq!(settings.listen(), Settings::default().listen());
}

#[test]
fn what_is_shown_is_a_configuration_that_means_the_same() {
    let line = "--listen 127.0.0.9:9 --storage memory --sse-max-age 90m";
    let asked = resolved(line, "HEADWATER_LOG=debug", "max_body_bytes = 5").unwrap();
    let mut shown = Vec::new();
    check_config(&mut shown, &asked).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    for expected in [
        "host = \"127.0.0.9\" # command line\n",
        "port = 9 # command line\n",
        "sse_max_age = \"1h 30m\" # command line\n",
        "log = \"debug\" # environment\n",
        "sse_keep_alive = \"15s\" # default\n",
    ] {
        assert!(shown.contains(expected), "{expected} in\n{shown}");
    }
    let again = settings("", "", &shown).unwrap();
    assert_eq!(format!("{again:?}"), format!("{:?}", asked.settings));
    assert!(shown.lines().any(|line| line.starts_with("max_body_bytes = 5 # /")), "{shown}");
}

/// The table of the page, as the rows of the code have it.
fn table() -> String {
    let mut lines = vec![
        "| flag | variable | key | default | what | exceeded |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for row in ROWS {
        let default = match row.get.map(|get| get(&Settings::default())) {
            None | Some(Shown::Unset(_)) => String::new(),
            Some(shown) => format!("`{shown}`"),
        };
        let exceeded = match row.exceeded {
            Exceeded::Nothing => String::new(),
            Exceeded::Bare(status) => format!("`{status}`"),
            Exceeded::Code(code) => {
                format!("`{} {}`", errors::status(code).as_u16(), code.as_str())
            }
        };
        let (flag, variable, key, about) = (row.flag(), row.variable(), row.key(), row.about);
        lines.push(format!(
            "| `{flag}` | `{variable}` | `{key}` | {default} | {about} | {exceeded} |"
        ));
    }
    lines.join("\n")
}

#[test]
fn the_page_has_the_table() {
    let page = include_str!("../../../../../docs/configuration.md");
    let table = table();
    assert!(page.contains(&table), "docs/configuration.md should have this table:\n{table}");
}
