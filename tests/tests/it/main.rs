//! The integration tests: a real server process, real sockets, one module per subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests report by panicking"
)]

mod admin;
mod append;
mod backup;
mod bad_input;
mod browser;
mod busy;
mod caching;
mod catalog;
mod chat;
mod check;
mod close;
mod configuration;
mod connection;
mod cors;
mod create;
mod crowded;
mod cursor;
mod damage;
mod delete;
mod durable;
mod envelopes;
mod event_source;
mod event_threads;
mod exit_codes;
mod failing_sync;
mod first_steps;
mod fork_chains;
mod forks;
mod full_disk;
mod h2_idle;
mod h2_windows;
mod h2c;
mod held_sync;
mod identity;
mod idle;
mod if_match;
mod json;
mod kill;
mod left_in_files;
mod limits;
mod logs;
mod long_poll;
mod many_creates;
mod many_readers;
mod many_records;
mod methods;
mod metrics;
mod names;
mod no_descriptors;
mod offsets;
mod paging;
mod producers;
mod quiet;
mod remote_replay;
mod repair;
mod restart;
mod retained;
mod retention;
mod shutdown;
mod signals;
mod single_headers;
mod slow_readers;
mod sse_framing;
mod sse_life;
mod stream_roots;
mod synced_later;
mod ticker;
mod times;
mod transfer;
mod ts_client;
mod ttl;
mod vanish;
mod waiting_together;
