//! What becomes of those who are slow, once it is decided.

use super::State;
use super::member::Place;
use super::sweep::Slow;
use crate::{End, Message, Policy, SubscriberId};

impl<M: Message, P> State<M, P> {
    /// Decides about a subscriber. Until it is no longer slow, this holds in place of its standing if that is to ask.
    ///
    /// [`Policy::Disconnect`] ends it in any case, wherever it is; returns what it had parked.
    pub(crate) fn decide(&mut self, id: SubscriberId, policy: Policy) -> Option<P> {
        if policy == Policy::Disconnect {
            return self.end(id);
        }
        let member = self.member_mut(id)?;
        let was_patient = member.is_patient();
        member.verdict = Some(policy);
        let is_patient = member.is_patient();
        match member.place {
            Place::Following { cursor } => {
                self.step_off(cursor, was_patient);
                self.stand(cursor, is_patient);
            }
            Place::Detached { .. } if policy == Policy::DropOldest => {
                // What it lost while nothing was decided stays lost; from now on it is the oldest.
                let mut backlog = std::mem::take(&mut member.backlog);
                self.attach(id, &mut backlog);
                if let Some(member) = self.member_mut(id) {
                    member.backlog = backlog;
                }
            }
            _ => {}
        }
        None
    }

    /// Those who hinder publishers that wait for room.
    pub(crate) fn hindering(&self) -> Vec<SubscriberId> {
        let hinders = |place: &Place<P>| matches!(place, Place::Following { cursor } if *cursor < self.half_floor);
        let all = self.all().filter(|member| member.is_patient() && hinders(&member.place));
        all.map(|member| member.id).collect()
    }

    pub(super) fn end(&mut self, id: SubscriberId) -> Option<P> {
        let member = self.member_mut(id)?;
        if matches!(member.place, Place::Ended(_)) {
            return None;
        }
        let patient = member.is_patient();
        member.backlog.clear();
        let place = std::mem::replace(&mut member.place, Place::Ended(End::Slow));
        self.counts.ended_slow += 1;
        self.slow.push(Slow::Ended(id));
        let handle = match place {
            Place::Parked { handle, .. } => {
                self.counts.parked -= 1;
                Some(handle)
            }
            Place::Following { cursor } => {
                self.step_off(cursor, patient);
                None
            }
            Place::Detached { since, broadcasts, addressed } => {
                let gap = self.attached(since, broadcasts, addressed);
                if let Some(member) = self.member_mut(id) {
                    member.dropped += gap.messages;
                }
                None
            }
            Place::Ended(_) => None,
        };
        self.trim();
        handle
    }
}
