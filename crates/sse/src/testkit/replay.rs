//! The conformance suite that every [`ReplayLog`](crate::replay::ReplayLog) runs.
//!
//! Promises that each check fails on at least one of the planted faults. What a log survives is
//! the harness's to say; that a durable one does is left to tests that kill it.

mod harness;
mod kept;
mod order;
pub mod planted;
mod reading;
mod restart;
mod verdicts;
mod waiting;

pub use harness::{Harness, Survival};

use super::Verdict;

/// A check by name.
#[derive(Debug)]
pub struct Check<H: Harness> {
    /// Says what is promised.
    pub name: &'static str,
    run: fn(&H) -> Verdict,
}

impl<H: Harness> Check<H> {
    /// Runs it on a log of its own.
    ///
    /// # Errors
    /// [`Failure`](super::Failure) says what was found instead.
    pub fn run(&self, harness: &H) -> Verdict {
        (self.run)(harness)
    }
}

/// All checks.
pub fn checks<H: Harness>() -> Vec<Check<H>> {
    vec![
        Check { name: "an answered append is read", run: kept::answered },
        Check { name: "the event arrives unchanged", run: kept::unchanged },
        Check { name: "a refused event leaves no trace", run: kept::refused },
        Check { name: "appends at once have one order", run: order::at_once },
        Check { name: "what is read while others append has no hole", run: order::beside_appends },
        Check { name: "pages are whole and bounded", run: reading::pages },
        Check { name: "an event above the budget comes alone", run: reading::above_the_budget },
        Check { name: "what was given up is an error", run: reading::given_up },
        Check { name: "a reader is woken by the next event", run: waiting::woken },
        Check { name: "every id has its verdict", run: verdicts::every_id },
        Check { name: "ids and cursors are one to one", run: verdicts::ids },
        Check { name: "a client is told its place", run: verdicts::told },
        Check { name: "what is lost is lost in another epoch", run: restart::restart },
    ]
}
