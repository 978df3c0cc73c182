//! A request from arrival to answer: routing, the headers of every response, and the log line.
//!
//! The rooms: [`handle`], which is all that a connection calls, [`identity`], which says what a request is called, [`trace`],
//! the trace it is a part of, and [`journal`], which counts it and writes its line.

mod handle;
mod identity;
mod journal;
mod trace;

pub(crate) use handle::{At, handle};
pub(crate) use identity::RequestIds;
