//! Properties of the parts that readers and writers carry: offsets, names, JSON framing, cursors, tags.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod cursors;
mod json;
mod keys;
mod offsets;
mod renewals;
mod tags;

use proptest::test_runner::Config;

/// Few milliseconds each; a failing case is printed whole, so none is kept in files.
fn config() -> Config {
    Config { cases: 500, failure_persistence: None, ..Config::default() }
}
