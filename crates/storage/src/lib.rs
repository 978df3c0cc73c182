#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "sled")]
pub mod directory;
#[cfg(feature = "journal")]
pub mod disk;
mod group;
#[cfg(feature = "journal")]
pub mod journal;
#[cfg(feature = "sled")]
mod local;
pub mod memory;
#[cfg(feature = "sled")]
pub mod sled;
#[cfg(feature = "testkit")]
pub mod testkit;
mod worker;

pub use memory::{MemoryStorage, SharedMemory};
