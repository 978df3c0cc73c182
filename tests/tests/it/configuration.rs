//! Configuration from the outside: the file, the environment, `--check-config`, and what is refused before anything is opened.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use headwater_tests::{Launch, Storage, binary, exit};

/// Runs the program to its end in a directory, with nothing in its environment but these variables.
fn run(home: &Path, flags: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(binary::headwater());
    command.args(flags).env_clear().envs(variables.iter().copied()).current_dir(home);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn what_is_in_effect_is_printed_with_its_source_and_is_a_configuration_itself() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("a.toml"), "sse_max_age = '5m'\nlog = 'warn'\nport = 1").unwrap();
    let flags = ["--check-config", "--config", "a.toml", "--port", "0"];
    let variables = [("HEADWATER_LOG", "debug"), ("PORT", "8080")];
    let shown = run(home.path(), &flags, &variables);
    assert_eq!(shown.status.code(), Some(exit::STOPPED), "{shown:?}");
    let shown = text(&shown.stdout);
    for line in [
        "port = 0 # command line",
        "log = \"debug\" # environment",
        "sse_max_age = \"5m\" # a.toml",
        "host = \"127.0.0.1\" # default",
        "stream_root = [\"/v1/stream/\"] # default",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in\n{shown}");
    }
    assert!(!home.path().join("headwater-data").exists(), "nothing is opened");

    fs::write(home.path().join("b.toml"), shown).unwrap();
    let again = run(home.path(), &["serve", "--check-config", "--config", "b.toml"], &[]);
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(values(text(&again.stdout)), values(shown));
}

#[test]
fn what_makes_no_sense_ends_with_2_before_anything_is_opened() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("bad.toml"), "sse_max_agee = '5m'").unwrap();
    for (flags, variables, named) in [
        (&["--listen", "127.0.0.1:0", "--port", "0"][..], &[][..], "--listen"),
        (&["--config", "bad.toml"], &[], "sse_max_agee"),
        (&["--config", "none.toml"], &[], "none.toml"),
        (&[], &[("HEADWATER_CONFIG", "bad.toml")], "sse_max_agee"),
        (&[], &[("HEADWATER_SSE_MAX_AGEE", "5m")], "HEADWATER_SSE_MAX_AGEE"),
        (&[], &[("PORT", "http")], "PORT"),
        (&["--log", "a=b=c"], &[], "log"),
        (&["--check-config", "--sse-max-age", "0s"], &[], "--sse-max-age"),
        // The program is built as it is shipped, which is without that feature.
        (&["--otlp-endpoint", "http://127.0.0.1:4318"], &[], "without the feature otel"),
    ] {
        let ended = run(home.path(), flags, variables);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(exit::USAGE), "{flags:?} {variables:?}: {said}");
        assert!(said.contains(named), "{named}: {said}");
        assert!(!home.path().join("headwater-data").exists());
    }
}

#[test]
fn a_server_takes_its_settings_from_the_file() {
    let launch = Launch::new(Storage::Memory);
    let file = launch.home().join("headwater.toml");
    fs::write(&file, "max_body_bytes = 10\nlog_format = 'json'\nlog = 'info'").unwrap();
    let server = launch.flags(&["--config", file.to_str().unwrap()]).start();
    server.put("a").text("0123456789").send().expect(201);
    server.put("b").text("0123456789x").send().expect_error(413, "too_large");
    let exit = {
        server.terminate();
        server.wait_for_exit()
    };
    let lines: Vec<serde_json::Value> =
        exit.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["code"] == "too_large"), "{lines:?}");
}
