//! A request from arrival to answer: routing, the headers of every response, and the log line.
//!
//! The rooms: [`handle`], which is all that a connection calls, and [`journal`], which writes the lines.

mod handle;
mod journal;

pub(crate) use handle::handle;
pub(crate) use journal::RequestIds;
