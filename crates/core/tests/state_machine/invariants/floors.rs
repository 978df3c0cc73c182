//! What holds for the place where a stream begins.

use super::content::survivors;
use super::{Check, Step, ensure};

/// What was given up stays given up.
pub(super) fn a_floor_never_falls(step: &Step<'_>) -> Check {
    for (key, before, after) in survivors(step) {
        let (old, new) = (before.floor, after.floor);
        let kept = new.0 >= old.0 && new.1 >= old.1;
        ensure(kept, || format!("{key} began at {old:?}, begins at {new:?}"))?;
    }
    Ok(())
}

/// As many bytes are given up as the records have that are, and no more than there are.
pub(super) fn a_floor_lies_between_records(step: &Step<'_>) -> Check {
    for (key, state, content) in step.after.live() {
        let (position, sequence) = (state.floor.position, state.floor.sequence);
        let given_up = content.records.iter().take_while(|(number, ..)| *number <= sequence);
        let end = given_up.last().map_or(0, |(_, _, to, _)| *to);
        let between = end == position && sequence <= state.tail.sequence;
        ensure(between, || format!("{key} begins at {:?} of {content:?}", state.floor))?;
    }
    Ok(())
}
