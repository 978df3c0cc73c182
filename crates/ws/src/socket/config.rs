//! What one connection may do, kept once for all that may do the same.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use super::Timing;
use crate::limits::Limits;

/// What one connection may do, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Config {
    /// What the peer may send.
    pub limits: Limits,
    /// How long things may take.
    pub timing: Timing,
}

thread_local! {
    /// What the last connection had that was made by this thread. Most servers have one configuration for all.
    static LAST: RefCell<Weak<Config>> = const { RefCell::new(Weak::new()) };
}

impl Config {
    /// The same, shared with the connection before if that one has no other.
    pub(super) fn shared(self) -> Arc<Self> {
        LAST.with_borrow_mut(|last| {
            if let Some(same) = last.upgrade().filter(|last| **last == self) {
                return same;
            }
            let shared = Arc::new(self);
            *last = Arc::downgrade(&shared);
            shared
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_may_do_the_same_share_it() {
        let (first, second) = (Config::default().shared(), Config::default().shared());
        assert!(Arc::ptr_eq(&first, &second));
        let limits = Limits::DEFAULT.with_message_bytes(7);
        let other = Config { limits, ..Config::default() };
        assert_eq!(*other.shared(), other);
        assert_eq!(*Config::default().shared(), Config::default());
    }
}
