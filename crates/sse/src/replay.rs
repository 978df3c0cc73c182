//! What a client missed, and how it is told: the log behind `Last-Event-ID`.
//!
//! Promises that no event is skipped in silence. A client's id is judged ([`Verdict`]), the
//! application is handed the verdict, and the client reads it in the first lines of its stream;
//! where events are missing it gets a `lost` event that says which. Whose turn it is to send is
//! left to others.

mod answer;
mod cursor;
mod error;
mod log;
mod memory;
mod notice;
#[cfg(feature = "records")]
pub mod record;
mod verdict;

pub use answer::{Answer, BoxFuture};
pub use cursor::{Cursor, Epoch};
pub use error::{AppendError, BoxError, Effect, ReadError};
pub use log::{Budget, Entry, Head, Page, ReplayLog, Rest};
pub use memory::{MemoryReplay, Retention};
pub use notice::{LOST, Lost, Reason};
pub use verdict::{Resumption, Verdict, resume};
