//! Command lines and what they mean.

use clap::CommandFactory;

use super::*;

fn settings(line: &str, port: Option<&str>) -> Result<Settings, u8> {
    let words = std::iter::once("headwater").chain(line.split_whitespace());
    let cli = Cli::try_parse_from(words).map_err(|error| error.exit_code() as u8)?;
    Settings::of(cli, port.map(OsString::from)).map_err(|failed| failed.exit.code())
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn no_verb_means_serve() {
    for line in
        ["--listen 127.0.0.1:0 --storage memory", "serve --listen 127.0.0.1:0 --storage memory"]
    {
        let settings = settings(line, None).unwrap();
        assert_eq!(settings.listen, SocketAddr::from(([127, 0, 0, 1], 0)));
        assert_eq!(settings.storage, Some(Adapter::Memory));
    }
}

#[test]
fn the_defaults_are_those_of_the_library() {
    let Settings { listen, data_dir, storage, http, engine, log } = settings("", None).unwrap();
    assert_eq!(listen, SocketAddr::from(([127, 0, 0, 1], 4437)));
    assert_eq!(data_dir, PathBuf::from("./headwater-data"));
    assert_eq!((storage, log.as_str()), (None, "info"));
    assert_eq!(format!("{http:?}"), format!("{:?}", Config::default()));
    assert_eq!(format!("{engine:?}"), format!("{:?}", Options::default()));
}

#[test]
fn flags_are_taken() {
    let line = "serve --data-dir /tmp/x --storage sled --long-poll-timeout 500ms --sse-max-age 5m \
                --sse-keep-alive 2s --max-body-bytes 10 --in-flight-bytes-per-stream 10 \
                --in-flight-bytes 20 --body-timeout 1s --head-timeout 2s --drain-timeout 3s --log debug";
    let Settings { data_dir, storage, http, engine, log, .. } = settings(line, None).unwrap();
    assert_eq!((data_dir, storage), (PathBuf::from("/tmp/x"), Some(Adapter::Sled)));
    assert_eq!(http.long_poll_timeout, Duration::from_millis(500));
    assert_eq!(http.sse_max_age, Duration::from_secs(300));
    assert_eq!(http.sse_keep_alive, Duration::from_secs(2));
    assert_eq!(http.max_body_bytes, 10);
    assert_eq!(http.body_timeout, Duration::from_secs(1));
    assert_eq!(http.head_timeout, Duration::from_secs(2));
    assert_eq!(http.drain_timeout, Duration::from_secs(3));
    assert_eq!((engine.in_flight_bytes_per_stream, engine.in_flight_bytes), (10, 20));
    assert_eq!(log, "debug");
}

#[test]
fn the_port_variable_counts_only_when_nothing_says_where_to_listen() {
    let port = |line, port| settings(line, port).map(|settings| settings.listen.to_string());
    assert_eq!(port("", Some("8080")), Ok("127.0.0.1:8080".into()));
    assert_eq!(port("", Some("")), Ok("127.0.0.1:4437".into()));
    assert_eq!(port("--listen [::1]:1", Some("8080")), Ok("[::1]:1".into()));
    assert_eq!(port("--listen [::1]:1", Some("x")), Ok("[::1]:1".into()));
    for bad in ["x", "65536", "-1"] {
        assert_eq!(port("", Some(bad)), Err(2), "{bad}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "start",
        "--unknown",
        "--listen 4437",
        "--listen 127.0.0.1",
        "--listen 127.0.0.1:65536",
        "--storage rocks",
        "--data-dir",
        "--long-poll-timeout 0s",
        "--long-poll-timeout 0",
        "--long-poll-timeout 30",
        "--long-poll-timeout -1s",
        "--long-poll-timeout 25h",
        "--long-poll-timeout soon",
        "--sse-max-age 0s",
        "--sse-max-age 99ms",
        "--sse-keep-alive 0s",
        "--max-body-bytes 0",
        "--max-body-bytes -1",
        "--max-body-bytes 16MiB",
        "--max-body-bytes 100000000",
        "--in-flight-bytes 1000",
        "--storage memory serve",
    ] {
        assert_eq!(settings(line, None).err(), Some(2), "{line}");
    }
}

#[test]
fn every_flag_has_a_variable() {
    for command in [Cli::command(), Cli::command().find_subcommand("serve").unwrap().clone()] {
        for flag in command
            .get_arguments()
            .filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"))
        {
            let name = flag.get_long().unwrap().replace('-', "_").to_uppercase();
            let variable = flag.get_env().unwrap().to_str().unwrap();
            assert_eq!(variable, format!("HEADWATER_{name}"));
        }
    }
}
