//! The primitives that synchronise, exchanged for loom's when its models are run.

#[cfg(headwater_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(headwater_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};
