//! One measurement: a fresh server, its client, and who besieges them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use tempfile::TempDir;

use super::args::{Against, SiegeArgs};
use super::army::Army;
use super::attack::{Count, Kind};
use super::client::{Client, Seen, fill};
use super::vitals::Vitals;
use crate::bench::base_url::BaseUrl;
use crate::bench::meter::{Meter, Pid};
use crate::bench::runtime::run_bounded;
use crate::headwater::{Profile, Server, build};
use crate::workspace::Workspace;

/// The same before each window, not counted.
const WARM_UP: Duration = Duration::from_secs(1);

/// Filling the stream, making thousands of connections and reading back may take so much longer than the window.
const SLACK: Duration = Duration::from_secs(180);

/// The stream's name, as the attackers are told it.
fn name_of(target: &str) -> &str {
    target.rsplit('/').next().unwrap_or(target)
}

/// Who disturbs the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Situation {
    Undisturbed,
    Slow,
    Deaf,
    Both,
}

impl Situation {
    /// All of one round; whoever comes first in one comes last in the next.
    pub(super) fn in_turn(against: &[Against], round: u32) -> Vec<Self> {
        let mut all = vec![Self::Undisturbed];
        all.extend(against.iter().map(|against| match against {
            Against::Slow => Self::Slow,
            Against::Deaf => Self::Deaf,
            Against::Both => Self::Both,
        }));
        let turn = round as usize % all.len();
        all.rotate_left(turn);
        all
    }

    /// In a few words.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Undisturbed => "undisturbed",
            Self::Slow => "a byte a second",
            Self::Deaf => "never read",
            Self::Both => "both",
        }
    }

    fn attackers(self) -> &'static [Kind] {
        match self {
            Self::Undisturbed => &[],
            Self::Slow => &[Kind::Slow],
            Self::Deaf => &[Kind::Deaf],
            Self::Both => &[Kind::Slow, Kind::Deaf],
        }
    }
}

/// One kind of attackers in a window.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Attack {
    pub(super) kind: Kind,
    /// How many it should be.
    pub(super) wanted: u64,
    /// At the beginning and at the end of the window.
    pub(super) from: Count,
    pub(super) to: Count,
    /// Their processor time, in cores.
    pub(super) cores: f64,
}

/// What one measurement found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measured {
    pub(super) seen: Seen,
    pub(super) attacks: Vec<Attack>,
    pub(super) server: Vitals,
    /// The server's processor time, in cores.
    pub(super) cores: f64,
    pub(super) seconds: f64,
}

/// Everything that measurements have in common.
#[derive(Debug)]
pub(super) struct Stage {
    binary: PathBuf,
    data_root: PathBuf,
    storage: String,
    flags: Vec<String>,
    each: u16,
    window: Duration,
}

/// A server with its data directory, which goes after it.
#[derive(Debug)]
pub(super) struct Besieged {
    server: Server,
    pub(super) base: BaseUrl,
    pub(super) pid: Pid,
    _data: TempDir,
}

impl Stage {
    /// Builds the server, unless there is one.
    pub(super) fn prepare(workspace: &Workspace, args: &SiegeArgs) -> anyhow::Result<Self> {
        let data_root = workspace.target.join("siege");
        std::fs::create_dir_all(&data_root)
            .with_context(|| format!("cannot create {}", data_root.display()))?;
        let binary = match &args.bin {
            Some(binary) => binary.clone(),
            // Times tell nothing about an unoptimised server.
            None => build(workspace, Profile::Release)?,
        };
        Ok(Self {
            binary,
            data_root,
            storage: args.storage.clone(),
            flags: args.server_flags.clone(),
            each: args.each(),
            window: args.window(),
        })
    }

    /// Starts a server on a storage adapter.
    pub(super) fn start(&self, storage: &str) -> anyhow::Result<Besieged> {
        let data = TempDir::with_prefix_in(format!("{storage}-"), &self.data_root)
            .with_context(|| format!("cannot write into {}", self.data_root.display()))?;
        let log = data.path().join("stderr.log");
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let mut server =
            Server::start(&self.binary, &data.path().join("data"), storage, &flags, &log)?;
        let base = format!("{}/v1/stream", server.url).parse()?;
        let pid = Pid(server.pid());
        Ok(Besieged { server, base, pid, _data: data })
    }

    /// Measures a client in a situation.
    pub(super) fn measure(&self, situation: Situation) -> anyhow::Result<Measured> {
        let besieged = self.start(&self.storage)?;
        let measured = run_bounded(self.window + SLACK, self.watch(&besieged, situation))?;
        besieged.stop()?;
        Ok(measured)
    }

    async fn watch(&self, besieged: &Besieged, situation: Situation) -> anyhow::Result<Measured> {
        let Besieged { base, pid, .. } = besieged;
        let streams = fill(base).await?;
        let target = streams.target(base, 0);
        let mut armies = Vec::new();
        for &kind in situation.attackers() {
            armies.push((kind, Army::begin(kind, base, name_of(&target), self.each)?));
        }
        let client = Client::start(base, &streams).await?;
        tokio::time::sleep(WARM_UP).await;

        let meter = Meter::start(Some(*pid))?;
        let mut attacks = Vec::new();
        for (kind, army) in &mut armies {
            let from = army.count()?;
            attacks.push((*kind, from, Meter::start(Some(army.pid()))?));
        }
        client.measure();
        tokio::time::sleep(self.window).await;
        let usage = meter.stop(Instant::now())?;
        let server = Vitals::of(*pid)?;
        let mut done = Vec::new();
        for ((kind, from, meter), (_, army)) in attacks.into_iter().zip(&mut armies) {
            let used = meter.stop(Instant::now())?;
            let cores = used.server.unwrap_or_default().as_secs_f64() / used.wall.as_secs_f64();
            let wanted = u64::from(self.each);
            done.push(Attack { kind, wanted, from, to: army.count()?, cores });
        }
        // The attackers go first, so that reading back is not besieged any more.
        drop(armies);
        let seen = client.finish().await?;
        let (seconds, busy) = (usage.wall.as_secs_f64(), usage.server.unwrap_or_default());
        let cores = busy.as_secs_f64() / seconds.max(f64::EPSILON);
        Ok(Measured { seen, attacks: done, server, cores, seconds })
    }
}

impl Besieged {
    /// Asks the server to end, which must succeed.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.server.stop()
    }
}
