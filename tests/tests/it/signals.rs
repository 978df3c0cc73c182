//! Signals that do not drain: the second one, and the first while there is nothing to drain yet.

use headwater_tests::server::Signal;
use headwater_tests::{Launch, Server, Storage, exit, wait};

use crate::shutdown::hold_an_append;

/// Longer than any test waits: what happens all the same did not wait for it.
const FOR_EVER: &[&str] =
    &["--drain-timeout", "1h", "--long-poll-timeout", "1h", "--sse-max-age", "1h"];

/// Each pair of signals, and the exit code that tells the second.
const PAIRS: [(Signal, Signal, i32); 4] = [
    (Signal::TERM, Signal::TERM, 143),
    (Signal::INT, Signal::INT, 130),
    (Signal::TERM, Signal::INT, 130),
    (Signal::INT, Signal::TERM, 143),
];

#[test]
fn a_second_signal_stops_at_once() {
    for storage in Storage::ALL {
        for (first, second, code) in PAIRS {
            let mut server = Launch::new(storage).flags(FOR_EVER).start();
            server.create_text("s");
            server.append_text("s", "kept");
            let mut in_flight: Vec<_> = (0..3).map(|_| hold_an_append(&server)).collect();
            server.signal(first);
            wait::until("the first signal is obeyed", || {
                server.stderr().contains("draining").then_some(())
            });
            assert!(server.is_running(), "the first signal waits for the requests under way");
            server.signal(second);
            let launch = server.launch().clone();
            let exit = server.wait_for_exit();
            assert_eq!(exit.code, Some(code), "{first:?} and {second:?}: {exit:#?}");
            in_flight.iter_mut().for_each(headwater_tests::http::Conn::expect_end);
            if storage != Storage::Memory {
                assert_eq!(launch.start().read_text("s"), "kept");
            }
        }
    }
}

#[test]
fn a_signal_while_the_directory_is_being_opened_ends_the_process() {
    // Taking the lock of the directory lasts long enough to be met.
    const SLOW: [&str; 9] = [
        "strace",
        "-D",
        "-f",
        "-q",
        "-e",
        "trace=flock",
        "-e",
        "inject=flock:delay_enter=3000000",
        "-o/dev/null",
    ];
    for (signal, storage) in [(Signal::TERM, Storage::Sled), (Signal::INT, Storage::Journal)] {
        let launch = Launch::new(storage);
        let server = launch.start();
        server.put("s").text("kept").send().expect(201);
        server.stop();
        let opening = Server::spawn_only(&launch.clone().under(&SLOW));
        let lock = launch.data_dir().join("LOCK");
        wait::until("the directory is being opened", || {
            (opening.catches(signal) && opening.has_open(&lock)).then_some(())
        });
        opening.signal(signal);
        let exit = opening.wait_for_exit();
        exit.expect(exit::STOPPED, &["while the data directory was being opened"]);
        assert_eq!(exit.stdout, "", "it never served");
        assert!(launch.data_dir().join("SEAL").exists(), "nothing was opened");
        assert_eq!(launch.start().read_text("s"), "kept");
    }
}
