//! What was measured, and how it is told.

use std::time::Duration;

use super::meter::Times;

/// A measurement.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Records that became durable in the counted time.
    pub(crate) records: u64,
    /// That time.
    pub(crate) seconds: f64,
    /// Nanoseconds from handing a group over to its being durable, of all groups that counted.
    pub(crate) groups: Vec<u64>,
    /// Processor time of this process in it, the driver's own thread left out.
    pub(crate) cpu: Duration,
    /// Processor time of the driver's thread.
    pub(crate) driver: Duration,
    /// Cores that were busy with other things.
    pub(crate) others: f64,
    /// Memory at most, in bytes.
    pub(crate) resident: u64,
    /// Bytes in memory that were not packed, at most.
    pub(crate) backlog: u64,
    /// How many syncs, and nanoseconds that all of them took.
    pub(crate) syncs: (u64, u64),
    /// Groups that were handed over late, because the driver had not made them yet.
    pub(crate) late: u64,
    /// Records a second in the last fifth of the time.
    pub(crate) last: f64,
    /// Bytes on disk after packing and a clean end, and all payload that is in them.
    pub(crate) stored: (u64, u64),
    /// Streams that did not hold what was committed.
    pub(crate) wrong: u64,
}

impl Outcome {
    /// Fills in what the clocks say.
    pub(crate) fn timed(mut self, begun: &Times, ended: &Times) -> Self {
        self.seconds = (ended.at - begun.at).as_secs_f64();
        self.driver = ended.thread.saturating_sub(begun.thread);
        self.cpu = ended.process.saturating_sub(begun.process).saturating_sub(self.driver);
        self.others = ended.others_since(begun);
        self
    }

    /// One line.
    pub(crate) fn json(mut self) -> String {
        self.groups.sort_unstable();
        let at = |share: f64| {
            let nth = (self.groups.len() as f64 * share) as usize;
            self.groups.get(nth.min(self.groups.len().saturating_sub(1))).copied().unwrap_or(0)
        };
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(at);
        let (cpu, driver) = (self.cpu.as_nanos(), self.driver.as_nanos());
        let ((syncs, sync_nanos), (stored, payload)) = (self.syncs, self.stored);
        let Self { records, seconds, others, resident, backlog, late, last, wrong, .. } = self;
        format!(
            "{{\"records\":{records},\"seconds\":{seconds},\"p50\":{p50},\"p99\":{p99},\"max\":{max},\
             \"cpu\":{cpu},\"driver\":{driver},\"others\":{others},\"resident\":{resident},\
             \"backlog\":{backlog},\"syncs\":{syncs},\"sync_nanos\":{sync_nanos},\"late\":{late},\
             \"last\":{last},\"stored\":{stored},\"payload\":{payload},\"wrong\":{wrong}}}"
        )
    }
}
