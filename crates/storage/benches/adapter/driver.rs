//! Keeps an adapter busy: one group in flight, the next one ready.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use headwater_core::change::Unit;
use headwater_core::storage::UnitResult;
use headwater_core::{Storage, Timestamp};
use parking_lot::{Condvar, Mutex};
use tokio::runtime::Runtime;

use super::args::Args;
use super::gauges::Gauges;
use super::meter::{self, Times};
use super::outcome::Outcome;
use super::subject::Adapter;
use super::work::{Work, committed};
use super::{Fault, RECORD};

/// Groups that wait behind the one in flight. One is enough to have it ready, and more would only take memory.
const READY: usize = 1;

/// How long nothing must change on disk before packing is taken for done: longer than an adapter waits before it packs, which is a
/// second. A short measurement waits for less of what it has not to report.
const QUIET: Duration = Duration::from_millis(2500);

/// How long that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The groups on their way.
struct Chain {
    storage: Arc<dyn Storage>,
    // The driver puts groups in, a thread of the adapter's takes them out, once per group each.
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Vec<Unit>>,
    /// When the group in flight was handed over.
    in_flight: Option<Instant>,
    /// Units of all groups that became durable.
    units: u64,
    /// What they took, in nanoseconds; `None` while it does not count.
    groups: Option<Vec<u64>>,
    late: u64,
    fault: Option<Fault>,
}

/// Measures an adapter.
pub(crate) fn measure(args: &Args, adapter: Adapter) -> Result<Outcome, Fault> {
    let gauges = Gauges::listen()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let storage = adapter.open(&args.dir)?;
    let mut work = Work::create(&*storage, args.streams, &runtime)?;
    let chain = Arc::new(Chain {
        storage: Arc::clone(&storage),
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    let outcome = drive(&chain, &mut work, args, &gauges)?;
    drop(chain);
    let wrong = work.wrong(&*storage, &runtime)?;
    // What is not on disk is not packed.
    if adapter != Adapter::Memory {
        settle(args)?;
    }
    runtime.block_on(storage.close())?;
    drop(storage);
    let stored = (meter::stored(&args.dir)?, outcome.stored.1);
    let reopened = reopened(args, adapter, &work, &runtime)?;
    Ok(Outcome { stored, wrong: wrong + reopened, ..outcome })
}

fn drive(
    chain: &Arc<Chain>,
    work: &mut Work,
    args: &Args,
    gauges: &Gauges,
) -> Result<Outcome, Fault> {
    let full = |chain: &Chain| chain.state.lock().units * RECORD as u64 >= args.most;
    let begun = Instant::now();
    while begun.elapsed() < args.warm_up && !full(chain) {
        chain.push(work.group(args.group)?)?;
    }
    let before = chain.count();
    let syncs = gauges.syncs();
    let begun = Times::now()?;
    let mut near_end = None;
    while begun.at.elapsed() < args.secs && !full(chain) {
        chain.push(work.group(args.group)?)?;
        if near_end.is_none() && begun.at.elapsed() >= args.secs.mul_f64(0.8) {
            near_end = Some((Instant::now(), chain.units()));
        }
    }
    let ended = Times::now()?;
    let (units, groups, late) = chain.counted();
    let last = near_end.map_or(0.0, |(at, then)| {
        (units - then) as f64 / (ended.at - at).as_secs_f64().max(f64::EPSILON)
    });
    let (syncs_then, nanos_then) = syncs;
    let (syncs, nanos) = gauges.syncs();
    chain.end()?;
    let outcome = Outcome {
        records: units - before,
        seconds: 0.0,
        groups,
        cpu: Duration::ZERO,
        driver: Duration::ZERO,
        others: 0.0,
        resident: meter::peak()?,
        backlog: gauges.backlog().1,
        syncs: (syncs - syncs_then, nanos - nanos_then),
        late,
        last,
        stored: (0, chain.units() * RECORD as u64),
        wrong: 0,
    };
    Ok(outcome.timed(&begun, &ended))
}

impl Chain {
    /// Puts a group in when there is room for it, and hands it over if nothing is in flight.
    fn push(self: &Arc<Self>, group: Vec<Unit>) -> Result<(), Fault> {
        let mut state = self.state.lock();
        self.changed
            .wait_while(&mut state, |state| state.ready.len() >= READY && state.fault.is_none());
        if let Some(fault) = state.fault.take() {
            return Err(fault);
        }
        if state.in_flight.is_some() {
            state.ready.push_back(group);
            return Ok(());
        }
        state.late += 1;
        state.in_flight = Some(Instant::now());
        drop(state);
        self.send(group);
        Ok(())
    }

    fn send(self: &Arc<Self>, group: Vec<Unit>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let chain = Arc::clone(self);
        let done = Box::new(move |results: Vec<UnitResult>| chain.done(&results));
        self.storage.commit(group, Timestamp(now.as_millis() as u64), done);
    }

    /// Takes a result, and hands over the group that waited for it.
    fn done(self: &Arc<Self>, results: &[UnitResult]) {
        let verdict = committed(results);
        let mut state = self.state.lock();
        let took = state.in_flight.take().map(|at| at.elapsed());
        state.units += results.len() as u64;
        if let (Some(groups), Some(took)) = (&mut state.groups, took) {
            groups.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
        let next = match verdict {
            Ok(()) => state.ready.pop_front(),
            Err(fault) => {
                state.fault = Some(fault);
                None
            }
        };
        state.in_flight = next.as_ref().map(|_| Instant::now());
        drop(state);
        if let Some(group) = next {
            self.send(group);
        }
        self.changed.notify_all();
    }

    /// From now on groups count. How many units were durable before.
    fn count(&self) -> u64 {
        let mut state = self.state.lock();
        (state.groups, state.late) = (Some(Vec::new()), 0);
        state.units
    }

    /// Units so far, what the groups took that counted, and how many of them were late.
    fn counted(&self) -> (u64, Vec<u64>, u64) {
        let mut state = self.state.lock();
        (state.units, state.groups.take().unwrap_or_default(), state.late)
    }

    fn units(&self) -> u64 {
        self.state.lock().units
    }

    /// Waits until nothing is on its way.
    fn end(&self) -> Result<(), Fault> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| state.in_flight.is_some());
        state.fault.take().map_or(Ok(()), Err)
    }
}

/// Waits until what is on disk stays as it is.
fn settle(args: &Args) -> Result<(), Fault> {
    let begun = Instant::now();
    let mut before = meter::stored(&args.dir)?;
    while begun.elapsed() < PATIENCE {
        thread::sleep(QUIET.min(args.secs * 4));
        let now = meter::stored(&args.dir)?;
        if now == before {
            break;
        }
        before = now;
    }
    Ok(())
}

/// How many streams do not stand where they should when the folder is opened again.
fn reopened(args: &Args, adapter: Adapter, work: &Work, runtime: &Runtime) -> Result<u64, Fault> {
    if adapter == Adapter::Memory {
        return Ok(0);
    }
    let storage = adapter.open(&args.dir)?;
    let wrong = work.wrong(&*storage, runtime)?;
    runtime.block_on(storage.close())?;
    Ok(wrong)
}
