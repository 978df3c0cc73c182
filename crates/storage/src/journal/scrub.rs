//! Looking for damage in chunk files before somebody asks for what is damaged: all bytes of all files, slowly, again and again.
//!
//! What is found stays as it is: it is never served, and everything around it is.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use headwater_core::storage::StorageError;

use super::index::Index;
use super::shared::Exchange;
use crate::local::pool::guarded;
use crate::local::view::View;

/// Bytes that are read before it waits: less would wake the thread for nothing, more would come in bursts.
const BURST: u64 = 256 << 10;

/// Places of damage that are remembered, so that each is told of once. Whoever has more has been told.
const TOLD: usize = 1000;

/// How slowly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Bytes in a second; none are read when it is 0.
    pub(super) bytes: u64,
    /// Time between the end of one time round and the beginning of the next.
    pub(super) every: Duration,
}

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Scrubber {
    view: Arc<View<Index>>,
    exchange: Arc<Exchange>,
    pace: Pace,
    told: HashSet<String>,
}

impl Scrubber {
    pub(super) fn new(view: Arc<View<Index>>, exchange: Arc<Exchange>, pace: Pace) -> Self {
        Self { view, exchange, pace, told: HashSet::new() }
    }

    /// Goes round until it is told to stop.
    pub(super) fn run(mut self) {
        while self.pace.bytes > 0 && self.exchange.rest(self.pace.every) {
            // A panic in it was reported; the next time round begins anew.
            drop(guarded(|| Ok(self.round())));
        }
    }

    /// Goes through all files once, unless it is told to stop.
    pub(super) fn round(&mut self) -> ControlFlow<()> {
        let mut unpaid = 0;
        for holding in self.view.packed.holdings().stand().files {
            let mut found = Vec::new();
            let flow = holding.file.scrub(|bytes| self.pay(&mut unpaid, bytes), |e| found.push(e));
            // What was found in a file that is gone by now concerns nobody.
            if self.view.packed.holdings().get(holding.file.footer().name).is_some() {
                found.iter().for_each(|error| self.tell(error));
            }
            flow?;
        }
        ControlFlow::Continue(())
    }

    /// Waits as long as it takes to read so much.
    fn pay(&self, unpaid: &mut u64, bytes: u64) -> ControlFlow<()> {
        self.view.packed.holdings().metrics().scrubbed_bytes.increment(bytes);
        *unpaid += bytes;
        if *unpaid < BURST {
            return ControlFlow::Continue(());
        }
        let seconds = std::mem::take(unpaid) as f64 / self.pace.bytes.max(1) as f64;
        let time = Duration::try_from_secs_f64(seconds).unwrap_or(self.pace.every);
        if self.exchange.rest(time) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn tell(&mut self, error: &StorageError) {
        if self.told.len() < TOLD && self.told.insert(error.to_string()) {
            tracing::error!(%error, "a chunk file is damaged; what is damaged is not served, and everything else is");
            self.view.packed.holdings().metrics().damage.increment(1);
        }
    }

    /// Places of damage that were found.
    #[cfg(test)]
    pub(super) fn found(&self) -> usize {
        self.told.len()
    }
}
