//! How each kind of server is started.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use super::process::{Listening, Process};
use super::target::NodeStorage;
use super::{Own, Server, Target, dsr, peers};
pub(crate) use crate::headwater::Profile;
use crate::workspace::Workspace;

/// Runs the Node reference server; the packages are found from the folder it is started in.
const NODE_SERVER: &str = include_str!("node-server.mjs");

/// Starts servers, with everything they need built and installed.
#[derive(Clone, Debug)]
pub(crate) struct Launcher {
    headwater: Option<PathBuf>,
    packages: Option<PathBuf>,
    dsr: Option<PathBuf>,
    peers: Option<PathBuf>,
    data_root: PathBuf,
}

impl Launcher {
    /// Builds and installs what `targets` need. Data directories go into `data_root`, by default a
    /// folder under the target directory.
    pub(crate) fn prepare(
        targets: &[Target],
        profile: Profile,
        data_root: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let workspace = Workspace::load()?;
        let any = |is: fn(&Target) -> bool| targets.iter().any(is);
        let headwater = any(|target| matches!(target, Target::Headwater { .. }))
            .then(|| crate::headwater::build(&workspace, profile))
            .transpose()?;
        let packages = any(|target| matches!(target, Target::Node(_)))
            .then(|| crate::npm::install(&workspace))
            .transpose()?;
        let dsr = any(|target| matches!(target, Target::Dsr(_)))
            .then(|| dsr::install(&workspace))
            .transpose()?;
        let peers = any(|target| matches!(target, Target::Peer(_)))
            .then(|| peers::build(&workspace, profile))
            .transpose()?;
        let data_root = data_root.map_or_else(|| workspace.target.join("bench"), Path::to_path_buf);
        std::fs::create_dir_all(&data_root)
            .with_context(|| format!("cannot create {}", data_root.display()))?;
        Ok(Self { headwater, packages, dsr, peers, data_root })
    }

    /// Starts one server on a directory of its own, or takes the one that runs.
    pub(crate) fn start(&self, target: &Target) -> anyhow::Result<Server> {
        if let Target::Running { name, base, pid } = target {
            return Ok(Server::running(name, base.clone(), *pid, target.ability()));
        }
        let folder = self.folder(target)?;
        let data = folder.path().join("data");
        let server = self.start_on(target, &data)?;
        Ok(Server { _folder: Some(folder), ..server })
    }

    /// A folder for a server's data, removed when it is dropped.
    pub(crate) fn folder(&self, target: &Target) -> anyhow::Result<TempDir> {
        TempDir::with_prefix_in(format!("{target}-"), &self.data_root)
            .with_context(|| format!("cannot write into {}", self.data_root.display()))
    }

    /// Starts a server on this data, and leaves the data when it ends.
    pub(crate) fn start_on(&self, target: &Target, data: &Path) -> anyhow::Result<Server> {
        self.start_command(self.command(target, data)?, target, data)
    }

    fn start_command(
        &self,
        command: Command,
        target: &Target,
        data: &Path,
    ) -> anyhow::Result<Server> {
        let (mut process, Listening { url, control }) =
            Process::start(command, data.with_extension("stderr.log"))
                .with_context(|| format!("starting {target}"))?;
        Ok(Server {
            name: target.to_string(),
            base: format!("{url}/v1/stream").parse()?,
            pid: Some(process.pid()),
            ability: target.ability(),
            control,
            own: Some(Own {
                launcher: self.clone(),
                target: target.clone(),
                data: data.to_owned(),
            }),
            process: Some(process),
            _folder: None,
        })
    }

    /// Starts one server on a directory of its own, each of whose syncs takes at least so long.
    pub(crate) fn start_slowed(&self, target: &Target, sync: Duration) -> anyhow::Result<Server> {
        let folder = self.folder(target)?;
        let data = folder.path().join("data");
        let command = slowed(&self.command(target, &data)?, sync);
        let server = self.start_command(command, target, &data)?;
        Ok(Server { _folder: Some(folder), ..server })
    }

    fn command(&self, target: &Target, data: &Path) -> anyhow::Result<Command> {
        match target {
            Target::Headwater { storage, sync } => {
                let mut command = Command::new(self.headwater.as_ref().context("not built")?);
                command.args(["serve", "--listen", "127.0.0.1:0", "--storage", storage.as_ref()]);
                if let Some(sync) = sync {
                    command.args(["--sync", sync]);
                }
                command.arg("--data-dir").arg(data).env_remove("PORT");
                Ok(command)
            }
            Target::Dsr(durability) => {
                dsr::command(self.dsr.as_ref().context("not installed")?, *durability, data)
            }
            Target::Node(storage) => {
                let mut command = Command::new("node");
                command.current_dir(self.packages.as_ref().context("not installed")?);
                command.args(["--input-type=module", "--eval", NODE_SERVER, "--"]);
                if *storage == NodeStorage::File {
                    command.arg(data);
                }
                Ok(command)
            }
            Target::Null => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["bench", "--serve-null"]);
                Ok(command)
            }
            Target::Peer(peer) => {
                let mut command = Command::new(self.peers.as_ref().context("not built")?);
                command.arg(peer.name());
                Ok(command)
            }
            Target::Running { .. } => anyhow::bail!("a running server is not started"),
        }
    }
}

/// The same under `strace`, which begins each sync late. A filter lets all other calls pass at full speed.
fn slowed(command: &Command, sync: Duration) -> Command {
    let calls = "fdatasync,fsync,sync_file_range";
    let delay = sync.as_micros();
    let mut slowed = Command::new("strace");
    // -DD: the server is the child, and the tracer, in a process group of its own, ends after it.
    slowed.args(["-DD", "-f", "--seccomp-bpf", "-q", "-o", "/dev/null", "-e"]);
    slowed.arg(format!("trace={calls}"));
    slowed.args(["-e", &format!("inject={calls}:delay_enter={delay}"), "--"]);
    slowed.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        slowed.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => slowed.env(name, value),
            None => slowed.env_remove(name),
        };
    }
    slowed
}
