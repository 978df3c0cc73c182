//! The one thread that writes, whatever it writes to.
//!
//! It takes a group, has it committed, and reports; then the next. Between groups it does what else there is to do, and when nobody
//! commits for a while.
//!
//! What cannot be read while it is decided on a unit refuses that unit. The first write or sync that fails poisons the thread,
//! and so does other work that fails, because what is left undone must not grow without bound: from then on it writes and
//! syncs nothing, not even when it ends.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use futures_channel::oneshot;
use headwater_core::Timestamp;
use headwater_core::change::Unit;
use headwater_core::storage::{CommitDone, Refusal, StorageError, UnitResult};

use super::pool::guarded;

/// What is asked of the thread.
pub(crate) enum Request {
    Commit { group: Vec<Unit>, now: Timestamp, done: CommitDone },
    Close(oneshot::Sender<Result<(), StorageError>>),
}

/// What the thread does until something is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// There is work: a piece of it, and then it looks again.
    Work,
    /// Something will be to do when nothing was asked for so long.
    Wait(Duration),
    /// Nothing.
    Rest,
}

/// How a directory is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In good order.
    Clean,
    /// Something failed: it stays as it is, for the next start to look at.
    Unclean,
}

/// What the thread owns while the directory is open.
pub(crate) trait Commits: fmt::Debug {
    /// Commits a group, and says of each unit what became of it. An error is a write or a sync that failed.
    fn commit(&mut self, group: Vec<Unit>, now: Timestamp)
    -> Result<Vec<UnitResult>, StorageError>;

    /// Does what a group that was reported leaves to do.
    fn keep_pace(&mut self) -> Result<(), StorageError>;

    /// What is to be done now, when nothing is asked.
    fn meanwhile(&self) -> Meanwhile;

    /// Does a piece of work.
    fn work(&mut self) -> Result<(), StorageError>;

    /// Nothing was asked for as long as it said.
    fn waited(&mut self);

    /// Nothing is to be done.
    fn rest(&mut self);

    /// Says how much is still to be done.
    fn observe(&self);

    /// Where it writes, as messages name it.
    fn place(&self) -> String;

    /// Completes what has to be complete for a clean end.
    fn complete(&mut self) -> Result<(), StorageError>;
}

/// Whether anything can still be written.
enum Health<C> {
    Sound(Box<C>),
    Poisoned(Box<C>),
    Closed,
}

/// Serves requests until all who could send one are gone. `release` gives up what closing has to give up.
///
/// A panic ends what was being done and never the thread: whoever asks afterwards is answered too.
pub(crate) fn run<C: Commits>(
    committer: C,
    requests: &Receiver<Request>,
    release: impl Fn(C, Ending) -> Result<(), StorageError>,
) {
    let mut health = Health::Sound(Box::new(committer));
    while let Err(error) = guarded(|| {
        serve(&mut health, requests, &release);
        Ok(())
    }) {
        health.poison(&error);
    }
}

fn serve<C: Commits>(
    health: &mut Health<C>,
    requests: &Receiver<Request>,
    release: &impl Fn(C, Ending) -> Result<(), StorageError>,
) {
    while let Some(request) = health.next(requests) {
        match request {
            Request::Commit { group, now, done } => {
                let results = health.commit(group, now);
                report(results, done);
                health.maintain(C::keep_pace);
                if let Health::Sound(committer) = health {
                    committer.observe();
                }
            }
            // Who closed may not wait for it.
            Request::Close(closed) => drop(closed.send(health.close(release))),
        }
    }
}

impl<C: Commits> Health<C> {
    /// Waits for a request, and works meanwhile.
    fn next(&mut self, requests: &Receiver<Request>) -> Option<Request> {
        loop {
            let Self::Sound(committer) = self else { return requests.recv().ok() };
            match committer.meanwhile() {
                Meanwhile::Work => match requests.try_recv() {
                    Ok(request) => return Some(request),
                    Err(TryRecvError::Disconnected) => return None,
                    Err(TryRecvError::Empty) => self.maintain(C::work),
                },
                Meanwhile::Wait(idle) => match requests.recv_timeout(idle) {
                    Ok(request) => return Some(request),
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) => committer.waited(),
                },
                Meanwhile::Rest => {
                    committer.rest();
                    committer.observe();
                    return requests.recv().ok();
                }
            }
        }
    }

    fn commit(&mut self, group: Vec<Unit>, now: Timestamp) -> Vec<UnitResult> {
        let units = group.len();
        let refused = |refusal| vec![UnitResult::Refused(refusal); units];
        match self {
            Self::Closed => refused(Refusal::Closed),
            Self::Poisoned(_) => refused(Refusal::Poisoned),
            Self::Sound(committer) => match guarded(|| committer.commit(group, now)) {
                Ok(results) => results,
                Err(error) => {
                    self.poison(&error);
                    vec![UnitResult::Unknown; units]
                }
            },
        }
    }

    fn maintain(&mut self, work: impl FnOnce(&mut C) -> Result<(), StorageError>) {
        if let Self::Sound(committer) = self
            && let Err(error) = guarded(|| work(committer))
        {
            self.poison(&error);
        }
    }

    fn poison(&mut self, error: &StorageError) {
        *self = match std::mem::replace(self, Self::Closed) {
            Self::Sound(committer) => {
                let directory = committer.place();
                tracing::error!(%error, directory, "storage failed; nothing more is written until it is reopened");
                Self::Poisoned(committer)
            }
            other => other,
        };
    }

    fn close(
        &mut self,
        release: &impl Fn(C, Ending) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        match std::mem::replace(self, Self::Closed) {
            Self::Sound(mut committer) => match guarded(|| committer.complete()) {
                Ok(()) => release(*committer, Ending::Clean),
                Err(error) => release(*committer, Ending::Unclean).and(Err(error)),
            },
            Self::Poisoned(committer) => release(*committer, Ending::Unclean).and(Err(poisoned())),
            Self::Closed => Ok(()),
        }
    }
}

/// What the end of a poisoned directory is told as: nobody may take it for a clean one.
fn poisoned() -> StorageError {
    StorageError::Unavailable("a write or a sync failed while the directory was open".to_owned())
}

/// Calls back. A caller's panic must not end the thread that all callers need.
fn report(results: Vec<UnitResult>, done: CommitDone) {
    if catch_unwind(AssertUnwindSafe(|| done(results))).is_err() {
        tracing::error!("a callback of a commit panicked");
    }
}
