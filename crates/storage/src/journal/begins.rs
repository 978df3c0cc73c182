//! Where what is kept of a lineage begins, when its stream has given up its beginning.
//!
//! While a stream has forks, nothing of it goes: they need what they inherited. What goes is whole blocks, and what was appended
//! and given up between two rounds is not written at all. The block that holds the floor stays.

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, Slot, Tail};

use super::index::Index;
#[cfg(test)]
use super::planted::{Fault, planted};
use super::round::known;
use crate::local::read::rows::{Part, Parts, Start};
use crate::local::recent::RecentStream;
use crate::local::run::Head;
use crate::local::stored::StoredLineage;

/// A lineage of which less is kept than before.
pub(super) struct Begins {
    /// The tail before its first record that is kept.
    pub(super) base: Tail,
    /// How many of the runs that are recent are not.
    pub(super) dead: usize,
    /// What was said of it before.
    pub(super) listed: StoredLineage,
}

/// A lineage that a round is about.
pub(super) struct Beginning<'r> {
    pub(super) index: &'r Index,
    pub(super) lineage: Lineage,
    pub(super) stream: &'r RecentStream,
}

impl Beginning<'_> {
    /// What becomes of it; nothing when it begins where it did.
    pub(super) fn of(&self, slot: &Slot) -> Result<Option<Begins>, StorageError> {
        let Slot::Live(state) = slot else { return Ok(None) };
        if (state.forks > 0 && !forks_are_ignored()) || state.floor == Tail::default() {
            return Ok(None);
        }
        let listed = match self.stream.unlisted {
            Some(base) => StoredLineage::new(&self.stream.key, base),
            None => known(self.index, self.lineage)?,
        };
        let before = listed.base().sequence;
        if state.floor.sequence <= before {
            return Ok(None);
        }
        let (base, dead) = self.place(state.floor)?;
        Ok((base.sequence > before).then_some(Begins { base, dead, listed }))
    }

    /// Where the run or block begins that holds the first record above a floor, and how many runs lie before it.
    fn place(&self, floor: Tail) -> Result<(Tail, usize), StorageError> {
        let (runs, place) = (&self.stream.runs, Start::behind(self.lineage, floor));
        let dead = runs.iter().take_while(|run| run.end().sequence <= place.sequence).count();
        match runs.get(dead).map(|run| run.head) {
            Some(head) if head.sequence <= place.sequence => return Ok((in_front(head), dead)),
            None if dead > 0 => return Ok((floor, dead)),
            _ => {}
        }
        let base = match self.index.floor(place)? {
            None => Tail::default(),
            Some(block) if block.next().sequence <= place.sequence => floor,
            Some(block) => {
                let Start { position, sequence, .. } = block.start();
                Tail { position, sequence: sequence.saturating_sub(1) }
            }
        };
        Ok((base, 0))
    }
}

fn in_front(head: Head) -> Tail {
    Tail { position: head.position, sequence: head.sequence.saturating_sub(1) }
}

/// Whether it is forgotten that forks need what their source gives up.
fn forks_are_ignored() -> bool {
    #[cfg(test)]
    let ignored = planted(Fault::IgnoresForks);
    #[cfg(not(test))]
    let ignored = false;
    ignored
}
