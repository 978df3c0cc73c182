//! Command lines and what they ask for.

use super::*;

fn line(line: &str) -> Result<Asked, clap::Error> {
    parse(std::iter::once("headwater").chain(line.split_whitespace()).map(OsString::from))
}

/// What a line that is about settings asks for.
fn of_server(text: &str) -> (Flags, Task) {
    match line(text).unwrap() {
        Asked::Server { flags, task } => (flags, task),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[test]
fn no_verb_means_serve() {
    for text in ["--port 0 --storage memory", "serve --port 0 --storage memory"] {
        let (flags, task) = of_server(text);
        assert_eq!(task, Task::Serve);
        let given: Vec<_> =
            flags.given.iter().map(|given| (given.row.name, &*given.texts)).collect();
        assert_eq!(given, [("port", &["0".to_owned()][..]), ("storage", &["memory".to_owned()])]);
    }
}

#[test]
fn what_is_no_setting_is_taken_too() {
    let (flags, task) = of_server("serve --check-config --config x.toml");
    assert_eq!(task, Task::CheckConfig);
    assert_eq!(flags.config.as_deref(), Some(std::path::Path::new("x.toml")));
    assert!(flags.given.is_empty());
}

#[test]
fn a_check_is_of_a_directory() {
    let asked = line("check some/dir").unwrap();
    let Asked::Verb(verb) = asked else { panic!("{asked:?}") };
    assert_eq!(verb, Verb::Check("some/dir".into()));
}

#[test]
fn a_backup_is_of_a_server_or_of_a_directory() {
    let to = || "b".into();
    for (text, expected) in [
        (
            "backup --to b",
            Verb::Backup { of: Of::Server("127.0.0.1:4438".to_owned()), to: to(), rate: None },
        ),
        (
            "backup --admin http://h:1 --to b --rate 500000",
            Verb::Backup { of: Of::Server("http://h:1".to_owned()), to: to(), rate: Some(500_000) },
        ),
        (
            "backup --data-dir d --to b",
            Verb::Backup { of: Of::Directory("d".into()), to: to(), rate: None },
        ),
        ("restore --from b d", Verb::Restore { from: "b".into(), directory: "d".into() }),
        (
            "export --to f",
            Verb::Export {
                server: "http://127.0.0.1:4437".to_owned(),
                root: "/v1/stream".to_owned(),
                prefix: String::new(),
                to: "f".into(),
            },
        ),
        (
            "import --from f --server http://h:1 --root /x",
            Verb::Import {
                server: "http://h:1".to_owned(),
                root: "/x".to_owned(),
                from: "f".into(),
            },
        ),
        ("repair d --to n", Verb::Repair { damaged: "d".into(), to: "n".into() }),
    ] {
        let asked = line(text).unwrap();
        let Asked::Verb(verb) = asked else { panic!("{asked:?}") };
        assert_eq!(verb, expected, "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for text in [
        "start",
        "--unknown",
        "serve serve",
        "check",
        "check a b",
        "check a --data-dir b",
        "backup",
        "backup b",
        "backup --to b --data-dir d --admin h:1",
        "backup --to b --rate 5000",
        "restore d",
        "restore --from b",
        "repair d",
        "export",
        "import f",
        "--storage memory serve",
        "--data-dir",
        "--data-dir --storage sled",
        "--port 1 --port 2",
        "--long-poll-timeout -1s",
    ] {
        assert_eq!(line(text).unwrap_err().exit_code(), 2, "{text}");
    }
}

#[test]
fn the_help_has_a_line_for_every_setting_and_its_default() {
    let help = line("--help").unwrap_err();
    assert_eq!(help.exit_code(), 0);
    let help = help.to_string();
    for row in ROWS {
        assert!(help.contains(&format!("{} <{}>", row.flag(), row.value)), "{row:?}:\n{help}");
    }
    assert!(help.contains("[default: 30s]") && help.contains("[default: 16777216]"), "{help}");
}
