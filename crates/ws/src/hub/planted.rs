//! Faults that tests plant in a hub of their own, to show that they would be noticed: somebody waits for a callback about a slow
//! connection who must not.

use parking_lot::Mutex;

use super::broadcast::Shared;
use super::{Asked, Hub, HubConfig, MemberId};
use crate::transport::Transport;

/// Who calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever broadcasts next.
    AsksInBroadcast,
    /// The task that writes to all.
    AsksInTask,
}

/// A fault, and those about whom is still to be asked.
pub(super) struct Planted {
    fault: Fault,
    // Held to add or take some, not while it is asked about them.
    asking: Mutex<Vec<MemberId>>,
}

impl<T: Transport + Send + 'static, A: Send + Sync + 'static> Hub<T, A> {
    /// A hub with a fault.
    pub fn planted(config: HubConfig<A>, fault: Fault) -> Self {
        let planted = Planted { fault, asking: Mutex::default() };
        Self::start(config, |shared| shared.planted = Some(planted))
    }
}

impl<T: Transport, A> Shared<T, A> {
    /// Asks as the planted fault does, if one is planted.
    pub(super) fn asks_wrongly(&self, id: MemberId) -> bool {
        match &self.planted {
            None => return false,
            Some(Planted { fault: Fault::AsksInBroadcast, asking }) => asking.lock().push(id),
            Some(Planted { fault: Fault::AsksInTask, .. }) => self.ask_here(id),
        }
        true
    }

    /// What a broadcast does then.
    pub(super) fn ask_in_broadcast(&self) {
        let asking =
            self.planted.as_ref().map(|planted| std::mem::take(&mut *planted.asking.lock()));
        asking.into_iter().flatten().for_each(|id| self.ask_here(id));
    }

    fn ask_here(&self, id: MemberId) {
        if let (Some(calls), Some(known)) = (&self.calls, self.roster.get(id)) {
            let on_slow = calls.callback()(Asked { id, attributes: known.attributes() });
            self.decide(id, on_slow);
        }
    }
}
