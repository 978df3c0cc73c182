//! The command line: flags, the variables that stand for them, and what they must not be.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use headwater_engine::Options;

use super::exit::{Exit, Failed};
use crate::config::Config;
use crate::limits;
use crate::storage::Adapter;

/// A durable event-stream server.
#[derive(Debug, Parser)]
#[command(name = "headwater", version, about, args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve streams over HTTP. What is done when no verb is given.
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// Address and port to listen on; port 0 picks a free one. [default: 127.0.0.1:4437, or port $PORT]
    #[arg(long, env = "HEADWATER_LISTEN", value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,

    /// Where streams are kept.
    #[arg(
        long,
        env = "HEADWATER_DATA_DIR",
        value_name = "DIR",
        default_value = "./headwater-data"
    )]
    data_dir: PathBuf,

    /// How streams are kept. Without it an existing data directory decides; a new one is sled's.
    #[arg(long, env = "HEADWATER_STORAGE", value_enum)]
    storage: Option<Adapter>,

    /// How long a long-poll waits before it answers that nothing came.
    #[arg(long, env = "HEADWATER_LONG_POLL_TIMEOUT", value_name = "TIME", value_parser = pause)]
    #[arg(default_value = "30s")]
    long_poll_timeout: Duration,

    /// How long an event stream lasts before its reader has to come back. Clients take less than 1s for a
    /// failure.
    #[arg(long, env = "HEADWATER_SSE_MAX_AGE", value_name = "TIME", value_parser = age)]
    #[arg(default_value = "60s")]
    sse_max_age: Duration,

    /// Longest silence of an event stream; a comment breaks it.
    #[arg(long, env = "HEADWATER_SSE_KEEP_ALIVE", value_name = "TIME", value_parser = pause)]
    #[arg(default_value = "15s")]
    sse_keep_alive: Duration,

    /// Largest body of a request.
    #[arg(long, env = "HEADWATER_MAX_BODY_BYTES", value_name = "BYTES", value_parser = bytes)]
    #[arg(default_value_t = limits::MAX_BODY_BYTES)]
    max_body_bytes: usize,

    /// Most bytes of bodies in flight and of the tables of their JSON values, all streams together.
    #[arg(long, env = "HEADWATER_IN_FLIGHT_BYTES", value_name = "BYTES", value_parser = bytes)]
    #[arg(default_value_t = Options::default().in_flight_bytes)]
    in_flight_bytes: usize,

    /// The same for one stream.
    #[arg(long, env = "HEADWATER_IN_FLIGHT_BYTES_PER_STREAM", value_name = "BYTES")]
    #[arg(value_parser = bytes, default_value_t = Options::default().in_flight_bytes_per_stream)]
    in_flight_bytes_per_stream: usize,

    /// Longest silence in the middle of a body.
    #[arg(long, env = "HEADWATER_BODY_TIMEOUT", value_name = "TIME", value_parser = pause)]
    #[arg(default_value = "30s")]
    body_timeout: Duration,

    /// Longest time for a request head to arrive, and for a connection to be idle.
    #[arg(long, env = "HEADWATER_HEAD_TIMEOUT", value_name = "TIME", value_parser = pause)]
    #[arg(default_value = "75s")]
    head_timeout: Duration,

    /// How long requests in flight may take when the server stops.
    #[arg(long, env = "HEADWATER_DRAIN_TIMEOUT", value_name = "TIME", value_parser = pause)]
    #[arg(default_value = "10s")]
    drain_timeout: Duration,

    /// What is logged: error, warn, info, debug, trace, or directives per module.
    #[arg(long, env = "HEADWATER_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
}

/// What the server is to be, every value checked by itself and against the others.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) listen: SocketAddr,
    pub(super) data_dir: PathBuf,
    pub(super) storage: Option<Adapter>,
    pub(super) http: Config,
    pub(super) engine: Options,
    pub(super) log: String,
}

impl Settings {
    /// Checks a command line. `port` is the variable of that name, which counts when nothing says where to
    /// listen.
    pub(super) fn of(cli: Cli, port: Option<OsString>) -> Result<Self, Failed> {
        let given = match cli.verb {
            Some(Verb::Serve(serve)) => serve,
            None => cli.serve,
        };
        let listen = match given.listen {
            Some(address) => address,
            None => SocketAddr::from(([127, 0, 0, 1], default_port(port)?)),
        };
        let (one, all) = (given.in_flight_bytes_per_stream, given.in_flight_bytes);
        if given.max_body_bytes > one || one > all {
            let message = "--max-body-bytes must fit --in-flight-bytes-per-stream, and that \
                           --in-flight-bytes; a larger body could never be accepted";
            return Err(Failed::new(Exit::Usage, message));
        }
        let engine =
            Options { in_flight_bytes: all, in_flight_bytes_per_stream: one, ..Options::default() };
        let http = Config {
            long_poll_timeout: given.long_poll_timeout,
            sse_max_age: given.sse_max_age,
            sse_keep_alive: given.sse_keep_alive,
            max_body_bytes: given.max_body_bytes,
            body_timeout: given.body_timeout,
            head_timeout: given.head_timeout,
            drain_timeout: given.drain_timeout,
        };
        let Serve { data_dir, storage, log, .. } = given;
        Ok(Self { listen, data_dir, storage, http, engine, log })
    }
}

fn default_port(port: Option<OsString>) -> Result<u16, Failed> {
    let Some(port) = port.filter(|port| !port.is_empty()) else { return Ok(4437) };
    let parsed = port.to_str().and_then(|port| port.parse().ok());
    parsed.ok_or_else(|| Failed::new(Exit::Usage, format!("PORT={port:?} is not a port")))
}

/// A wait that somebody sits out: more than nothing, at most a day.
fn pause(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(1), "0 would never let anything finish")
}

/// The age of an event stream.
fn age(text: &str) -> Result<Duration, String> {
    within(text, limits::SSE_SHORTEST_AGE, "readers would do nothing but come back")
}

fn within(text: &str, least: Duration, why: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < least {
        return Err(why.to_owned());
    }
    if time > MOST {
        return Err("more than a day".to_owned());
    }
    Ok(time)
}

/// A size that something fits into.
fn bytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("0 would refuse everything".to_owned()),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err("a whole number of bytes".to_owned()),
    }
}

#[cfg(test)]
#[path = "cli/tests.rs"]
mod tests;
