//! [`Faulty`]: an adapter that does, on command, what adapters do at the worst of times.
//!
//! Everything it does is within the contract: what is built on storage has to bear it. (Adapters that break the contract
//! are in [`planted`](super::planted).) It wraps any adapter, passes everything through until told otherwise, and is told
//! by its own methods:
//!
//! | what happens | methods |
//! |---|---|
//! | a commit takes long | [`hold`], [`held`], [`pass`], [`release`] |
//! | a write or sync fails | [`fail_barrier`] |
//! | another writer was faster | [`conflict_on`] |
//! | nobody knows what became of a unit | [`unknown_on`], [`settle`] |
//! | there is no room | [`refuse`], [`accept`] |
//! | a load takes long | [`hold_loads`], [`loads_held`], [`release_loads`] |
//! | a read takes long | [`hold_reads`], [`reads_held`], [`release_reads`] |
//! | the medium cannot be read | [`fail_reads`], [`heal_reads`] |
//!
//! [`hold`]: Faulty::hold
//! [`held`]: Faulty::held
//! [`pass`]: Faulty::pass
//! [`release`]: Faulty::release
//! [`fail_barrier`]: Faulty::fail_barrier
//! [`conflict_on`]: Faulty::conflict_on
//! [`unknown_on`]: Faulty::unknown_on
//! [`settle`]: Faulty::settle
//! [`refuse`]: Faulty::refuse
//! [`accept`]: Faulty::accept
//! [`hold_loads`]: Faulty::hold_loads
//! [`loads_held`]: Faulty::loads_held
//! [`release_loads`]: Faulty::release_loads
//! [`hold_reads`]: Faulty::hold_reads
//! [`reads_held`]: Faulty::reads_held
//! [`release_reads`]: Faulty::release_reads
//! [`fail_reads`]: Faulty::fail_reads
//! [`heal_reads`]: Faulty::heal_reads

mod commit;
mod gate;
mod storage;

use std::fmt;
use std::sync::Arc;

use headwater_core::Storage;
use headwater_core::storage::{Refusal, StorageError, UnitResult, Watcher};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use crate::worker::Worker;
use commit::{Held, Injection, Plan};
use gate::Gate;

/// Where a commit is held open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing of it is written: nobody can see it.
    Unwritten,
    /// It is durable and visible, and not reported yet.
    Unreported,
}

/// What became of a unit that was reported as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aftermath {
    /// It took effect.
    Applied,
    /// It did not, and never will.
    Lost,
    /// It is still under way, and takes effect at [`Faulty::settle`] if its versions still stand then.
    Late,
}

/// A wrapper around an adapter that fails on command. See the [module](self).
pub struct Faulty {
    inner: Arc<dyn Storage>,
    control: Arc<Control>,
}

/// What the wrapper shares with the callbacks that it hands to the adapter.
struct Control {
    // A mutex, for a glance or a change: never held while the adapter or a callback is called.
    plan: Mutex<Plan>,
    groups_held: watch::Sender<usize>,
    loads: Gate,
    reads: Gate,
    worker: Worker,
    // For a glance; the watcher is called on a clone, outside.
    watcher: Mutex<Option<Arc<dyn Watcher>>>,
}

impl Faulty {
    /// Wraps an adapter. Nothing fails yet.
    #[must_use]
    pub fn over(inner: Arc<dyn Storage>) -> Arc<Self> {
        let control = Control {
            plan: Mutex::new(Plan::default()),
            groups_held: watch::Sender::new(0),
            loads: Gate::open(),
            reads: Gate::open(),
            worker: Worker::start(),
            watcher: Mutex::new(None),
        };
        Arc::new(Self { inner, control: Arc::new(control) })
    }

    /// Holds every group from now on at a stage, until it is [passed](Self::pass) or [released](Self::release).
    pub fn hold(&self, stage: Stage) {
        self.control.plan.lock().hold = Some(stage);
    }

    /// Waits until at least so many groups are held.
    pub async fn held(&self, groups: usize) {
        gate::reached(&self.control.groups_held, groups).await;
    }

    /// Lets the groups go on that are held now, in their order; later ones are held as before.
    pub fn pass(&self) {
        let held = {
            let mut plan = self.control.plan.lock();
            self.control.groups_held.send_replace(0);
            std::mem::take(&mut plan.held)
        };
        for held in held {
            match held {
                Held::Unwritten(group) => self.write(group),
                Held::Unreported(done, results) => self.control.worker.run(move || done(results)),
            }
        }
    }

    /// Lets all groups go on, now and from now on.
    pub fn release(&self) {
        self.control.plan.lock().hold = None;
        self.pass();
    }

    /// Makes the barrier of the next group fail: all its units are unknown, and every later group is
    /// [`Refusal::Poisoned`]. [`Aftermath::Late`] is as [`Aftermath::Lost`] here: a barrier is over when it has failed.
    pub fn fail_barrier(&self, aftermath: Aftermath) {
        self.control.plan.lock().barrier = Some(aftermath);
    }

    /// Makes a unit a conflict, as if another writer had been faster. Those of its group that follow it fall with it, the
    /// others are tried. `n` counts from the next unit that is handed over, which is 0.
    pub fn conflict_on(&self, n: u64) {
        self.control.plan.lock().inject(n, Injection::Conflict);
    }

    /// Makes a unit unknown. Unless it was [`Aftermath::Applied`], those of its group that follow it are not tried and are
    /// conflicts; the others are tried. `n` counts from the next unit that is handed over, which is 0.
    pub fn unknown_on(&self, n: u64, aftermath: Aftermath) {
        self.control.plan.lock().inject(n, Injection::Unknown(aftermath));
    }

    /// Lets the units that were [`Aftermath::Late`] take effect, where they still can, and tells what became of them.
    pub async fn settle(&self) -> Vec<UnitResult> {
        let late = std::mem::take(&mut self.control.plan.lock().late);
        let Some(now) = late.iter().map(|(_, now)| *now).max() else { return Vec::new() };
        let units: Vec<_> = late.into_iter().map(|(unit, _)| unit).collect();
        let tried = units.clone();
        let (sender, receiver) = oneshot::channel();
        self.inner.commit(units, now, Box::new(move |results| drop(sender.send(results))));
        let results = receiver.await.unwrap_or_default();
        let happened = |result: &UnitResult| matches!(result, UnitResult::Committed(_));
        let tried = tried.into_iter().zip(&results).filter(|(_, result)| happened(result));
        self.control.tell(&tried.map(|(unit, _)| unit).collect::<Vec<_>>());
        results
    }

    /// Refuses every group from now on, for example because the storage is full.
    pub fn refuse(&self, refusal: Refusal) {
        self.control.plan.lock().refusal = Some(refusal);
    }

    /// Ends [refusing](Self::refuse).
    pub fn accept(&self) {
        self.control.plan.lock().refusal = None;
    }

    /// Holds the answers of loads back from now on. An answer is taken before it is held, so that it may be behind when
    /// it comes.
    pub fn hold_loads(&self) {
        self.control.loads.shut();
    }

    /// Waits until at least so many loads are held.
    pub async fn loads_held(&self, loads: usize) {
        self.control.loads.held(loads).await;
    }

    /// Lets all loads answer, now and from now on.
    pub fn release_loads(&self) {
        self.control.loads.release();
    }

    /// Holds reads of ranges back from now on, before they look at anything: they answer as things stand when they are
    /// let go.
    pub fn hold_reads(&self) {
        self.control.reads.shut();
    }

    /// Waits until at least so many reads are held.
    pub async fn reads_held(&self, reads: usize) {
        self.control.reads.held(reads).await;
    }

    /// Lets all reads go on, now and from now on.
    pub fn release_reads(&self) {
        self.control.reads.release();
    }

    /// Makes everything that reads fail from now on.
    pub fn fail_reads(&self, error: StorageError) {
        self.control.plan.lock().unreadable = Some(error);
    }

    /// Ends [failing](Self::fail_reads).
    pub fn heal_reads(&self) {
        self.control.plan.lock().unreadable = None;
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("inner", &self.inner).finish_non_exhaustive()
    }
}
