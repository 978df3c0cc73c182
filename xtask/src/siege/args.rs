//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::attack::{Kind, Order};
use super::report::{Compared, Rule};

/// Arguments of `cargo xtask siege`.
#[derive(Debug, clap::Args)]
pub(crate) struct SiegeArgs {
    /// Fail if a besieged client's 99th percentile is above twice the undisturbed one, or the creates take too long
    #[arg(long)]
    pub(super) demand: bool,

    /// A short run with small numbers and every check; a 99th percentile below 5 ms passes whatever the ratio
    #[arg(long)]
    pub(super) quick: bool,

    /// Connections of each kind of attacker [default: 5000; with --quick: 500]
    #[arg(long, value_parser = clap::value_parser!(u16).range(10..=9000))]
    each: Option<u16>,

    /// The kinds to measure against; both is all of them at once [default: slow,deaf,both; with --quick: both]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND,…")]
    against: Vec<Against>,

    /// Measurements of each situation [default: 3; with --quick: 4]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: Option<u32>,

    /// Length of a measurement in seconds [default: 10; with --quick: 1]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=300))]
    secs: Option<u64>,

    /// The server's binary [default: a release build of this one]
    #[arg(long, value_name = "PATH")]
    pub(super) bin: Option<PathBuf>,

    /// How rounds are compared [default: median; with --quick: lowest]
    #[arg(long, value_enum)]
    compare: Option<Compared>,

    /// Where the besieged server keeps its streams
    #[arg(long, default_value = "journal")]
    pub(super) storage: String,

    /// One more argument for the server, such as --server-flag=--write-timeout=5s; may be repeated
    #[arg(long = "server-flag", value_name = "FLAG")]
    pub(super) server_flags: Vec<String>,

    /// Also write everything measured to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,

    /// Be an attacker of this kind
    #[arg(long, hide = true, value_enum)]
    attack: Option<Kind>,

    /// The base URL of the server to attack
    #[arg(long, hide = true)]
    base: Option<String>,

    /// The name of the stream to attack
    #[arg(long, hide = true)]
    stream: Option<String>,
}

/// What the client is besieged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Against {
    /// Those that send a byte a second.
    Slow,
    /// Those that never read.
    Deaf,
    /// All of them.
    Both,
}

impl SiegeArgs {
    /// What this process has to do if it is an attacker.
    pub(super) fn order(&self) -> anyhow::Result<Option<Order>> {
        let Some(kind) = self.attack else { return Ok(None) };
        let base = self.base.as_ref().context("an attacker needs --base")?.parse()?;
        let stream = self.stream.clone().context("an attacker needs --stream")?;
        ensure!(!stream.contains(char::is_whitespace), "a stream has no space in its name");
        Ok(Some(Order { kind, base, stream, connections: self.each() }))
    }

    /// Connections of each kind of attacker.
    pub(super) fn each(&self) -> u16 {
        self.each.unwrap_or(if self.quick { 500 } else { 5000 })
    }

    /// Measurements of each situation.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 4 } else { 3 })
    }

    /// Length of a measurement.
    pub(super) fn window(&self) -> Duration {
        Duration::from_secs(self.secs.unwrap_or(if self.quick { 1 } else { 10 }))
    }

    /// What is demanded of latencies. A second on a machine that has just built something tells no less than a few milliseconds from
    /// each other.
    pub(super) fn rule(&self) -> Rule {
        let (compared, tolerated) = if self.quick {
            (Compared::Lowest, Duration::from_millis(5))
        } else {
            (Compared::Median, Duration::ZERO)
        };
        Rule { compared: self.compare.unwrap_or(compared), tolerated }
    }

    /// What to measure against.
    pub(super) fn against(&self) -> Vec<Against> {
        match (self.against.as_slice(), self.quick) {
            ([], true) => vec![Against::Both],
            ([], false) => vec![Against::Slow, Against::Deaf, Against::Both],
            (given, _) => given.to_vec(),
        }
    }
}
