//! Broadcasts to many connections: one encoded frame, one log, and for an idle connection one write.
//!
//! A message goes into a log once. The hub's task writes to every connection that has nothing left to be sent, in the
//! name of that connection's own task, which is not woken for it. A connection that cannot take more is finished
//! by its own task when it can: then all that waits for it goes in few writes. What the log cannot hold for
//! a slow one is the policy's to decide, and nobody else waits for it.
//!
//! The rooms: `link` is a connection as both tasks see it, `member` as its user does; `slow` is what becomes of those
//! who are too slow; `broadcast` is the hub. Who is there, and how a hub ends, is the `Roster` of the log.

mod broadcast;
mod link;
mod member;
mod numbers;
#[cfg(feature = "testkit")]
mod planted;
mod slow;

pub use broadcast::{Hub, HubConfig};
pub use headwater_fanout::{Limits as Backlog, PublishError, SubscriberId as MemberId};
pub use member::Member;
pub use numbers::Numbers;
#[cfg(feature = "testkit")]
pub use planted::Fault;
pub use slow::{Asked, OnSlow, WhenSlow};
