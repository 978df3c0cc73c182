//! What subscribers are told, made once for all who are told the same.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::PoisonError;

use crate::sync::Mutex;

/// Texts that are kept. Those who are told one after the other mostly stand at the same place, or where those before them stood when
/// something was published between; so few are asked for at a time, each at most of what one take brings.
const KEPT: usize = 4;

/// Texts by the stretch of the log that they tell. A stretch is taken whole or not at all, so whoever took it got the same.
pub(super) struct Shelf<T> {
    // A plain lock, held while a few numbers are compared and a reference is counted.
    texts: Mutex<VecDeque<(Range<u64>, T)>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { texts: Mutex::new(VecDeque::with_capacity(KEPT)) }
    }
}

impl<T: Clone> Shelf<T> {
    /// The text of a stretch, which is made if nobody else was told it lately. Two who need it at the same time may both make it.
    pub(super) fn get(&self, stretch: Range<u64>, make: impl FnOnce() -> T) -> T {
        if let Some(text) = self.find(&stretch) {
            return text;
        }
        let text = make();
        let _oldest = {
            let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
            let oldest = if texts.len() == KEPT { texts.pop_back() } else { None };
            texts.push_front((stretch, text.clone()));
            // Let go of when the lock is free.
            oldest
        };
        text
    }

    fn find(&self, stretch: &Range<u64>) -> Option<T> {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.iter().find(|(told, _)| told == stretch).map(|(_, text)| text.clone())
    }
}
