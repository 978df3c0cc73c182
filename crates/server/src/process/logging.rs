//! Logs: lines for people, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::exit::{Exit, Failed};

/// Starts writing what the filter lets through: `info`, `debug`, or directives such as
/// `warn,headwater_server=debug`.
pub(super) fn start(filter: &str) -> Result<(), Failed> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failed::new(Exit::Usage, format!("--log {filter:?}: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| Failed::new(Exit::Internal, format!("logs cannot be written: {error}")))
}
