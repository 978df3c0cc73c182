//! What an opening makes of a crash that may have taken what had been acknowledged: [`SyncPolicy::Within`](super::SyncPolicy).
//!
//! Nobody knows what was lost, so every stream may have lost something, and every number behind the last one found may have been
//! given. So numbers of units and space sequences go on far above those, which the next file of the journal says ([`Floors`]), and
//! every stream that has no lineage as new as that goes on in a new one when it is appended to: no row is written for it before.
//! What was lost has tokens then that are answered as expired, and no number means two things.
//!
//! A directory that was made as a copy ([`Copied`]) has lost in the same way what the store went on to do.
//!
//! Whether only the process died, so that nothing was lost, is not guessed. The boot id of the system would not tell: a disk that
//! is torn away, or unmounted by force, takes what was not written along while the system goes on.

use std::ops::Bound;

use headwater_core::Lineage;
use headwater_core::storage::StorageError;

use super::copied::Copied;
use super::index::Index;
use super::log::{Floors, Recovered};
#[cfg(test)]
use super::planted::{Fault, planted};
use crate::local::frame::Verify;
use crate::local::row::tag;
use crate::local::rows::Rows;
use crate::local::stored::{StoredSpace, decode};
use crate::local::view::View;

/// Numbers of units and records that are given before what was written is made durable, about: one group more.
pub(super) const NUMBERS: u64 = 1 << 31;

/// How far numbers go on behind the last ones that were found: more than can have been given and lost. A group gives far fewer
/// than the rest, and there are enough for a hundred thousand crashes.
const JUMP: u64 = 1 << 36;

/// Above what numbers are from now on.
pub(super) fn floors(
    (recovered, copied): (&Recovered, Option<Copied>),
    last_unit: u64,
    view: &View<Index>,
) -> Result<Floors, StorageError> {
    let said = recovered.run.floors;
    // Once numbers are above what was copied, the copy goes its own way.
    let went_on = copied.is_some_and(|copied| said.unit <= copied.unit);
    if !recovered.may_have_lost() && !went_on {
        return Ok(said);
    }
    #[cfg(test)]
    if planted(Fault::KeepsNumbers) {
        return Ok(Floors { unit: last_unit, ..said });
    }
    let mut space = said.space.max(view.recent.read().active.last_space_sequence());
    for entry in view.packed.scan_from(vec![tag::SPACE], Bound::Included(vec![tag::SPACE])) {
        let (key, value) = entry?;
        space = space.max(decode::<StoredSpace>(&key, &value, Verify::Checksum)?.last);
    }
    Ok(Floors { unit: last_unit.max(said.unit) + JUMP, space: space + JUMP })
}

/// The lineages below which bytes may have been lost.
pub(super) fn lost_below(floors: Floors) -> Lineage {
    #[cfg(test)]
    if planted(Fault::KeepsLineages) {
        return Lineage(0);
    }
    Lineage(floors.unit)
}

/// Says what a crash left behind.
pub(super) fn tell(recovered: &Recovered) {
    if let Some(cut) = &recovered.cut {
        let (place, bytes, group) = (cut.place, cut.bytes, cut.group);
        if recovered.may_have_lost() {
            tracing::warn!(%place, bytes, group, "what was not synced is not whole: from this group on it is cut off");
        } else {
            tracing::warn!(%place, bytes, group, "the last group was never whole, and nobody was told of it: it is cut off");
        }
    }
    if recovered.may_have_lost() {
        tracing::warn!(
            end = %recovered.end.place,
            "the last run had acknowledged before it synced, and did not stop cleanly: what it wrote last may be lost, and streams go on in new lineages"
        );
    }
}
