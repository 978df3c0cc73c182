//! Runs one test against every storage adapter.

use std::panic::{self, AssertUnwindSafe};
use std::thread;

use crate::launch::{Launch, Storage};
use crate::server::Server;

/// Runs `test` against a fresh server on each adapter, side by side.
///
/// # Panics
/// When the test fails on any adapter; the message names the adapter.
#[track_caller]
pub fn on_each_storage(flags: &[&str], test: impl Fn(&Server) + Sync) {
    let run = |storage: Storage| {
        let server = Launch::new(storage).flags(flags).start();
        // The server outlives a failing test, so that its last words are printed.
        let result = panic::catch_unwind(AssertUnwindSafe(|| test(&server)));
        if result.is_err() {
            eprintln!("the failure above is on storage {storage}");
            eprintln!("--- standard error of the server\n{}---", server.stderr());
        }
        result.is_ok()
    };
    let failed: Vec<Storage> = thread::scope(|scope| {
        let running = Storage::ALL.map(|storage| (storage, scope.spawn(move || run(storage))));
        let ended = running.map(|(storage, thread)| (storage, thread.join().unwrap_or(false)));
        ended.into_iter().filter(|(_, passed)| !passed).map(|(storage, _)| storage).collect()
    });
    assert!(failed.is_empty(), "failed on storage {failed:?}");
}
