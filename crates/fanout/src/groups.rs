//! Who is there, and in which groups. What a message to one group costs does not depend on the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
// Nothing is synchronised by these, so they need not be loom's.
use std::sync::Arc;

use crate::{Audience, SubscriberId};

#[derive(Debug)]
pub(crate) struct Groups<A> {
    all: BTreeMap<SubscriberId, Arc<A>>,
    groups: HashMap<String, Group>,
    /// The groups of each subscriber that is in any.
    of: HashMap<SubscriberId, BTreeSet<String>>,
}

#[derive(Debug, Default)]
struct Group {
    members: BTreeSet<SubscriberId>,
    /// Made by the first message after a change, and shared by those that follow.
    audience: Option<Audience>,
}

impl<A> Default for Groups<A> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), groups: HashMap::new(), of: HashMap::new() }
    }
}

impl<A> Groups<A> {
    pub(crate) fn register(&mut self, id: SubscriberId, attributes: Arc<A>) {
        self.all.insert(id, attributes);
    }

    /// Returns what it was registered with, to be dropped when the lock is free.
    pub(crate) fn unregister(&mut self, id: SubscriberId) -> Option<Arc<A>> {
        for group in self.of.remove(&id).unwrap_or_default() {
            self.take_out(&group, id);
        }
        self.all.remove(&id)
    }

    pub(crate) fn get(&self, id: SubscriberId) -> Option<Arc<A>> {
        self.all.get(&id).cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn join(&mut self, group: &str, id: SubscriberId) -> bool {
        if !self.all.contains_key(&id) {
            return false;
        }
        self.of.entry(id).or_default().insert(group.to_owned());
        let group = self.groups.entry(group.to_owned()).or_default();
        group.audience = None;
        group.members.insert(id)
    }

    pub(crate) fn leave(&mut self, group: &str, id: SubscriberId) -> bool {
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

    pub(crate) fn group_count(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, |group| group.members.len())
    }

    /// Nobody, if there is no such group.
    pub(crate) fn audience(&mut self, group: &str) -> Audience {
        let Some(group) = self.groups.get_mut(group) else { return Audience::only([]) };
        let members = &group.members;
        let make = || Audience::only(members.iter().copied());
        group.audience.get_or_insert_with(make).clone()
    }

    /// All of them now, so that a predicate runs without the lock.
    pub(crate) fn snapshot(&self) -> Vec<(SubscriberId, Arc<A>)> {
        self.all.iter().map(|(id, attributes)| (*id, Arc::clone(attributes))).collect()
    }
}
