//! Streams in memory.
//!
//! *Durable*, for this adapter, means: as long as the process lives. Everything else of the contract holds in full, so what
//! runs on it runs on the others.
//!
//! Two modes:
//!
//! - [`MemoryStorage::new`] is the data's only writer.
//! - [`SharedMemory`] is one store that several engines of a process write through a handle each. Conflicts are real
//!   there, space sequences have gaps, and a handle can be made to see foreign commits late
//!   ([`MemoryStorage::hold_back`]), as adapters over a network do.
//!
//! Space is given back at once: all of a stream's when it is removed, and what lies past the last fork point when it is
//! soft-deleted. What stays is a counter per space that ever held a record.
//!
//! Each handle has a thread, on which callbacks run. Nothing is written anywhere.

mod follower;
mod handle;
mod replica;
mod shared;
mod visibility;

pub use handle::MemoryStorage;
pub use shared::SharedMemory;
