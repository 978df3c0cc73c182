//! A handle that is parked, and a flag by which its subscriber knows that it still is, without the lock.

use crate::Park;
use crate::sync::{Arc, AtomicBool, Ordering};

/// Whether a subscriber waits to be told. The subscriber sets it when it parks, under the log's lock, and takes it back when it takes;
/// whoever tells it takes it back before. So who finds it set is told later, and who was told finds it taken back.
#[derive(Clone, Debug)]
pub(crate) struct Waiting(Arc<AtomicBool>);

impl Waiting {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// The subscriber takes its handle back.
    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// The handle as the log keeps it.
    pub(crate) fn park<P>(&self, handle: P) -> Parked<P> {
        self.0.store(true, Ordering::Release);
        Parked { handle, waiting: self.clone() }
    }
}

#[derive(Debug)]
pub(crate) struct Parked<P> {
    handle: P,
    waiting: Waiting,
}

impl<P> Parked<P> {
    pub(crate) fn handle(&self) -> &P {
        &self.handle
    }
}

impl<P: Park> Park for Parked<P> {
    fn unpark(self) {
        self.waiting.end();
        self.handle.unpark();
    }
}
