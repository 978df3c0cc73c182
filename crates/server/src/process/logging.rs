//! Logs, on standard error: lines for people, or JSON for programs.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use super::exit::{Exit, Failed};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people, with colours on a terminal.
    Pretty,
    /// An object per line.
    Json,
}

impl Format {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        }
    }
}

/// Parses what is to be logged: `info`, `debug`, or directives such as `warn,headwater_server=debug`.
pub(super) fn filter(text: &str) -> Result<EnvFilter, Failed> {
    EnvFilter::try_new(text)
        .map_err(|error| Failed::new(Exit::Usage, format!("log, {text:?}: {error}")))
}

/// Starts writing what the filter lets through.
pub(super) fn start(filter: EnvFilter, format: Format) -> Result<(), Failed> {
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        Format::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failed::new(Exit::Internal, format!("logs cannot be written: {error}")))
}
