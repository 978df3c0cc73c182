//! Event streams over HTTP: bodies by themselves, and real sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may do what tests may")]

mod body;
mod client;
mod deadline;
mod one_write;
mod over_axum;
mod over_http10;
mod request;
