//! What is published, and how those who wait for it are told.

use std::task::Waker;

/// Something that is shared with many: a clone must cost no more than a reference count.
pub trait Message: Clone {
    /// The bytes that it is counted with, at least one.
    fn weight(&self) -> usize;
}

/// What a subscriber leaves behind when it waits for the next message.
pub trait Park {
    /// Tells it that there is one. Called at most once, when no lock is held.
    fn unpark(self);
}

impl Park for Waker {
    fn unpark(self) {
        self.wake();
    }
}
