//! Two engines over one memory, and everything that goes wrong there within the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use headwater_core::storage::UnitResult;
use headwater_engine::{Clock, Engine};
use headwater_storage::memory::{MemoryStorage, SharedMemory};
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Aftermath;
use tokio::time::MissedTickBehavior;

use super::history::History;
use super::plants::Plant;
use crate::counting::{Counts, counting};
use crate::support::{ManualClock, Verdict, demand, options};

/// Names whose streams come and go.
pub(crate) const PASSING: u64 = 5;

/// Names whose streams stay, all in one space, so that everything that was acknowledged there has to be there at the end.
pub(crate) const STEADY: u64 = 2;

/// Of so many operations one has something go wrong.
const ODDS: u64 = 3;

/// Something goes wrong with one of so many next units.
const AHEAD: u64 = 4;

/// How long a handle sees the past at a time: shorter than a command looks again before it gives up.
pub(crate) const PACE: Duration = Duration::from_millis(1);

pub(crate) fn steady(n: u64) -> String {
    format!("p/{}", n % STEADY)
}

/// A sequence of numbers that look random (the splitmix64 generator).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub(crate) fn passing(&mut self) -> String {
        format!("n/{}", self.roll(PASSING))
    }

    pub(crate) fn name(&mut self) -> String {
        if self.roll(4) == 0 { steady(self.roll(STEADY)) } else { self.passing() }
    }
}

/// One of the two engines, and what makes its life hard.
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) faulty: Arc<Faulty>,
    pub(crate) handle: Arc<MemoryStorage>,
    /// What the memory answered: conflicts here are races that were lost to the other engine.
    pub(crate) memory: Arc<Counts>,
    /// What the engine was answered, injections included.
    pub(crate) told: Arc<Counts>,
}

pub(crate) struct World {
    pub(crate) nodes: [Node; 2],
    clock: Arc<ManualClock>,
    pub(crate) history: History,
    /// Nothing goes wrong any more.
    quiet: AtomicBool,
    /// Nothing happens any more.
    over: AtomicBool,
}

impl World {
    pub(crate) fn new(plant: &Plant) -> Arc<Self> {
        let shared = SharedMemory::new();
        let clock = ManualClock::at(1_000_000);
        let nodes = [(); 2].map(|()| {
            let handle = Arc::new(shared.attach());
            let (storage, memory) = counting(Arc::clone(&handle) as _);
            let faulty = Faulty::over(plant.over(storage));
            let (storage, told) = counting(Arc::clone(&faulty) as _);
            let engine_clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
            let engine = Engine::start(storage, engine_clock, options());
            Node { engine, faulty, handle, memory, told }
        });
        let (quiet, over) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { nodes, clock, history: History::default(), quiet, over })
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(crate) fn engine(&self, dice: &mut Dice) -> &Engine {
        &self.nodes[dice.roll(2) as usize].engine
    }

    /// Before an operation something may begin to go wrong, for whoever meets it. Bound to operations and not to time, so
    /// that a slow machine has no more of it.
    pub(crate) async fn trouble(&self, dice: &mut Dice) {
        if dice.roll(ODDS) > 0 {
            return;
        }
        let node = &self.nodes[dice.roll(2) as usize];
        match dice.roll(7) {
            0 | 1 => node.faulty.conflict_on(dice.roll(AHEAD)),
            2 | 3 => {
                let aftermaths = [Aftermath::Applied, Aftermath::Lost, Aftermath::Late];
                node.faulty.unknown_on(dice.roll(AHEAD), aftermaths[dice.roll(3) as usize]);
            }
            4 | 5 => self.settle(node).await,
            _ => self.clock.pass(100 + dice.roll(300)),
        }
    }

    /// What was under way for long takes effect, where it still can.
    async fn settle(&self, node: &Node) {
        let results = node.faulty.settle().await;
        let late = results.iter().filter(|result| matches!(result, UnitResult::Committed(_)));
        self.history.count("took effect late", late.count() as u64);
    }

    /// Has the handles see the past, now and then, until all is quiet.
    pub(crate) async fn blur(self: Arc<Self>, mut dice: Dice) -> Verdict {
        let mut pauses = tokio::time::interval(PACE);
        pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.quiet.load(Ordering::SeqCst) {
            let handle = &self.nodes[dice.roll(2) as usize].handle;
            handle.hold_back();
            for _ in 0..1 + dice.roll(4) {
                pauses.tick().await;
                self.history.count("seen late", handle.reveal(dice.roll(3)));
            }
            self.history.count("seen late", handle.hidden());
            handle.follow();
            pauses.tick().await;
        }
        Ok(())
    }

    /// Lets everything come right. The outcome of the last changes may have been unknown; readers are told all the same.
    pub(crate) async fn calm(&self) {
        self.quiet.store(true, Ordering::SeqCst);
        for node in &self.nodes {
            node.handle.follow();
        }
        for node in &self.nodes {
            self.settle(node).await;
        }
    }

    /// Adds up what storage answered.
    pub(crate) fn tally(&self) -> Verdict {
        for Node { memory, told, .. } in &self.nodes {
            self.history.count("races lost", memory.conflicts());
            self.history.count("conflicts", told.conflicts());
            self.history.count("unknown outcomes", told.unknown());
            self.history.count("stale views", told.stale());
        }
        let unknown: u64 = self.nodes.iter().map(|node| node.memory.unknown()).sum();
        demand(unknown == 0, || "memory knows what it does".to_owned())
    }
}
