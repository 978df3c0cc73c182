//! Memory to read into, lent by a thread to whoever reads at the moment.
//!
//! What comes is looked at at once, so one piece is enough for all connections of a thread. It stays in the processor's caches, where
//! a piece of each of a thousand connections would be fetched and driven out with every read.

use std::cell::Cell;

thread_local! {
    static MEMORY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends `size` bytes with anything in them.
pub(super) fn with<R>(size: usize, read: impl FnOnce(&mut [u8]) -> R) -> R {
    // Who reads inside of this gets other memory.
    let mut memory = MEMORY.take();
    if memory.len() < size {
        memory.resize(size, 0);
    }
    let read = read(memory.get_mut(..size).unwrap_or_default());
    MEMORY.set(memory);
    read
}
