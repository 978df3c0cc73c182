//! What `--target` may say.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};

use super::super::base_url::BaseUrl;
use super::super::meter::Pid;
use super::{Ability, Durability, Peer};

/// A server to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Our own server, on a storage adapter.
    Headwater {
        /// As in `headwater serve --storage`.
        storage: Cow<'static, str>,
        /// As in `headwater serve --sync`.
        sync: Option<String>,
    },
    /// The protocol authors' server in Rust.
    Dsr(Durability),
    /// The Node reference server.
    Node(NodeStorage),
    /// A bare HTTP server that answers every POST, as the floor.
    Null,
    /// A server that broadcasts, as a user would write it.
    Peer(Peer),
    /// A server that runs already.
    Running {
        /// What to call it.
        name: String,
        /// Where its streams are.
        base: BaseUrl,
        /// Its process, to tell its processor time.
        pid: Option<Pid>,
    },
}

/// Where the Node reference server keeps its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeStorage {
    /// In files, each append synced.
    File,
    /// In memory.
    Memory,
}

impl Target {
    /// Our server on its default storage.
    pub(crate) const HEADWATER: Self =
        Self::Headwater { storage: Cow::Borrowed("journal"), sync: None };

    /// The reference server with the durability that ours has.
    pub(crate) const NODE_FILE: Self = Self::Node(NodeStorage::File);

    /// What the server can be asked to do.
    pub(crate) fn ability(&self) -> Ability {
        match self {
            Self::Null => Ability::Appends,
            Self::Peer(peer) => peer.ability(),
            Self::Headwater { .. } | Self::Dsr(_) | Self::Node(_) | Self::Running { .. } => {
                Ability::Streams
            }
        }
    }
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Some(running) = text.strip_prefix("url=") {
            return running_server(running);
        }
        Ok(match text {
            "headwater" => Self::HEADWATER,
            "dsr" => Self::Dsr(Durability::Wal),
            "dsr-mem" => Self::Dsr(Durability::Memory),
            "node-file" => Self::NODE_FILE,
            "node-mem" => Self::Node(NodeStorage::Memory),
            "null" => Self::Null,
            _ => match (Peer::named(text), text.strip_prefix("headwater-")) {
                (Some(peer), _) => Self::Peer(peer),
                (None, Some(ours)) => return our_server(ours),
                (None, None) => bail!(
                    "`{text}`: expected headwater, headwater-STORAGE[,sync=TIME], dsr, dsr-mem, node-file, node-mem, null, \
                     {} or url=NAME=http://127.0.0.1:PORT/v1/stream[,pid=PID]",
                    Peer::names()
                ),
            },
        })
    }
}

fn our_server(text: &str) -> anyhow::Result<Target> {
    let (storage, sync) = match text.split_once(",sync=") {
        Some((storage, sync)) => (storage, Some(sync.to_owned())),
        None => (text, None),
    };
    let named = !storage.is_empty() && storage.chars().all(|c| c.is_ascii_lowercase());
    ensure!(named, "`headwater-{text}`: expected headwater-STORAGE[,sync=TIME]");
    ensure!(sync.as_deref() != Some(""), "`headwater-{text}`: expected a time behind sync=");
    Ok(Target::Headwater { storage: Cow::Owned(storage.to_owned()), sync })
}

fn running_server(text: &str) -> anyhow::Result<Target> {
    let (name, rest) = text.split_once('=').context("expected url=NAME=http://…")?;
    ensure!(!name.is_empty(), "expected a name in url=NAME=http://…");
    let (base, pid) = match rest.split_once(",pid=") {
        Some((base, pid)) => (base, Some(Pid(pid.parse().context("expected pid=NUMBER")?))),
        None => (rest, None),
    };
    Ok(Target::Running { name: name.to_owned(), base: base.parse()?, pid })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Headwater { storage, sync: None } => write!(f, "headwater-{storage}"),
            Self::Headwater { storage, sync: Some(sync) } => {
                write!(f, "headwater-{storage},sync={sync}")
            }
            Self::Dsr(Durability::Wal) => f.write_str("dsr"),
            Self::Dsr(Durability::Memory) => f.write_str("dsr-mem"),
            Self::Node(NodeStorage::File) => f.write_str("node-file"),
            Self::Node(NodeStorage::Memory) => f.write_str("node-mem"),
            Self::Null => f.write_str("null"),
            Self::Peer(peer) => f.write_str(peer.name()),
            Self::Running { name, .. } => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let headwater =
            |storage: &str| Target::Headwater { storage: storage.to_owned().into(), sync: None };
        let synced = Target::Headwater { storage: "journal".into(), sync: Some("5ms".to_owned()) };
        for (text, target, name) in [
            ("headwater", headwater("journal"), "headwater-journal"),
            ("headwater-memory", headwater("memory"), "headwater-memory"),
            ("headwater-journal,sync=5ms", synced, "headwater-journal,sync=5ms"),
            ("dsr", Target::Dsr(Durability::Wal), "dsr"),
            ("dsr-mem", Target::Dsr(Durability::Memory), "dsr-mem"),
            ("node-file", Target::Node(NodeStorage::File), "node-file"),
            ("node-mem", Target::Node(NodeStorage::Memory), "node-mem"),
            ("null", Target::Null, "null"),
            ("floor-4", Target::Peer(Peer::named("floor-4").unwrap()), "floor-4"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap(), target);
            assert_eq!(target.to_string(), name);
        }
        let base: BaseUrl = "http://127.0.0.1:1/v1/stream".parse().unwrap();
        for (tail, pid) in [("", None), (",pid=77", Some(Pid(77)))] {
            let parsed = format!("url=dsr={base}{tail}").parse::<Target>().unwrap();
            let expected = Target::Running { name: "dsr".to_owned(), base: base.clone(), pid };
            assert_eq!(parsed, expected);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "headwater-",
            "headwater-../x",
            "headwater-journal,sync=",
            "headwater-,sync=5ms",
            "dsr-disk",
            "node",
            "url=x",
            "url==http://127.0.0.1:1/",
            "url=x=http://10.1.1.1:1/",
            "url=x=http://127.0.0.1:1/,pid=me",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text} was accepted");
        }
    }
}
