//! The harness of the integration tests: it runs the real `headwater` process, speaks to it over
//! real sockets, and fails the test with all it knows when an answer breaks a rule.
//!
//! It promises that no call waits for ever (every wait has a deadline), that a process it started
//! is gone when the test ends, and that every answer read through [`http::Call::send`] was held
//! against the rules that apply to all answers. It knows nothing of the server's code: what it
//! expects comes from the protocol and from the project's own documents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test harness reports by panicking, and prints what the server said"
)]

pub mod binary;
pub mod browser;
pub mod example;
pub mod exit;
pub mod http;
pub mod launch;
pub mod npm;
pub mod offset;
pub mod on_each;
pub mod proxy;
mod samples;
pub mod server;
pub mod small_disk;
pub mod sse;
pub mod strace;
mod streams;
pub mod tool;
pub mod wait;

pub use launch::{Launch, Storage};
pub use on_each::on_each_storage;
pub use server::Server;
