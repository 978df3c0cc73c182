//! How a check fails: with a sentence, as a value, so that a test can also demand that it fails.

use std::fmt::Debug;

use headwater_core::storage::StorageError;

/// Why a check was not passed: what was demanded, and what was there instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

impl Failure {
    /// A failure with a reason.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// A failure because of something other than what was wanted. Long values are cut.
    pub(super) fn differs(reason: &str, found: &dyn Debug, wanted: &dyn Debug) -> Self {
        Self(format!("{reason}: found {}, wanted {}", short(found), short(wanted)))
    }

    /// The same failure, and what was being done.
    #[must_use]
    pub fn during(self, what: &str) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self(format!("a read failed: {error}"))
    }
}

/// Most characters of a value in a failure: enough for a stream's state, not for a page of entries.
const MOST_OF_A_VALUE: usize = 800;

fn short(value: &dyn Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(MOST_OF_A_VALUE) {
        Some((end, _)) => {
            format!("{} … ({} bytes in all)", text.get(..end).unwrap_or_default(), text.len())
        }
        None => text,
    }
}

/// What a check returns.
pub type Verdict = Result<(), Failure>;

/// Fails the check unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($reason:tt)+) => {
        if !$condition {
            return Err($crate::testkit::Failure::new(format!($($reason)+)));
        }
    };
}

/// Fails the check unless two values are equal.
macro_rules! ensure_eq {
    ($found:expr, $wanted:expr, $($reason:tt)+) => {{
        let (found, wanted) = (&$found, &$wanted);
        if found != wanted {
            let reason = format!($($reason)+);
            return Err($crate::testkit::Failure::differs(&reason, found, wanted));
        }
    }};
}

pub(super) use {ensure, ensure_eq};
