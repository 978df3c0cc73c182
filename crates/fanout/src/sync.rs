//! The primitives that synchronise, exchanged for loom's when its models are run.

#[cfg(headwater_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(headwater_loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
#[cfg(not(headwater_loom))]
pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(headwater_loom))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

use std::sync::PoisonError;

/// Nothing that is done under the lock can panic: no code of others runs there.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
