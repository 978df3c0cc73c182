//! The verbs besides serving, and what each is given.

use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

/// Where operators ask unless it is said: the default of `--admin-listen`.
const ADMIN: &str = "127.0.0.1:4438";

/// Where streams are, unless it is said: the defaults of `--listen` and `--stream-root`.
const SERVER: &str = "http://127.0.0.1:4437";
const ROOT: &str = "/v1/stream";

/// Least bytes in a second of a backup: a server cuts who takes nothing for `--write-timeout`, and what is between the two comes
/// in lumps of some hundred kilobytes.
const LEAST_RATE: u64 = 64 << 10;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::process) enum Verb {
    /// Look whether a data directory is sound.
    Check(PathBuf),
    /// Make a backup.
    Backup {
        of: Of,
        to: PathBuf,
        /// Most bytes in a second.
        rate: Option<u64>,
    },
    /// Make a data directory of a backup.
    Restore { from: PathBuf, directory: PathBuf },
    /// Make a data directory of what is good in a damaged one.
    Repair { damaged: PathBuf, to: PathBuf },
    /// Write streams of a server to a file.
    Export { server: String, root: String, prefix: String, to: PathBuf },
    /// Bring the streams of a file to a server.
    Import { server: String, root: String, from: PathBuf },
}

/// Of what a backup is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::process) enum Of {
    /// Of what a server has, which is asked at its operators' listener.
    Server(String),
    /// Of a directory that no server has.
    Directory(PathBuf),
}

impl Verb {
    /// What a line asks for; `None` when it is to serve.
    pub(super) fn of(name: &str, given: &ArgMatches) -> Option<Self> {
        let path = |name: &str| given.get_one::<PathBuf>(name).cloned().unwrap_or_default();
        let text = |name: &str, default: &str| {
            given.get_one::<String>(name).map_or(default, String::as_str).to_owned()
        };
        Some(match name {
            "check" => Self::Check(path("DIR")),
            "backup" => Self::Backup {
                of: match given.get_one::<PathBuf>("data-dir") {
                    Some(directory) => Of::Directory(directory.clone()),
                    None => Of::Server(text("admin", ADMIN)),
                },
                to: path("to"),
                rate: given.get_one::<u64>("rate").copied(),
            },
            "restore" => Self::Restore { from: path("from"), directory: path("DIR") },
            "export" => Self::Export {
                server: text("server", SERVER),
                root: text("root", ROOT),
                prefix: text("prefix", ""),
                to: path("to"),
            },
            "import" => Self::Import {
                server: text("server", SERVER),
                root: text("root", ROOT),
                from: path("from"),
            },
            "repair" => Self::Repair { damaged: path("DIR"), to: path("to") },
            _ => return None,
        })
    }
}

/// Their definitions.
pub(super) fn commands() -> [Command; 6] {
    [check(), backup(), restore(), repair(), export(), import()]
}

fn check() -> Command {
    Command::new("check")
        .about("Read all of a data directory that nobody serves, change nothing, and tell what is damaged")
        .after_help("Exit code 0: nothing is damaged; 6: something is; 4: the directory is in use.")
        .arg(directory("The data directory"))
}

fn backup() -> Command {
    let of_server = Arg::new("admin")
        .long("admin")
        .value_name("ADDRESS")
        .help(format!("The operators' listener of the server [default: {ADMIN}]"));
    let of_directory = file("data-dir", "DIR", ValueHint::DirPath)
        .conflicts_with("admin")
        .help("A data directory that no server has open, instead");
    let rate = Arg::new("rate")
        .long("rate")
        .value_name("BYTES")
        .value_parser(value_parser!(u64).range(LEAST_RATE..))
        .help(format!(
            "Most bytes in a second, at least {LEAST_RATE} [default: as fast as it goes]"
        ));
    Command::new("backup")
        .about("Write a backup of everything, as of one commit, while the server goes on serving")
        .after_help("Until it is complete the file has `.part` behind its name. Exit code 0: it is complete, verified and synced.")
        .arg(of_server)
        .arg(of_directory)
        .arg(file("to", "FILE", ValueHint::FilePath).required(true).help("The backup; it must not be there yet"))
        .arg(rate)
}

fn restore() -> Command {
    Command::new("restore")
        .about("Make a data directory of a backup, verifying every byte")
        .after_help("Exit code 6: the backup is damaged or not complete, and there is no directory; or there is one, and what is damaged in it was so when the backup was made.")
        .arg(file("from", "FILE", ValueHint::FilePath).required(true).help("The backup"))
        .arg(directory("The data directory to make: a new or an empty one"))
}

fn repair() -> Command {
    Command::new("repair")
        .about("Copy what is good of a damaged data directory into a new one, and tell what is lost")
        .after_help("Exit code 0: nothing is lost; 6: something is, and the new directory has the rest. Nothing in the damaged one is changed.")
        .arg(directory("The damaged data directory, which no server has open"))
        .arg(
            file("to", "NEWDIR", ValueHint::DirPath)
                .required(true)
                .help("The data directory to make: a new or an empty one"),
        )
}

fn export() -> Command {
    Command::new("export")
        .about("Write streams of a server to a file, record by record")
        .after_help("Until it is complete the file has `.part` behind its name.")
        .args(of_server())
        .arg(
            Arg::new("prefix")
                .long("prefix")
                .value_name("PATH")
                .help("Only streams whose paths begin so [default: all]"),
        )
        .arg(
            file("to", "FILE", ValueHint::FilePath)
                .required(true)
                .help("The file; it must not be there yet"),
        )
}

fn import() -> Command {
    Command::new("import")
        .about("Create the streams of an exported file on a server, verifying all of it first")
        .after_help("It can be repeated where it was broken off. A stream that is there already, with something else in it, ends it.")
        .args(of_server())
        .arg(file("from", "FILE", ValueHint::FilePath).required(true).help("The file"))
}

fn of_server() -> [Arg; 2] {
    let server = Arg::new("server")
        .long("server")
        .value_name("URL")
        .help(format!("The server [default: {SERVER}]"));
    let root = Arg::new("root")
        .long("root")
        .value_name("PATH")
        .help(format!("Where its streams are [default: {ROOT}]"));
    [server, root]
}

fn file(name: &'static str, value: &'static str, hint: ValueHint) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .value_parser(ValueParser::path_buf())
        .value_hint(hint)
}

fn directory(help: &'static str) -> Arg {
    Arg::new("DIR")
        .value_name("DIR")
        .required(true)
        .value_parser(ValueParser::path_buf())
        .value_hint(ValueHint::DirPath)
        .help(help)
}
