//! The broker: what each subscriber gets, and what nobody has to wait for.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

mod age;
mod closing;
mod gates;
mod live;
mod races;
mod seam;
mod slow;
mod support;
