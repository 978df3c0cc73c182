//! Waiting for a condition, never for a time.

use std::thread;
use std::time::{Duration, Instant};

/// How long any single wait may last before the test fails. Generous, because the tests share a
/// small machine; a healthy server needs a small fraction of it.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The pause between two looks at a condition: short beside every duration the tests measure.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until `condition` yields a value, and returns it.
///
/// # Panics
/// When [`DEADLINE`] passes first; `what` names the condition.
#[track_caller]
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    until_within(DEADLINE, what, condition)
}

/// Looks until `condition` yields a value, and returns it; for what has a deadline of its own.
///
/// # Panics
/// When `deadline` passes first; `what` names the condition.
#[track_caller]
pub fn until_within<T>(
    deadline: Duration,
    what: &str,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < deadline, "gave up after {deadline:?} waiting until {what}");
        thread::sleep(PAUSE);
    }
}

/// Lets time pass, to choose the moment of a fault at random. Never to wait for something: what
/// follows must hold however long this took.
pub fn for_a_moment(how_long: Duration) {
    thread::sleep(how_long);
}
