//! The primitives that live readers and commits meet at, exchanged for loom's when its models are run.

#[cfg(headwater_loom)]
pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering};
#[cfg(not(headwater_loom))]
pub(crate) use parking_lot::Mutex;
#[cfg(not(headwater_loom))]
pub(crate) use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(headwater_loom)]
pub(crate) use self::modelled::Mutex;

#[cfg(headwater_loom)]
mod modelled {
    use std::sync::PoisonError;

    use loom::sync::MutexGuard;

    /// Loom's, with the face of the one that it stands for.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
