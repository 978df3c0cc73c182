//! Thousands of live readers of one stream: each receives every record, in order, and what one of them takes in memory.

mod reader;

use std::fs;
use std::time::Duration;

use headwater_tests::{Server, on_each_storage, wait};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;

use reader::{follow_events, follow_polls};

/// Readers of each kind.
const EACH: usize = 1_000;

/// The same when `HEADWATER_SOAK=1` asks for more: both kinds together stay below the connections that a server takes.
const EACH_IN_SOAK: usize = 4_000;

/// Records that all of them are to receive.
const RECORDS: usize = 40;

/// The most memory that a reader may take, in bytes: a connection's buffers and its task, twice what was measured.
const MOST_PER_READER: usize = 96 * 1024;

/// For all of them to connect, and then for all of them to have read all: hundreds of thousands of answers, on a machine that does
/// other things too.
const PATIENCE: Duration = Duration::from_secs(240);

#[test]
fn all_of_them_receive_all_records_in_order() {
    let soak = std::env::var_os("HEADWATER_SOAK").is_some_and(|value| value == "1");
    let each = if soak { EACH_IN_SOAK } else { EACH };
    make_room();
    // No reader is sent away in the meantime.
    let flags = ["--sse-max-age", "1h", "--long-poll-timeout", "10m"];
    on_each_storage(&flags, |server| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
        server.create_text("s");
        let alone = memory(server, "VmRSS:");
        let mut readers = JoinSet::new();
        for _ in 0..each {
            readers.spawn_on(follow_events(server.address(), "s"), runtime.handle());
        }
        wait_for(server, "headwater_sse_readers", each);
        let with_events = memory(server, "VmRSS:");
        for _ in 0..each {
            readers.spawn_on(follow_polls(server.address(), "s"), runtime.handle());
        }
        wait_for(server, "headwater_long_poll_waiters", each);
        let with_polls = memory(server, "VmRSS:");
        let records: Vec<String> = (0..RECORDS).map(|nth| format!("record {nth};")).collect();
        for record in &records {
            server.append_text("s", record);
        }
        server.close("s");
        let all = records.concat();
        runtime.block_on(async {
            let reading = async {
                while let Some(read) = readers.join_next().await {
                    assert_eq!(read.expect("a reader"), all);
                }
            };
            tokio::time::timeout(PATIENCE, reading).await.expect("all readers reach the end");
        });
        let event_stream = with_events.saturating_sub(alone) / each;
        let long_poll = with_polls.saturating_sub(with_events) / each;
        let highest = memory(server, "VmHWM:").saturating_sub(alone) / (2 * each);
        let storage = server.launch().storage().expect("a storage");
        eprintln!(
            "reached: {each} event streams and {each} long-polls on {storage} each received {RECORDS} records in order; \
             waiting takes {} KiB and {} KiB of memory, one with another {} KiB at the highest",
            event_stream / 1024,
            long_poll / 1024,
            highest / 1024
        );
        let most = event_stream.max(long_poll).max(highest);
        assert!(most <= MOST_PER_READER, "{most} bytes for each reader");
    });
}

/// As many descriptors as the system allows, for the test and for the servers it starts.
fn make_room() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("the hard limit");
}

fn wait_for(server: &Server, name: &str, readers: usize) {
    wait::until_within(PATIENCE, "all readers wait", || {
        (gauge(server, name) == readers).then_some(())
    });
}

fn gauge(server: &Server, name: &str) -> usize {
    let text = server.operate("/metrics").send().expect(200).text().to_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect("the gauge").parse::<f64>().expect("a number") as usize
}

/// A line of the process's status, in bytes.
fn memory(server: &Server, line: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("procfs");
    let value = status.lines().find_map(|status| status.strip_prefix(line)).expect("the line");
    value.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}
