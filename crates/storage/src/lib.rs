#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "journal", feature = "sled"))]
pub mod directory;
#[cfg(feature = "journal")]
pub mod disk;
mod group;
#[cfg(feature = "journal")]
pub mod journal;
#[cfg(any(feature = "journal", feature = "sled"))]
#[cfg_attr(
    not(feature = "sled"),
    expect(dead_code, unused_imports, reason = "of what adapters share, the journal needs a part")
)]
mod local;
pub mod memory;
#[cfg(feature = "sled")]
pub mod sled;
#[cfg(feature = "testkit")]
pub mod testkit;
mod worker;

pub use memory::{MemoryStorage, SharedMemory};
