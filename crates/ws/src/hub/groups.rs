//! Who is there, and in which groups. What a broadcast to one group costs does not depend on the others.

use std::collections::{BTreeSet, HashMap};

use headwater_fanout::{Audience, SubscriberId};

#[derive(Debug, Default)]
pub(super) struct Groups {
    all: BTreeSet<SubscriberId>,
    groups: HashMap<String, Group>,
    /// The groups of each member that is in any.
    of: HashMap<SubscriberId, BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct Group {
    members: BTreeSet<SubscriberId>,
    /// Made by the first broadcast after a change, and shared by those that follow.
    audience: Option<Audience>,
}

impl Groups {
    pub(super) fn register(&mut self, id: SubscriberId) {
        self.all.insert(id);
    }

    pub(super) fn unregister(&mut self, id: SubscriberId) {
        self.all.remove(&id);
        for group in self.of.remove(&id).unwrap_or_default() {
            self.take_out(&group, id);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn join(&mut self, group: &str, id: SubscriberId) -> bool {
        if !self.all.contains(&id) {
            return false;
        }
        self.of.entry(id).or_default().insert(group.to_owned());
        let group = self.groups.entry(group.to_owned()).or_default();
        group.audience = None;
        group.members.insert(id)
    }

    pub(super) fn leave(&mut self, group: &str, id: SubscriberId) -> bool {
        if let Some(of) = self.of.get_mut(&id) {
            of.remove(group);
            if of.is_empty() {
                self.of.remove(&id);
            }
        }
        self.take_out(group, id)
    }

    fn take_out(&mut self, name: &str, id: SubscriberId) -> bool {
        let Some(group) = self.groups.get_mut(name) else { return false };
        let was = group.members.remove(&id);
        group.audience = None;
        if group.members.is_empty() {
            self.groups.remove(name);
        }
        was
    }

    pub(super) fn group_count(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, |group| group.members.len())
    }

    /// Nobody, if there is no such group.
    pub(super) fn audience(&mut self, group: &str) -> Option<Audience> {
        let group = self.groups.get_mut(group)?;
        let members = &group.members;
        let make = || Audience::only(members.iter().copied());
        Some(group.audience.get_or_insert_with(make).clone())
    }

    /// All members now, so that a predicate runs without the lock.
    pub(super) fn snapshot(&self) -> Vec<SubscriberId> {
        self.all.iter().copied().collect()
    }
}
