//! The ring in memory passes the suite.

use std::num::NonZeroUsize;
use std::sync::Arc;

use headwater_sse::replay::{Cursor, MemoryReplay, Retention};
use headwater_sse::testkit::replay::{Harness, Survival, checks};

pub(crate) const AMPLE: Retention =
    Retention { events: NonZeroUsize::new(2_000).unwrap(), bytes: 1 << 20, age: None };

#[derive(Debug)]
struct Memory;

impl Harness for Memory {
    type Log = Arc<MemoryReplay>;

    fn make(&self) -> Self::Log {
        Arc::new(MemoryReplay::new(AMPLE))
    }

    fn share(&self, log: &Self::Log) -> Self::Log {
        Arc::clone(log)
    }

    fn give_up(&self, log: &Self::Log, through: Cursor) {
        log.truncate(through);
    }

    fn restart(&self, log: Self::Log) -> (Self::Log, Survival) {
        drop(log);
        (self.make(), Survival::Nothing)
    }
}

#[test]
fn memory_passes_every_check() {
    for check in checks() {
        check.run(&Memory).unwrap_or_else(|failure| panic!("{}: {failure}", check.name));
    }
}
