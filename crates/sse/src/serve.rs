//! Event streams as HTTP responses: for hyper and everything over the crate `http` (feature `hyper`),
//! and for axum (feature `axum`).
//!
//! Promises that the head and a first line leave at once, that whatever waits for a client leaves in one
//! piece, and that a connection which is quiet, old or stuck is noticed. Who gets which event is left to
//! others.

mod age;
#[cfg(feature = "axum")]
mod axum;
mod body;
mod deadline;
mod headers;
mod last_event_id;

pub use age::MaxAge;
#[cfg(feature = "axum")]
pub use axum::DeadlineListener;
pub use body::{DEFAULT_HEARTBEAT, EventBody};
pub use deadline::WriteDeadline;
pub use headers::HEADERS;
pub use last_event_id::LastEventId;
