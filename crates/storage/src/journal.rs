//! The journal adapter: an append-only log is the only durability point, and what it holds is packed into chunk files.

mod chunks;
mod log;
