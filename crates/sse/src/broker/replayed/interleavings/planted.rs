//! Readers with faults that the models must find, each run in a process of its own: what loom does about a deadlock ends a process.

use std::env;
use std::process::Command;
use std::task::Poll;

use headwater_fanout::{Delivery, Policy, Standing};
use loom::future::block_on;

use super::super::super::taker::Taker;
use super::super::Live;
use super::support::{House, model};
use crate::replay::Budget;

const PLANTED: &str = "HEADWATER_PLANTED_FAULT";

/// Demands that the model of the test of this name fails, and says so.
pub(super) fn must_be_found(test: &str, says: &str, run: impl Fn() + Send + Sync + 'static) {
    if env::var_os(PLANTED).is_some() {
        return model(run);
    }
    let name = format!("broker::replayed::interleavings::{test}");
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", &name, "--nocapture"]).env(PLANTED, "1");
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(says), "{said}");
}

/// Where the seam is sewn wrongly.
#[derive(Clone, Copy)]
pub(super) enum Planted {
    /// What is appended between the read and the subscription is in neither.
    ReadsFirst,
    /// What is read and handed out as well comes twice.
    TakesAll,
}

impl Planted {
    /// Reads all that there is, then what is handed out, until it has so many.
    pub(super) fn read(self, house: &House, count: usize) -> Vec<u64> {
        let subscribe =
            || Taker::new(house.fan.subscribe(Standing::Fixed(Policy::DropNewest)).unwrap());
        let read = || {
            let start = house.log.head_now().oldest_kept();
            house.log.read_now(start, Budget::default()).unwrap()
        };
        let (page, mut taker) = match self {
            Self::ReadsFirst => {
                let page = read();
                (page, subscribe())
            }
            Self::TakesAll => {
                let taker = subscribe();
                (read(), taker)
            }
        };
        let mut all: Vec<u64> = page.entries.iter().map(|entry| entry.cursor.offset).collect();
        while all.len() < count {
            block_on(std::future::poll_fn(|context| match taker.poll_take(context) {
                Poll::Ready(Some(taken)) => {
                    all.extend(taken.iter().filter_map(|delivery| match delivery {
                        Delivery::Message { message: Live { cursor, .. }, .. } => {
                            Some(cursor.offset)
                        }
                        Delivery::Lost(_) => None,
                    }));
                    Poll::Ready(())
                }
                Poll::Ready(None) => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            }));
        }
        all
    }
}
