//! Logs, on standard error: lines for people, or JSON for programs.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::filter::{FilterExt, FilterFn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::exit::{Exit, Failed};
use super::export::Export;

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

/// Starts writing what the filter lets through, and exporting spans, which have a filter of their own.
pub(super) fn start(
    filter: EnvFilter,
    format: Format,
    export: Option<&Export>,
) -> Result<(), Failed> {
    let registry = tracing_subscriber::registry();
    let started = match export {
        None => registry.with(lines(format).with_filter(filter)).try_init(),
        Some(export) => {
            let filter = filter.and(FilterFn::new(Export::is_news));
            registry.with(lines(format).with_filter(filter)).with(export.layer()).try_init()
        }
    };
    started.map_err(|error| Failed::new(Exit::Internal, format!("logs cannot be written: {error}")))
}

fn lines<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = fmt::layer().with_writer(std::io::stderr);
    match format {
        Format::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    }
}
