//! The journal adapter: an append-only log is the only durability point.

mod log;
