//! A log with a fault; the suite must find each of them.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::Failure;
use super::super::drive::{PATIENCE, drive};
use super::harness::{Harness, Survival};
use crate::replay::{
    Answer, AppendError, Budget, Cursor, Entry, Epoch, Head, MemoryReplay, Page, ReadError,
    ReplayLog, Rest, Retention,
};
use crate::{Event, EventId, PreparedEvent};

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing; the suite passes.
    Nothing,
    /// Every tenth append is answered and not kept.
    Forgets,
    /// A read shows an event only when the next one is there, but not the very last.
    ShowsLate,
    /// Data loses its leading and trailing space.
    Trims,
    /// The id on the wire is the one that the caller's event had.
    KeepsForeignId,
    /// An event that is refused is appended all the same.
    AppendsRefused,
    /// Two events change places on a page.
    Swaps,
    /// The last event of a full page is neither on it nor on the next.
    SkipsAtPageEnd,
    /// A page is as large as it can be.
    IgnoresBudget,
    /// An event above the budget makes an empty page.
    RefusesLarge,
    /// A page that is not the last one says it is.
    EndsEarly,
    /// What is no longer kept is passed over in silence.
    SilentGap,
    /// A cursor of another epoch is taken for one of this.
    IgnoresEpoch,
    /// A cursor ahead of the log is answered "nothing missed".
    AcceptsAhead,
    /// Whoever waits is never woken.
    NeverWakes,
    /// Ids are read with a number's tolerance.
    ParsesLoosely,
    /// All ids of a kind are the same.
    ForgetsOffsetInId,
    /// After a restart that lost everything the epoch is the same.
    SameEpoch,
}

/// All faults, and the check that is there for each.
pub const FAULTS: &[(Fault, &str)] = &[
    (Fault::Forgets, "an answered append is read"),
    (Fault::ShowsLate, "an answered append is read"),
    (Fault::Trims, "the event arrives unchanged"),
    (Fault::KeepsForeignId, "the event arrives unchanged"),
    (Fault::AppendsRefused, "a refused event leaves no trace"),
    (Fault::Swaps, "appends at once have one order"),
    (Fault::Forgets, "appends at once have one order"),
    (Fault::SkipsAtPageEnd, "pages are whole and bounded"),
    (Fault::IgnoresBudget, "pages are whole and bounded"),
    (Fault::EndsEarly, "pages are whole and bounded"),
    (Fault::RefusesLarge, "an event above the budget comes alone"),
    (Fault::IgnoresBudget, "an event above the budget comes alone"),
    (Fault::SilentGap, "what was given up is an error"),
    (Fault::SilentGap, "every id has its verdict"),
    (Fault::IgnoresEpoch, "every id has its verdict"),
    (Fault::AcceptsAhead, "every id has its verdict"),
    (Fault::AcceptsAhead, "a client is told its place"),
    (Fault::ParsesLoosely, "ids and cursors are one to one"),
    (Fault::ForgetsOffsetInId, "ids and cursors are one to one"),
    (Fault::SameEpoch, "what is lost is lost in another epoch"),
    (Fault::NeverWakes, "a reader is woken by the next event"),
    (Fault::Swaps, "what is read while others append has no hole"),
];

/// A log in memory with a fault.
#[derive(Debug, Clone)]
pub struct Planted {
    inner: Arc<MemoryReplay>,
    fault: Fault,
    appends: Arc<Mutex<u64>>,
}

impl Planted {
    fn new(fault: Fault, epoch: Epoch) -> Self {
        let retention = Retention {
            events: std::num::NonZeroUsize::MIN.saturating_add(9_999),
            bytes: 1 << 24,
            age: None,
        };
        let inner = Arc::new(MemoryReplay::with_epoch(retention, epoch));
        Self { inner, fault, appends: Arc::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn appends(&self) -> MutexGuard<'_, u64> {
        self.appends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, event: &Event<'_>) -> Result<Entry, AppendError> {
        let mut appends = self.appends();
        *appends += 1;
        if self.is(Fault::Forgets) && appends.is_multiple_of(10) {
            let cursor = Cursor::new(self.inner.head_now().epoch, self.inner.head_now().newest + 1);
            let event = cursor.with_id(|id| PreparedEvent::new(&event.id(id)));
            return Ok(Entry { cursor, event });
        }
        if self.is(Fault::AppendsRefused) && !event.has_data() {
            self.inner.append_now(&event.data(""))?;
            return Err(AppendError::NoData);
        }
        let data = event.data_pieces().collect::<String>();
        let event = match self.fault {
            Fault::Trims if event.has_data() => event.data(data.trim()),
            _ => *event,
        };
        self.inner.append_now(&event)
    }

    /// The cursor after which a log without scruples would read.
    fn bend(&self, after: Cursor) -> Cursor {
        let head = self.inner.head_now();
        match self.fault {
            Fault::SilentGap => Cursor::new(after.epoch, after.offset.max(head.floor)),
            Fault::IgnoresEpoch => Cursor::new(head.epoch, after.offset),
            _ => after,
        }
    }

    fn read_now(&self, after: Cursor, budget: Budget) -> Result<Page, ReadError> {
        let bytes = if self.is(Fault::IgnoresBudget) { usize::MAX } else { budget.bytes };
        let mut page = self.inner.read_now(self.bend(after), Budget { bytes, ..budget })?;
        let entries = &mut page.entries;
        match self.fault {
            Fault::Swaps if entries.len() > 1 => entries.swap(0, 1),
            Fault::SkipsAtPageEnd if entries.len() > 2 && page.rest == Rest::More => {
                let second_last = entries.len() - 2;
                entries.remove(second_last);
            }
            Fault::EndsEarly => page.rest = Rest::Nothing,
            Fault::ShowsLate if page.rest == Rest::Nothing => drop(entries.pop()),
            Fault::RefusesLarge => {
                entries.retain(|entry| entry.event.as_bytes().len() <= budget.bytes);
            }
            Fault::KeepsForeignId => {
                let id = EventId::new("of the caller").unwrap_or_default();
                for entry in entries {
                    let event = Event::new().id(id).data("");
                    entry.event = PreparedEvent::new(&event);
                }
            }
            _ => {}
        }
        Ok(page)
    }
}

impl ReplayLog for Planted {
    fn head(&self) -> Answer<'_, Result<Head, ReadError>> {
        let mut head = self.inner.head_now();
        if self.is(Fault::SilentGap) {
            head.floor = 0;
        }
        Answer::now(Ok(head))
    }

    fn append<'a>(&'a self, event: Event<'a>) -> Answer<'a, Result<Entry, AppendError>> {
        Answer::now(self.append_now(&event))
    }

    fn read(&self, after: Cursor, budget: Budget) -> Answer<'_, Result<Page, ReadError>> {
        Answer::now(self.read_now(after, budget))
    }

    fn wait(&self, after: Cursor) -> Answer<'_, Result<(), ReadError>> {
        if self.is(Fault::NeverWakes) {
            return Answer::later(std::future::pending());
        }
        ReplayLog::wait(&self.inner, self.bend(after))
    }

    fn id(&self, cursor: Cursor) -> String {
        match self.fault {
            Fault::ForgetsOffsetInId => Cursor::new(cursor.epoch, 1).to_string(),
            _ => cursor.to_string(),
        }
    }

    fn parse(&self, id: &str) -> Option<Cursor> {
        match self.fault {
            Fault::ParsesLoosely => Cursor::parse(id.trim()),
            Fault::AcceptsAhead => Cursor::parse(id).map(|cursor| {
                Cursor::new(cursor.epoch, cursor.offset.min(self.inner.head_now().newest))
            }),
            Fault::IgnoresEpoch => {
                let cursor = Cursor::parse(id)?;
                Some(Cursor::new(self.inner.head_now().epoch, cursor.offset))
            }
            _ => Cursor::parse(id),
        }
    }
}

const SHORT: Duration = Duration::from_millis(300);

/// Makes logs with a fault.
#[derive(Debug)]
pub struct PlantedHarness(pub Fault);

impl Harness for PlantedHarness {
    type Log = Planted;

    fn make(&self) -> Planted {
        Planted::new(self.0, Epoch::random())
    }

    fn share(&self, log: &Planted) -> Planted {
        log.clone()
    }

    fn give_up(&self, log: &Planted, through: Cursor) {
        log.inner.truncate(through);
    }

    fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> Result<T, Failure> {
        // Who is never woken need not be waited for as long as one who will be.
        let patience = if self.0 == Fault::NeverWakes { SHORT } else { PATIENCE };
        drive(future, patience)
    }

    fn restart(&self, log: Planted) -> (Planted, Survival) {
        let epoch = log.inner.head_now().epoch;
        let epoch = if self.0 == Fault::SameEpoch { epoch } else { Epoch::random() };
        (Planted::new(self.0, epoch), Survival::Nothing)
    }
}
