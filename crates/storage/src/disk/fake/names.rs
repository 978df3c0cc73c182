//! The names in a folder: what they are, which of that is durable, and what may be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choice::{Bit, Choice};
use super::pending::Pending;

/// Number of a file, which it keeps whatever it is called.
pub(super) type FileId = u64;

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Folder,
    File(FileId),
}

/// Names of a folder. Shared by images until they differ.
pub(super) type Names = Arc<BTreeMap<Arc<str>, Node>>;

/// A folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    /// As the running system sees them.
    live: Names,
    /// What has surely reached the disk, without what still waits.
    durable: Names,
    pending: Pending<Move>,
}

/// One change of names, which a crash leaves whole or not at all.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) node: Node,
    pub(super) from: Option<Arc<str>>,
    pub(super) to: Option<Arc<str>>,
}

impl Move {
    /// A file has one name. So what this does does not depend on whether the changes before it are there.
    fn apply(&self, names: &mut Names) {
        let names = Arc::make_mut(names);
        if self.node != Node::Folder {
            names.retain(|_, node| *node != self.node);
        }
        if let Some(to) = &self.to {
            names.insert(to.clone(), self.node);
        }
    }

    fn is_rename(&self) -> bool {
        self.from.is_some() && self.to.is_some()
    }
}

impl Folder {
    /// A folder at rest.
    pub(super) fn synced(names: Names) -> Self {
        Self { durable: names.clone(), live: names, pending: Pending::default() }
    }

    pub(super) fn live(&self) -> &Names {
        &self.live
    }

    pub(super) fn change(&mut self, at: u64, change: Move) {
        change.apply(&mut self.live);
        self.pending.push(at, change);
    }

    pub(super) fn synced_before(&mut self, began: u64) {
        let settled = self.pending.succeeded(began);
        if self.pending.is_empty() {
            self.durable = self.live.clone();
        } else {
            settled.iter().for_each(|change| change.apply(&mut self.durable));
        }
    }

    pub(super) fn sync_failed(&mut self, began: u64) {
        self.pending.failed(began);
    }

    /// The names as a crash leaves them.
    ///
    /// Where a name is there, the renames that made room for it are there too: a rename never loses the file that it is about.
    pub(super) fn image(&self, choice: &mut Choice) -> Names {
        let pending = self.pending.iter();
        let mut kept: Vec<_> =
            pending.map(|(change, sure)| (change, sure || choice.keeps(Bit::Name))).collect();
        let mut taken = BTreeSet::new();
        for (change, kept) in kept.iter_mut().rev() {
            let made_room = change.from.as_ref().is_some_and(|from| taken.contains(from));
            *kept |= made_room && change.is_rename();
            if *kept {
                taken.extend(&change.to);
            }
        }
        let mut names = self.durable.clone();
        kept.iter().filter(|(_, kept)| *kept).for_each(|(change, _)| change.apply(&mut names));
        names
    }
}
