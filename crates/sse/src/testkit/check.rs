//! How a check fails: with a sentence, as a value, so that a test can also demand that it fails.

use std::fmt::Debug;

use crate::replay::{AppendError, ReadError};

/// Why a check was not passed: what was demanded, and what was there instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

/// What a check returns.
pub type Verdict = Result<(), Failure>;

impl Failure {
    /// A failure with a reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self(format!("reading failed: {error:?}"))
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        Self(format!("appending failed: {error:?}"))
    }
}

/// Fails unless a condition holds.
pub(super) fn demand(condition: bool, reason: impl FnOnce() -> String) -> Verdict {
    if condition { Ok(()) } else { Err(Failure(reason())) }
}

/// Fails unless two values are equal.
pub(super) fn demand_eq<T: PartialEq + Debug>(what: &str, found: &T, wanted: &T) -> Verdict {
    demand(found == wanted, || format!("{what}: found {}, wanted {}", short(found), short(wanted)))
}

/// Most characters of a value in a failure.
const MOST_OF_A_VALUE: usize = 400;

fn short(value: &dyn Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(MOST_OF_A_VALUE) {
        Some((end, _)) => {
            format!("{} … ({} bytes in all)", text.get(..end).unwrap_or_default(), text.len())
        }
        None => text,
    }
}
