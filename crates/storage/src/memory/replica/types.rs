//! Media types, kept once however many streams have them.

use std::sync::Arc;

use headwater_core::{ContentType, Slot};

/// How many are remembered. Stores have a handful; one that has more, say with a parameter that always differs, gains
/// nothing from a longer list that is searched for each creation.
const MOST: usize = 16;

/// The media types that streams have had so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Types {
    known: Vec<ContentType>,
}

impl Types {
    /// The same slot, with the text of its media type shared with other streams.
    pub(super) fn share(&mut self, slot: Slot) -> Slot {
        let Slot::Live(mut state) = slot else { return slot };
        match self.known.iter().find(|known| **known == state.content_type) {
            Some(known) => Arc::make_mut(&mut state).content_type = known.clone(),
            None if self.known.len() < MOST => self.known.push(state.content_type.clone()),
            None => {}
        }
        Slot::Live(state)
    }
}
