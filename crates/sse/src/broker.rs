//! One stream of events for many subscribers (feature `broker`).
//!
//! Promises order per subscriber, bounds per subscriber, and that neither a slow subscriber nor code of
//! yours that is called for it delays anybody else. [`Broker`] lives in memory and gives slow subscribers less, as a
//! policy says; [`ReplayBroker`] stands before a [`ReplayLog`](crate::replay::ReplayLog), from which who is slow or was away
//! gets what it missed. The HTTP side is left to the module `serve`.

mod distributor;
mod late;
mod live;
mod numbers;
mod replayed;
mod running;
mod shelf;
mod slow;
mod subscription;
mod taker;

pub use headwater_fanout::{Limits, Policy, PublishError, SubscriberId};
pub use live::{Broker, Options};
pub use numbers::Numbers;
pub use replayed::{ReplayBroker, ReplaySubscription};
pub use slow::{Asked, WhenSlow};
pub use subscription::Subscription;
