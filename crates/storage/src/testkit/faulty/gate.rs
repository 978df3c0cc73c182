//! A place that calls pass, and where they can be held.

use tokio::sync::watch;

/// Open or shut, and how many calls wait in front of it.
pub(super) struct Gate {
    open: watch::Sender<bool>,
    held: watch::Sender<usize>,
}

impl Gate {
    pub(super) fn open() -> Self {
        Self { open: watch::Sender::new(true), held: watch::Sender::new(0) }
    }

    pub(super) fn shut(&self) {
        self.open.send_replace(false);
    }

    /// Lets everything through, now and from now on.
    pub(super) fn release(&self) {
        self.open.send_replace(true);
    }

    /// Waits until at least so many calls are held.
    pub(super) async fn held(&self, calls: usize) {
        reached(&self.held, calls).await;
    }

    /// Goes through, or waits while the gate is shut.
    pub(super) async fn pass(&self) {
        let mut open = self.open.subscribe();
        if *open.borrow_and_update() {
            return;
        }
        let _counted = Counted::one(&self.held);
        // Fails only when the sender is gone, and it is borrowed here.
        drop(open.wait_for(|open| *open).await);
    }
}

/// A call that is held; also given up ones stop counting.
struct Counted<'a>(&'a watch::Sender<usize>);

impl<'a> Counted<'a> {
    fn one(held: &'a watch::Sender<usize>) -> Self {
        held.send_modify(|held| *held += 1);
        Self(held)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|held| *held -= 1);
    }
}

/// Waits until a counter has got as far as that.
pub(super) async fn reached(counter: &watch::Sender<usize>, count: usize) {
    // Fails only when the counter is gone, and it is borrowed here.
    drop(counter.subscribe().wait_for(|reached| *reached >= count).await);
}
