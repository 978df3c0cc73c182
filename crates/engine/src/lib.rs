#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admission;
mod clock;
mod engine;
mod error;
mod expiry;
mod list;
mod metrics;
mod options;
mod quick;
mod read;
mod reading;
#[cfg(feature = "replay")]
mod replay;
mod retention;
mod shard;
mod sync;
mod tail;

pub use admission::Reservation;
pub use clock::{Clock, SystemClock};
pub use engine::{Created, Engine};
pub use error::{Failure, ServiceError};
pub use list::Listing;
pub use options::Options;
pub use read::records::{Record, Records};
pub use read::{Page, Start};
pub use reading::{Crowd, Held};
#[cfg(feature = "replay")]
pub use replay::StreamReplay;
pub use retention::{SpaceRetention, UsualLimit};
pub use tail::{Delivery, End, Feed, Mark, Piece, Step, Tail};
