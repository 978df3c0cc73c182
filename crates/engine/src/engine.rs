//! The engine: what an embedding program holds.

use std::convert::Infallible;
use std::sync::Arc;

use headwater_core::change::Unit;
use headwater_core::command::{Append, Body, Create};
use headwater_core::content_type::ContentKind;
use headwater_core::decide::{self, Appended, Decision, Existence, Freshness};
use headwater_core::storage::{ListQuery, Portion, Storage, StorageError};
use headwater_core::{
    AccessError, AppendError, Batch, CreateError, Lineage, Offset, StreamKey, StreamState,
};
use tokio::time::Instant;

use crate::admission::{Admission, Reservation};
use crate::clock::Clock;
use crate::error::{Failure, ServiceError};
use crate::expiry;
use crate::list::{self, Listing};
use crate::options::Options;
use crate::read::records::{self, Records};
use crate::read::{self, Page, Start};
use crate::shard::Shard;
use crate::shard::view::Seen;
use crate::tail::Tail;

/// What a creation found or made.
#[derive(Clone, Debug)]
pub enum Created {
    /// It is new.
    New(Arc<StreamState>),
    /// It existed with this configuration.
    Confirmed(Arc<StreamState>),
}

impl Created {
    /// The stream.
    #[must_use]
    pub fn state(&self) -> &Arc<StreamState> {
        match self {
            Self::New(state) | Self::Confirmed(state) => state,
        }
    }
}

/// The running log over one storage. Cloning shares it.
///
/// Every method returns when its answer is durable and true: a success, a refusal, and a page that says it is up to
/// date alike. Dropping a returned future before it ends gives up the answer: what was asked for happens whole or not at all.
#[derive(Clone, Debug)]
pub struct Engine {
    shard: Arc<Shard>,
    admission: Arc<Admission>,
}

impl Engine {
    /// Starts an engine.
    ///
    /// # Panics
    /// Outside of a tokio runtime: expiry runs as a task of it.
    #[must_use]
    pub fn start(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, options: Options) -> Self {
        let admission = Admission::new(&options);
        let (interval, idle_after) = (options.expiry_interval, options.idle_after);
        let shard = Shard::start(storage, clock, options);
        tokio::spawn(expiry::run(Arc::downgrade(&shard), interval, idle_after));
        Self { shard, admission }
    }

    /// An empty reservation for a request on this stream, to be grown before its bytes are read.
    #[must_use]
    pub fn reserve(&self, key: &StreamKey) -> Reservation {
        self.admission.reserve(key)
    }

    /// The kind of a stream that is to be forked, so that a body without content type can be framed for it. `None`
    /// when there is no such stream; the creation itself then says why.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn kind_of(
        &self,
        key: &StreamKey,
    ) -> Result<Option<ContentKind>, Failure<CreateError>> {
        match read::look(&self.shard, key).await {
            Ok(state) => Ok(Some(state.content_type.kind())),
            Err(Failure::Refused(_)) => Ok(None),
            Err(Failure::Service(error)) => Err(error.into()),
        }
    }

    /// Creates, confirms or forks a stream. What it keeps, if neither the command nor the source of a fork says it, is what is usual in its
    /// space: [`Options::retention`].
    ///
    /// # Errors
    /// [`CreateError`] by the rules; nothing was created or pinned.
    pub async fn create(
        &self,
        key: &StreamKey,
        mut command: Create,
        mut held: Reservation,
    ) -> Result<Created, Failure<CreateError>> {
        admit(&mut held, &command.body)?;
        command.retention = self.shard.options.retention.wanted(key, command.retention);
        let decide = |view: &Seen<'_>, now| decide::create(view, key, &command, now);
        let done = self.shard.run_holding(held.shared(), decide).await?;
        match (done.outcome.existence, done.stamp) {
            (Existence::New(birth), Some(stamp)) => {
                Ok(Created::New(Arc::new(StreamState::born(&birth, Lineage(stamp.unit.0)))))
            }
            (Existence::Confirmed(state), _) => Ok(Created::Confirmed(state)),
            (Existence::New(_), None) => Err(ServiceError::Unknown.into()),
        }
    }

    /// Appends, closes, or both, in one unit.
    ///
    /// # Errors
    /// [`AppendError`] by the rules; nothing changed. [`ServiceError::Unknown`] when it may have happened: a producer
    /// repeats the same tuple, others read what is there.
    pub async fn append(
        &self,
        key: &StreamKey,
        command: Append,
        mut held: Reservation,
    ) -> Result<Appended, Failure<AppendError>> {
        let begun = Instant::now();
        admit(&mut held, &command.body)?;
        let limits = self.shard.options.limits;
        let decide = |view: &Seen<'_>, now| decide::append(view, limits, key, &command, now);
        let mut done = self.shard.run_holding(held.shared(), decide).await?;
        if let Some(stamp) = &done.stamp {
            done.outcome.state = done.outcome.state.numbered(Lineage(stamp.unit.0));
        }
        if done.outcome.freshness == Freshness::Duplicate {
            // It changes nothing, and is a use of the stream all the same.
            self.shard.touch(key);
        }
        self.shard.metrics.appended(&command.body, done.outcome.freshness, begun.elapsed());
        Ok(done.outcome)
    }

    /// Deletes a stream. While forks need it, it is only gone for everyone else.
    ///
    /// # Errors
    /// [`AccessError`] when there is none.
    pub async fn delete(&self, key: &StreamKey) -> Result<(), Failure<AccessError>> {
        self.shard.run(|view, now| decide::delete(view, key, now)).await?;
        Ok(())
    }

    /// Gives up everything in a stream before an offset between two records; nothing, where it begins later already. A closed
    /// stream can be truncated. Forks keep what they inherited.
    ///
    /// Readers that are before the offset are refused as [`OffsetError::Expired`](headwater_core::OffsetError::Expired), live ones too.
    ///
    /// # Errors
    /// [`AccessError`] when there is no stream, or the offset does not point between two of its records.
    pub async fn truncate(
        &self,
        key: &StreamKey,
        offset: Offset,
    ) -> Result<Arc<StreamState>, Failure<AccessError>> {
        let decide = |view: &Seen<'_>, now| decide::truncate(view, key, offset, now);
        Ok(self.shard.run(decide).await?.outcome.state)
    }

    /// Looks at a stream without counting as a use of it.
    ///
    /// # Errors
    /// [`AccessError`] when there is none.
    pub async fn head(&self, key: &StreamKey) -> Result<Arc<StreamState>, Failure<AccessError>> {
        read::look(&self.shard, key).await
    }

    /// Reads a page. Counts as a use.
    ///
    /// # Errors
    /// [`AccessError`] when there is no stream or the offset does not point into it.
    pub async fn read(&self, key: &StreamKey, start: Start) -> Result<Page, Failure<AccessError>> {
        read::read(&self.shard, key, start).await
    }

    /// Reads a page for who only sends it on: the same, but what storage keeps in files may be left there, and takes no room, so that
    /// the page may be [longer](Options::sent_page_bytes). Counts as a use.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub async fn read_to_send(
        &self,
        key: &StreamKey,
        start: Start,
    ) -> Result<Page<Portion>, Failure<AccessError>> {
        read::read_to_send(&self.shard, key, start).await
    }

    /// Reads a page of whole records with their rows: numbers, time and metadata beside the bytes. At least one record,
    /// if there is one, and then as many as fit into [`Options::records_page_bytes`] and [`Options::page_records`]. An offset inside of a record of a byte
    /// stream reads that record from its start. Counts as a use, and waits as [`Engine::read`] does.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub async fn read_records(
        &self,
        key: &StreamKey,
        start: Start,
    ) -> Result<Records, Failure<AccessError>> {
        records::read(&self.shard, key, start).await
    }

    /// Lists streams by name: at most `limit` of them, those whose time is up left out. No use of them.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn list(&self, query: ListQuery) -> Result<Listing, ServiceError> {
        list::list(&self.shard, query).await
    }

    /// Opens a live tail. Counts as a use until it is dropped.
    ///
    /// # Errors
    /// As [`Engine::read`]; [`ServiceError::Draining`] after [`Engine::drain`].
    pub async fn tail(&self, key: &StreamKey, start: Start) -> Result<Tail, Failure<AccessError>> {
        Tail::open(&self.shard, key, start).await
    }

    /// Whether a write failed, so that nothing can be changed until the storage is opened again.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.shard.is_poisoned()
    }

    /// Units that are decided and not yet durable: with storage, or in the next group. A measure of backlog.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shard.waiting()
    }

    /// Whether live tails have been ended and no new one is opened.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shard.with(|inner| inner.lives.is_draining())
    }

    /// Payload bytes that are reserved at the moment.
    #[must_use]
    pub fn bytes_in_flight(&self) -> usize {
        self.admission.used()
    }

    /// Bytes that are read and not sent yet.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.shard.reading.used()
    }

    /// Makes an empty unit durable: everything that an append does, and leaves nothing behind.
    ///
    /// # Errors
    /// What an append would fail with.
    pub async fn probe(&self) -> Result<(), ServiceError> {
        let decide = |_: &Seen<'_>, _| Decision::<(), Infallible>::Commit {
            unit: Unit { changes: Vec::new() },
            outcome: (),
        };
        match self.shard.run(decide).await {
            Ok(_) => Ok(()),
            Err(Failure::Service(error)) => Err(error),
            Err(Failure::Refused(never)) => match never {},
        }
    }

    /// Brings the gauges that nobody moves up to date: what waits, and what is reserved.
    pub fn observe(&self) {
        self.shard.metrics.units_waiting.set(self.waiting() as f64);
        self.shard.metrics.bytes_in_flight.set(self.bytes_in_flight() as f64);
        self.shard.metrics.bytes_read.set(self.bytes_read() as f64);
    }

    /// Ends live tails, and every one that would begin. Everything else goes on.
    pub fn drain(&self) {
        for publication in self.shard.with(|inner| inner.lives.drain()) {
            publication.publish();
        }
    }

    /// Drains, refuses everything new, waits for what is on its way, saves uses of TTL streams, and closes the storage.
    ///
    /// # Errors
    /// When the storage could not be left cleanly.
    pub async fn shutdown(&self) -> Result<(), StorageError> {
        self.drain();
        expiry::save_all(&self.shard).await;
        self.shard.stop().await;
        self.shard.storage.close().await
    }
}

fn admit(held: &mut Reservation, body: &Body) -> Result<(), ServiceError> {
    let missing = body.batch().map_or(0, Batch::weight).saturating_sub(held.bytes());
    held.grow(missing)
}
