//! What a handle does, whatever it is a handle of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::{io, thread};

use futures_channel::oneshot;
use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, Portion,
    ReadRange, SpacePage, SpaceRead, StorageError,
};
use headwater_core::{ProducerId, StreamKey, Timestamp, Version};
use parking_lot::RwLock;

use super::committer::{self, Commits, Ending, Request};
use super::pool::{Pool, Priority};
use super::read::page::{Snapshot, as_portions};
use super::read::{catalogue, space};
use super::rows::Packed;
use super::view::View;

/// Threads that look up what decisions need. More than one, so that a long list does not hold up the others; few, because most of it is in
/// the cache.
const LOOKUPS: usize = 2;

/// Threads that read pages. More than one, so that a disk has something to choose from; few, because others need the processor.
const PAGES: usize = 3;

/// A read of no more than this is a look at one record, which does not wait behind pages.
const LOOKUP_BYTES: usize = 4096;

/// A handle on what one thread writes, and everyone reads.
pub(crate) struct Handle<P> {
    requests: Sender<Request>,
    reading: Arc<Reading<P>>,
    /// Set when closing begins: nothing is read any more.
    closing: AtomicBool,
}

/// What readers need, until the directory is closed.
#[derive(Debug)]
struct Reading<P> {
    lookups: Pool,
    // Apart, because any number of readers may be catching up, and appends wait for what is looked up.
    pages: Pool,
    /// A lock, because closing takes the view away from everyone; held to copy the reference.
    view: RwLock<Option<Arc<View<P>>>>,
}

impl<P: Packed + 'static> Handle<P> {
    /// Starts the threads. When all is done and nobody reads any more, `release` gives up the directory.
    pub(crate) fn start<C: Commits + Send + 'static>(
        name: &str,
        view: &Arc<View<P>>,
        committer: C,
        release: impl Fn(C, Ending) -> Result<(), StorageError> + Send + 'static,
    ) -> io::Result<Self> {
        let lookups = Pool::start(&format!("{name}-look"), LOOKUPS, Priority::Usual)?;
        let pages = Pool::start(&format!("{name}-read"), PAGES, Priority::Low)?;
        let view = RwLock::new(Some(Arc::clone(view)));
        let reading = Arc::new(Reading { lookups, pages, view });
        let (requests, queue) = mpsc::channel();
        let release = {
            let reading = Arc::clone(&reading);
            move |committer, ending| {
                drop(reading.view.write().take());
                reading.lookups.close();
                reading.pages.close();
                release(committer, ending)
            }
        };
        thread::Builder::new()
            .name(format!("{name}-commit"))
            .spawn(move || committer::run(committer, &queue, release))?;
        Ok(Self { requests, reading, closing: AtomicBool::new(false) })
    }

    /// What is durable, until the directory is closed.
    pub(crate) fn view(&self) -> Result<Arc<View<P>>, StorageError> {
        if self.closing.load(Ordering::Acquire) {
            return Err(StorageError::Closed);
        }
        self.reading.view.read().clone().ok_or(StorageError::Closed)
    }

    /// Answers from memory, or else on a thread that may wait for a disk.
    fn answer<'a, T: Send + 'static>(
        &'a self,
        recent: impl FnOnce(&View<P>) -> Option<T> + Send + 'a,
        durable: impl FnOnce(&View<P>) -> Result<T, StorageError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StorageError>> {
        Box::pin(async move {
            let view = self.view()?;
            if let Some(answer) = recent(&view) {
                return Ok(answer);
            }
            self.reading.lookups.run(move || durable(&view)).await
        })
    }

    pub(crate) fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        let (asked, row) = (key.clone(), producer.cloned());
        self.answer(
            move |view| view.load_recent(key, producer),
            move |view| view.load(&asked, row.as_ref()),
        )
    }

    pub(crate) fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let request = Request::Commit { group, now, done };
        // The thread ends when this handle is dropped, and not before.
        drop(self.requests.send(request));
    }

    pub(crate) fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        let asked = relies_on.to_vec();
        self.answer(move |view| view.confirm_recent(relies_on), move |view| view.confirm(&asked))
    }

    pub(crate) fn read(
        &self,
        range: ReadRange,
        detail: Detail,
    ) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(async move {
            let view = self.view()?;
            let snapshot = Snapshot::take(&view, range, detail);
            match snapshot.answer() {
                Some(answer) => answer,
                None => {
                    let Reading { lookups, pages, .. } = &*self.reading;
                    let pool = if range.budget <= LOOKUP_BYTES { lookups } else { pages };
                    pool.run(move || snapshot.complete(&view)).await
                }
            }
        })
    }

    pub(crate) fn read_to_send(
        &self,
        range: ReadRange,
    ) -> BoxFuture<'_, Result<Vec<Portion>, StorageError>> {
        Box::pin(async move {
            let view = self.view()?;
            let snapshot = Snapshot::take(&view, range, Detail::Bytes);
            match snapshot.answer() {
                Some(answer) => answer.map(as_portions),
                None => self.reading.pages.run(move || snapshot.portions(&view)).await,
            }
        })
    }

    pub(crate) fn read_space(
        &self,
        read: SpaceRead,
    ) -> BoxFuture<'_, Result<SpacePage, StorageError>> {
        Box::pin(async move {
            let view = self.view()?;
            self.reading.pages.run(move || space::read_space(&view, &read)).await
        })
    }

    pub(crate) fn list(
        &self,
        query: ListQuery,
    ) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>> {
        self.answer(|_| None, move |view| catalogue::list(view, &query))
    }

    pub(crate) fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        self.answer(|_| None, move |view| catalogue::expiring(view, before, limit))
    }

    pub(crate) fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.closing.store(true, Ordering::Release);
        let (closed, waiting) = oneshot::channel();
        drop(self.requests.send(Request::Close(closed)));
        // Not answered where giving up the directory panicked.
        Box::pin(async move { waiting.await.unwrap_or(Err(StorageError::Closed)) })
    }
}

/// Implements [`Storage`](headwater_core::Storage) for an adapter whose first field is a [`Handle`], its data's only writer.
macro_rules! sole_storage {
    ($adapter:ty) => {
        impl headwater_core::Storage for $adapter {
            fn writers(&self) -> Writers {
                Writers::Sole
            }

            fn load<'a>(
                &'a self,
                key: &'a StreamKey,
                producer: Option<&'a ProducerId>,
            ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
                self.0.load(key, producer)
            }

            fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
                self.0.commit(group, now, done);
            }

            fn confirm<'a>(
                &'a self,
                relies_on: &'a [(StreamKey, Version)],
            ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
                self.0.confirm(relies_on)
            }

            fn read(
                &self,
                range: ReadRange,
                detail: Detail,
            ) -> BoxFuture<'_, Result<Page, StorageError>> {
                self.0.read(range, detail)
            }

            fn read_to_send(
                &self,
                range: ReadRange,
            ) -> BoxFuture<'_, Result<Vec<Portion>, StorageError>> {
                self.0.read_to_send(range)
            }

            fn read_space(
                &self,
                read: SpaceRead,
            ) -> BoxFuture<'_, Result<SpacePage, StorageError>> {
                self.0.read_space(read)
            }

            fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>> {
                self.0.list(query)
            }

            fn expiring(
                &self,
                before: Timestamp,
                limit: usize,
            ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
                self.0.expiring(before, limit)
            }

            fn watch(&self, _watcher: Arc<dyn Watcher>) {}

            fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
                self.0.close()
            }
        }
    };
}

pub(crate) use sole_storage;
