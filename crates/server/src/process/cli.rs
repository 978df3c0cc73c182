//! The command line: a flag per setting, and what is no setting.

mod verbs;

use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

pub(super) use verbs::{Of, Verb};

use super::settings::{Arity, Flags, Given, ROWS, Row, Settings, Shown};

/// What is asked for.
#[derive(Debug)]
pub(super) enum Asked {
    /// Something that depends on settings.
    Server { flags: Flags, task: Task },
    /// Something that is done without a server of this process.
    Verb(Verb),
}

/// What is to be done with the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Serve,
    /// Say what they are.
    CheckConfig,
}

/// Reads a command line, the name of the program first. An error may be an answer: the help, or the version.
pub(super) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Asked, clap::Error> {
    let matches = command().try_get_matches_from(line)?;
    Ok(match matches.subcommand() {
        Some((name, given)) => match Verb::of(name, given) {
            Some(verb) => Asked::Verb(verb),
            None => asked(given),
        },
        None => asked(&matches),
    })
}

fn asked(matches: &ArgMatches) -> Asked {
    let given = ROWS.iter().filter_map(|row| {
        let texts = matches.get_many::<String>(row.name)?;
        Some(Given { row, texts: texts.cloned().collect() })
    });
    let flags = Flags { given: given.collect(), config: matches.get_one("config").cloned() };
    let task = if matches.get_flag("check-config") { Task::CheckConfig } else { Task::Serve };
    Asked::Server { flags, task }
}

fn command() -> Command {
    const SOURCES: &str = "Every flag that takes a value has a variable and a key in the file: --sse-max-age, \
                           HEADWATER_SSE_MAX_AGE, sse_max_age. A flag is stronger than a variable, a variable than the \
                           file.";
    let serve =
        Command::new("serve").about("Serve streams over HTTP. What is done when no verb is given");
    with_flags(Command::new("headwater"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("A durable event-stream server")
        .after_help(SOURCES)
        .args_conflicts_with_subcommands(true)
        .subcommand(with_flags(serve).after_help(SOURCES))
        .subcommands(verbs::commands())
}

fn with_flags(command: Command) -> Command {
    let defaults = Settings::default();
    let command = command
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(ValueParser::path_buf())
                .value_hint(ValueHint::FilePath)
                .help("Settings in a file, TOML. [variable: HEADWATER_CONFIG]"),
        )
        .arg(
            Arg::new("check-config")
                .long("check-config")
                .action(ArgAction::SetTrue)
                .help("Print what is in effect and where each value came from, and stop"),
        );
    ROWS.iter().fold(command, |command, row| command.arg(flag(row, &defaults)))
}

fn flag(row: &Row, defaults: &Settings) -> Arg {
    let action = match row.arity {
        Arity::One => ArgAction::Set,
        Arity::Many => ArgAction::Append,
    };
    let help = match row.get {
        Some(get) => match get(defaults) {
            Shown::Unset(_) => row.about.to_owned(),
            shown => format!("{} [default: {shown}]", row.about),
        },
        None => row.about.to_owned(),
    };
    Arg::new(row.name)
        .long(row.name)
        .value_name(row.value)
        .action(action)
        .help_heading(row.section.title())
        .help(help)
}

#[cfg(test)]
#[path = "cli/tests.rs"]
mod tests;
