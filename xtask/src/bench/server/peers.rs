//! The servers of `xtask/peers`, each a process of its own.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::{Ability, Profile, Stuck, Wire};
use crate::workspace::{Workspace, cargo};

const PACKAGE: &str = "headwater-peers";

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    name: &'static str,
    ability: Ability,
}

const SSE: &[Wire] = &[Wire::Sse];
const WEB_SOCKET: &[Wire] = &[Wire::WebSocket];
const BOTH: &[Wire] = &[Wire::Sse, Wire::WebSocket];

impl Peer {
    /// The broker of `headwater-sse` behind axum.
    pub(crate) const BROKER: Self = Self::new("broker", SSE, Stuck::Alone);
    /// The hub of `headwater-ws` behind axum.
    pub(crate) const HUB: Self = Self::new("hub", WEB_SOCKET, Stuck::Alone);
    /// axum's Server-Sent Events, and tokio's broadcast channel.
    pub(crate) const AXUM_SSE: Self = Self::new("axum-sse", SSE, Stuck::Alone);
    /// What the HTTP library costs alone.
    pub(crate) const HYPER_SSE: Self = Self::new("hyper-sse", SSE, Stuck::Alone);
    /// The same where readers wait in a long poll.
    pub(crate) const HYPER_POLL: Self = Self { name: "hyper-poll", ability: Ability::Polls };
    /// A hub on tokio-tungstenite.
    pub(crate) const TUNGSTENITE: Self = Self::new("tungstenite", WEB_SOCKET, Stuck::Alone);
    /// One small write for each message and subscriber.
    pub(crate) const FLOOR: Self = Self::new("floor", BOTH, Stuck::Waited);

    /// All of them, as their program calls them.
    const ALL: &[Self] = &[
        Self::BROKER,
        Self::HUB,
        Self::AXUM_SSE,
        Self::HYPER_SSE,
        Self::HYPER_POLL,
        Self::TUNGSTENITE,
        Self::new("tungstenite-2w", WEB_SOCKET, Stuck::Alone),
        Self::FLOOR,
        Self::new("floor-4", BOTH, Stuck::Waited),
        Self::new("floor-16", BOTH, Stuck::Waited),
    ];

    const fn new(name: &'static str, wires: &'static [Wire], stuck: Stuck) -> Self {
        Self { name, ability: Ability::Broadcast { wires, stuck } }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|peer| peer.name == name).copied()
    }

    /// All names, to tell somebody who looks for one.
    pub(super) fn names() -> String {
        Self::ALL.iter().map(|peer| peer.name).collect::<Vec<_>>().join(", ")
    }

    /// As in `--target`.
    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    /// What it can be asked to do.
    pub(super) fn ability(self) -> Ability {
        self.ability
    }
}

/// Builds the program that is all of them, and returns its path.
pub(super) fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--package", PACKAGE]);
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    let status = command.current_dir(&workspace.root).status().context("cannot run cargo build")?;
    ensure!(status.success(), "the servers of xtask/peers do not build");
    Ok(workspace.target.join(folder).join(PACKAGE))
}
