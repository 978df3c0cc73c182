//! What the adapters on a local disk share: one writer that compares and sets, what is recent in memory, and the stored form of
//! everything.
//!
//! - It is decided on a group by comparing versions (`decide`); what commits is `recent` until it is packed.
//! - Rows have a name (`row`), a frame with version and checksum (`frame`), and types of their own (`stored`).
//! - Records that were appended together are a `run`.
//! - Whatever is not in memory is read on the threads of a `pool`.
//!
//! When and where something is written, and what makes it durable, is each adapter's own.

pub(crate) mod committer;
pub(crate) mod database;
pub(crate) mod decide;
#[cfg(test)]
pub(crate) mod format_story;
pub(crate) mod frame;
pub(crate) mod handle;
pub(crate) mod memory;
pub(crate) mod metrics;
pub(crate) mod pool;
pub(crate) mod quick;
pub(crate) mod read;
pub(crate) mod recent;
pub(crate) mod row;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod stored;
pub(crate) mod view;
