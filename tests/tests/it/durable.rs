//! Durable means synced: every acknowledged append was followed by a sync before its answer.

use std::fs;
use std::path::Path;
use std::process::Command;

use headwater_tests::{Launch, Storage};

const APPENDS: usize = 50;

/// The sync calls that a trace has recorded as finished.
fn syncs(trace: &Path) -> usize {
    let trace = fs::read_to_string(trace).unwrap_or_default();
    let finished = |line: &&str| {
        (line.contains("fdatasync") || line.contains("fsync")) && line.trim_end().ends_with("= 0")
    };
    trace.lines().filter(finished).count()
}

#[test]
fn every_sequential_append_is_synced_before_its_answer() {
    let found = Command::new("strace").arg("--version").output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "this test watches the server's system calls and needs `strace` (package `strace`)"
    );
    let launch = Launch::new(Storage::Sled);
    let trace = launch.home().join("trace");
    // -D keeps the server the harness's own child, so that it can be ended as always.
    let output = trace.display().to_string();
    let wrapper =
        ["strace", "-D", "-f", "-q", "-e", "trace=fdatasync,fsync", "-o", output.as_str()];
    let server = launch.under(&wrapper).start();
    server.create_text("s");
    for number in 0..APPENDS {
        let before = syncs(&trace);
        server.append_text("s", &format!("{number};"));
        assert!(syncs(&trace) > before, "append {number} was acknowledged without a sync");
    }
    let before = syncs(&trace);
    server.close("s");
    assert!(syncs(&trace) > before, "the close was acknowledged without a sync");
    let before = syncs(&trace);
    server.delete("s").send().expect(204);
    assert!(syncs(&trace) > before, "the deletion was acknowledged without a sync");
}
