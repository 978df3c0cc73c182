//! The rows.

use clap::ValueEnum;
use headwater_core::Code;

use super::value::{self, Shown, path, shown_count, shown_path, shown_text, shown_time, text};
use super::{Admin, Settings};
use crate::process::export::Endpoint;
use crate::process::logging::Format;
use crate::roots::StreamRoots;
use crate::storage::Adapter;

/// What a group of settings is about: a heading of the help, and of `docs/configuration.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Section {
    Listening,
    Storage,
    Reading,
    Limits,
    Times,
    Logs,
}

impl Section {
    pub(in crate::process) const ALL: &'static [Self] =
        &[Self::Listening, Self::Storage, Self::Reading, Self::Limits, Self::Times, Self::Logs];

    pub(in crate::process) fn title(self) -> &'static str {
        match self {
            Self::Listening => "Listening",
            Self::Storage => "Storage",
            Self::Reading => "Live readers",
            Self::Limits => "Limits",
            Self::Times => "Times",
            Self::Logs => "Logs and traces",
        }
    }
}

/// How often one source may give a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Arity {
    One,
    Many,
}

/// What becomes of a request that exceeds a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Exceeded {
    /// It is no limit of requests.
    Nothing,
    /// It is refused with this code.
    Code(Code),
    /// The HTTP library answers with this status alone.
    Bare(u16),
}

/// One setting.
pub(in crate::process) struct Row {
    /// As the flag has it: words with dashes.
    pub(in crate::process) name: &'static str,
    pub(in crate::process) section: Section,
    /// What stands for the value in the help.
    pub(in crate::process) value: &'static str,
    pub(in crate::process) about: &'static str,
    pub(in crate::process) arity: Arity,
    /// Reads what one source says. The text says what is wrong with it.
    pub(super) set: fn(&mut Settings, &[&str]) -> Result<(), String>,
    /// The value; none where the setting only stands for others.
    pub(in crate::process) get: Option<fn(&Settings) -> Shown>,
    /// The other settings that it gives.
    stands_for: &'static [&'static str],
    /// What is answered to who exceeds it.
    pub(in crate::process) exceeded: Exceeded,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Row {
    /// `--long-poll-timeout`
    pub(in crate::process) fn flag(&self) -> String {
        format!("--{}", self.name)
    }

    /// `HEADWATER_LONG_POLL_TIMEOUT`
    pub(in crate::process) fn variable(&self) -> String {
        format!("HEADWATER_{}", self.key().to_uppercase())
    }

    /// `long_poll_timeout`
    pub(in crate::process) fn key(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The settings that a value of this one decides.
    pub(super) fn covers(&self) -> impl Iterator<Item = &'static str> {
        let itself = self.get.map(|_| self.name);
        itself.into_iter().chain(self.stands_for.iter().copied())
    }

    const fn new(
        section: Section,
        name: &'static str,
        value: &'static str,
        about: &'static str,
        set: fn(&mut Settings, &[&str]) -> Result<(), String>,
        get: fn(&Settings) -> Shown,
    ) -> Self {
        let (arity, get) = (Arity::One, Some(get));
        Self {
            name,
            section,
            value,
            about,
            arity,
            set,
            get,
            stands_for: &[],
            exceeded: Exceeded::Nothing,
        }
    }

    const fn standing_for(mut self, others: &'static [&'static str]) -> Self {
        self.stands_for = others;
        self.get = None;
        self
    }

    const fn repeated(mut self) -> Self {
        self.arity = Arity::Many;
        self
    }

    const fn cut_off(mut self, status: u16) -> Self {
        self.exceeded = Exceeded::Bare(status);
        self
    }

    const fn refusing(mut self, code: Code) -> Self {
        self.exceeded = Exceeded::Code(code);
        self
    }
}

/// The only text that a setting of one value was given.
fn only<T>(texts: &[&str], parse: fn(&str) -> Result<T, String>) -> Result<T, String> {
    match texts {
        [text] => parse(text),
        _ => Err("one value is wanted".to_owned()),
    }
}

/// A row whose value is one field of the settings.
macro_rules! row {
    ($section:ident, $name:literal, $value:literal, $parse:path, $show:path, $($field:ident).+, $about:literal) => {
        Row::new(
            Section::$section,
            $name,
            $value,
            $about,
            |settings, texts| {
                settings.$($field).+ = only(texts, $parse)?;
                Ok(())
            },
            |settings| $show(settings.$($field).+.clone()),
        )
    };
}

/// Every setting, in the order of the help.
pub(in crate::process) const ROWS: &[Row] = &[
    Row::new(
        Section::Listening,
        "listen",
        "ADDR:PORT",
        "Address and port to listen on, instead of --host and --port.",
        |settings, texts| {
            let address = only(texts, value::address)?;
            (settings.host, settings.port) = (address.ip(), address.port());
            Ok(())
        },
        |settings| Shown::Text(settings.listen().to_string()),
    )
    .standing_for(&["host", "port"]),
    row!(
        Listening,
        "host",
        "ADDR",
        value::host,
        shown_text,
        host,
        "Address to listen on; 0.0.0.0 or :: for all."
    ),
    row!(
        Listening,
        "port",
        "PORT",
        value::port,
        shown_count,
        port,
        "Port to listen on; 0 picks a free one. The variable PORT counts when nothing else says where to listen."
    ),
    row!(
        Listening,
        "admin-listen",
        "ADDR:PORT",
        admin,
        shown_admin,
        admin,
        "Address and port for operators: metrics and status; off for none. Without it 127.0.0.1:4438, or a free port where --port is 0."
    ),
    Row::new(
        Section::Listening,
        "stream-root",
        "PATH",
        "Path under which streams live; may be repeated, all are aliases of one namespace.",
        |settings, texts| {
            settings.http.stream_roots =
                StreamRoots::new(texts.iter().copied()).map_err(|error| error.to_string())?;
            Ok(())
        },
        |settings| Shown::List(settings.http.stream_roots.iter().map(str::to_owned).collect()),
    )
    .repeated(),
    row!(Storage, "data-dir", "DIR", path, shown_path, data_dir, "Where streams are kept."),
    row!(
        Storage,
        "storage",
        "KIND",
        adapter,
        shown_adapter,
        storage,
        "How streams are kept: sled, journal or memory. Without it an existing data directory decides; a new one is journal's."
    ),
    row!(
        Storage,
        "sync",
        "WHEN",
        value::sync,
        value::shown_sync,
        journal.sync,
        "When journal makes durable what is appended: always, before it is acknowledged, or within a time after, 1ms to 10s, such as 5ms. Then the death of the operating system or a loss of power takes what was acknowledged last. sled and memory know always alone."
    ),
    row!(
        Storage,
        "recent-bytes",
        "BYTES",
        value::recent_bytes,
        shown_count,
        journal.recent_bytes,
        "Memory, in journal, for what was appended last and is not packed into chunk files; while it is packed, up to three times as much. More makes larger files, less a faster start after a crash. At least 65536."
    ),
    Row::new(
        Section::Storage,
        "retention-bytes",
        "[SPACE=]BYTES",
        "How many payload bytes a new stream keeps whose creation does not say it, in that space, =BYTES in the root's, or in all that have none of their own; may be repeated. Streams that exist keep what they kept.",
        |settings, texts| {
            settings.engine.retention.bytes = value::limit_by_space(texts)?;
            Ok(())
        },
        |settings| value::shown_by_space(&settings.engine.retention.bytes),
    )
    .repeated(),
    Row::new(
        Section::Storage,
        "retention-seconds",
        "[SPACE=]SECONDS",
        "For how many seconds a new stream keeps a record; the same otherwise.",
        |settings, texts| {
            settings.engine.retention.seconds = value::limit_by_space(texts)?;
            Ok(())
        },
        |settings| value::shown_by_space(&settings.engine.retention.seconds),
    )
    .repeated(),
    row!(
        Reading,
        "long-poll-timeout",
        "TIME",
        value::pause,
        shown_time,
        http.long_poll_timeout,
        "How long a long-poll waits before it answers that nothing came."
    ),
    row!(
        Reading,
        "sse-max-age",
        "TIME",
        value::age,
        shown_time,
        http.sse_max_age,
        "How long an event stream lasts before its reader has to come back. Clients take less than 1s for a failure."
    ),
    row!(
        Reading,
        "sse-keep-alive",
        "TIME",
        value::pause,
        shown_time,
        http.sse_keep_alive,
        "Longest silence of an event stream; a comment breaks it."
    ),
    row!(
        Reading,
        "event-threads",
        "COUNT",
        value::threads,
        value::shown_threads,
        http.event_threads,
        "Threads that send events to readers of plain HTTP/1.1 that have caught up; 0 leaves them to the HTTP library, at more processor time and memory. Without it one for every two processors, at most 4."
    ),
    row!(
        Limits,
        "max-body-bytes",
        "BYTES",
        value::count,
        shown_count,
        http.max_body_bytes,
        "Largest body of a request."
    )
    .refusing(Code::TooLarge),
    row!(
        Limits,
        "in-flight-bytes",
        "BYTES",
        value::count,
        shown_count,
        engine.in_flight_bytes,
        "Most bytes of bodies in flight and of the tables of their JSON values, all streams together."
    )
    .refusing(Code::Overloaded),
    row!(
        Limits,
        "in-flight-bytes-per-stream",
        "BYTES",
        value::count,
        shown_count,
        engine.in_flight_bytes_per_stream,
        "The same for one stream."
    )
    .refusing(Code::Overloaded),
    row!(Limits, "max-head-bytes", "BYTES", value::head_bytes, shown_count, http.max_head_bytes,
        "Largest head of a request, give or take what arrives in one read; at least 8192.").cut_off(431),
    row!(Limits, "max-headers", "COUNT", value::count, shown_count, http.max_headers,
        "Most header fields of a request.").cut_off(431),
    row!(
        Limits,
        "max-connections",
        "COUNT",
        value::count,
        shown_count,
        http.max_connections,
        "Most open connections; lowered where the process may not open as many files."
    )
    .refusing(Code::Overloaded),
    row!(
        Limits,
        "max-requests",
        "COUNT",
        value::count,
        shown_count,
        http.max_requests,
        "Most requests that are being answered at once, live readers left out."
    )
    .refusing(Code::Overloaded),
    row!(
        Limits,
        "max-live-readers",
        "COUNT",
        value::count,
        shown_count,
        http.max_live_readers,
        "Most event streams and long-polls at once; a long-poll counts until its answer has been sent."
    )
    .refusing(Code::Overloaded),
    row!(Limits, "reading-bytes", "BYTES", value::reading_bytes, shown_count, engine.reading_bytes,
        "Most bytes that are read from storage and not sent yet, half of them for live readers; pages get smaller before, live readers wait. At least 1048576.").refusing(Code::Overloaded),
    row!(
        Limits,
        "max-producers-per-stream",
        "COUNT",
        value::count,
        shown_count,
        engine.limits.producers_per_stream,
        "Most producers that one stream remembers."
    )
    .refusing(Code::ProducerLimit),
    row!(
        Limits,
        "min-body-rate",
        "BYTES",
        value::count,
        shown_count,
        http.min_body_rate,
        "Fewest bytes of a body per second, on average and after --body-timeout."
    )
    .refusing(Code::Timeout),
    row!(
        Times,
        "head-timeout",
        "TIME",
        value::pause,
        shown_time,
        http.head_timeout,
        "Longest time for a request head to arrive, and for a connection to be idle."
    ),
    row!(
        Times,
        "body-timeout",
        "TIME",
        value::pause,
        shown_time,
        http.body_timeout,
        "Longest silence in the middle of a body."
    )
    .refusing(Code::Timeout),
    row!(Times, "write-timeout", "TIME", value::pause, shown_time, http.write_timeout,
        "Longest time in which a client takes nothing of what is sent to it; then its connection is cut, or its stream of HTTP/2 reset."),
    row!(
        Times,
        "drain-timeout",
        "TIME",
        value::pause,
        shown_time,
        http.drain_timeout,
        "How long requests in flight may take when the server stops."
    ),
    row!(
        Logs,
        "log",
        "FILTER",
        text,
        Shown::Text,
        log,
        "What is logged: error, warn, info, debug, trace, or directives per module."
    ),
    row!(
        Logs,
        "log-format",
        "FORMAT",
        format,
        shown_format,
        log_format,
        "How logs are written: pretty for people, json for programs."
    ),
    row!(
        Logs,
        "otlp-endpoint",
        "URL",
        endpoint,
        shown_endpoint,
        otlp_endpoint,
        "Collector that spans are exported to by OTLP over HTTP, http://127.0.0.1:4318 say. Only in programs built with the feature otel."
    ),
];

fn admin(text: &str) -> Result<Admin, String> {
    match text {
        "off" => Ok(Admin::Nowhere),
        _ => value::address(text).map(Admin::At),
    }
}

fn shown_admin(admin: Admin) -> Shown {
    match admin {
        Admin::Beside => Shown::Unset("127.0.0.1:4438, or a free port where port is 0"),
        Admin::At(address) => Shown::Text(address.to_string()),
        Admin::Nowhere => Shown::Text("off".to_owned()),
    }
}

fn adapter(text: &str) -> Result<Option<Adapter>, String> {
    named(text).map(Some)
}

fn shown_adapter(adapter: Option<Adapter>) -> Shown {
    match adapter {
        Some(adapter) => Shown::Text(adapter.to_string()),
        None => Shown::Unset("an existing data directory decides; a new one is journal's"),
    }
}

fn format(text: &str) -> Result<Format, String> {
    named(text)
}

fn shown_format(format: Format) -> Shown {
    Shown::Text(format.name().to_owned())
}

fn endpoint(text: &str) -> Result<Option<Endpoint>, String> {
    Endpoint::parse(text).map(Some)
}

fn shown_endpoint(endpoint: Option<Endpoint>) -> Shown {
    match endpoint {
        Some(endpoint) => Shown::Text(endpoint.to_string()),
        None => Shown::Unset("spans are not exported"),
    }
}

/// One of a few words.
fn named<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let names = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
        format!("one of {} is wanted", names.join(", "))
    })
}
