//! The attackers of one kind, from the outside.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::attack::{Count, Kind};
use crate::bench::base_url::BaseUrl;
use crate::bench::meter::Pid;
use crate::process::Group;

/// How long it may take until all attackers have begun; a server that is slow to accept is measured all the same.
const BEGIN_LIMIT: Duration = Duration::from_secs(60);

/// How long the attackers may take to count themselves.
const COUNT_LIMIT: Duration = Duration::from_secs(10);

/// A process of attackers. Dropping it ends the attack.
#[derive(Debug)]
pub(super) struct Army {
    group: Group,
    orders: ChildStdin,
    said: Receiver<String>,
}

impl Army {
    /// Attacks a stream from so many connections, and returns when all have begun.
    pub(super) fn begin(
        kind: Kind,
        base: &BaseUrl,
        stream: &str,
        connections: u16,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let name = match kind {
            Kind::Slow => "slow",
            Kind::Deaf => "deaf",
        };
        command.args(["siege", "--attack", name, "--stream", stream]);
        command.arg("--base").arg(base.to_string());
        command.arg("--each").arg(connections.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command)?;
        let child = group.child();
        let orders = child.stdin.take().context("standard input is piped")?;
        let lines = BufReader::new(child.stdout.take().context("standard output is piped")?);
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                // Whoever asked may be gone.
                let _ = sender.send(line);
            }
        });
        let army = Self { group, orders, said };
        let first = army.said.recv_timeout(BEGIN_LIMIT);
        let first = first.with_context(|| format!("the {name} attackers did not begin"))?;
        ensure!(first == "ready", "the {name} attackers say {first:?}");
        Ok(army)
    }

    /// What they have done so far.
    pub(super) fn count(&mut self) -> anyhow::Result<Count> {
        self.orders.write_all(b"count\n").context("the attackers are gone")?;
        let line = self.said.recv_timeout(COUNT_LIMIT).context("the attackers do not answer")?;
        serde_json::from_str(&line).with_context(|| format!("the attackers say {line:?}"))
    }

    /// Their process.
    pub(super) fn pid(&mut self) -> Pid {
        Pid(self.group.child().id())
    }
}
