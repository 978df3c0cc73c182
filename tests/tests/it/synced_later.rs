//! `--sync` with a time: what is acknowledged before it is durable, and what becomes of it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use headwater_tests::strace::{Fault, Trace, now};
use headwater_tests::{Launch, Server, Storage, exit, wait};

const APPENDS: usize = 50;

/// So long that nothing is synced by the time alone.
const LONG: [&str; 2] = ["--sync", "10s"];

fn syncs_since(trace: &Trace, begun: f64) -> usize {
    trace.syncs().iter().filter(|sync| sync.begun >= begun).count()
}

#[test]
fn appends_share_a_sync_that_comes_in_time() {
    for (interval, seconds) in [("5ms", 0.005), ("1s", 1.0)] {
        let launch = Launch::new(Storage::Journal).flags(&["--sync", interval]);
        let (launch, trace) = launch.traced(Fault::None);
        let server = launch.start();
        server.create_text("s");
        let begun = now();
        let mut unsynced = 0;
        for number in 0..APPENDS {
            let asked = now();
            server.append_text("s", &format!("{number};"));
            let answered = now();
            let within = |sync: &headwater_tests::strace::Sync| {
                asked <= sync.begun && sync.ended <= answered
            };
            unsynced += usize::from(!trace.syncs().iter().any(within));
        }
        let ended = now();
        // Each sync begins so long after the first write that it is for.
        let most = ((ended - begun) / seconds) as usize + 2;
        let syncs = syncs_since(&trace, begun);
        assert!(syncs <= most, "{interval}: {syncs} syncs in {} s", ended - begun);
        assert!(interval == "5ms" || unsynced > APPENDS / 2, "{unsynced} appends without a sync");
        wait::until("the last append is synced", || {
            (syncs_since(&trace, ended - seconds) > 0).then_some(())
        });
    }
}

#[test]
fn a_kill_takes_nothing_and_offsets_from_before_are_good() {
    let mut server = Launch::new(Storage::Journal).flags(&["--sync", "5ms"]).start();
    let mut tokens = vec![server.create_text("s")];
    let mut text = String::new();
    for life in 0..3 {
        for number in 0..APPENDS {
            let record = format!("{life}/{number};");
            tokens.push(server.append_text("s", &record));
            text.push_str(&record);
        }
        assert!(tokens.is_sorted(), "{tokens:?}");
        server = server.crash_and_restart();
        for token in &tokens {
            let rest = &text[token.position() as usize..];
            server.page("s", token).expect(200).expect_body(rest);
        }
        server.page("s", &tokens[tokens.len() - 1].plus(1)).expect_error(410, "offset_expired");
    }
    let (first, last) = (&tokens[1], server.append_text("s", "last;"));
    assert!(last.lineage() > first.lineage(), "{last:?}, {first:?}");
    assert_eq!(server.stop().start().read_text("s"), text + "last;");
}

/// Kills a server, and takes the frame away that this text is in, as a loss of power does with what was not synced.
fn lose_power(mut server: Server, text: &str) -> Server {
    server.kill9();
    let launch = server.launch().clone();
    let mut lost = 0;
    for entry in fs::read_dir(launch.data_dir().join("journal")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        if let Some(at) = found {
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&vec![0; bytes.len() - at], at as u64).unwrap();
            lost += 1;
        }
    }
    assert_eq!(lost, 1, "{text:?} is in the journal once");
    launch.start()
}

#[test]
fn who_has_read_what_was_lost_is_told_and_never_reads_anything_else() {
    let server = Launch::new(Storage::Journal).flags(&LONG).start();
    server.create_text("s");
    let kept = server.append_text("s", "kept;");
    server.post("s").text("first;").producer("p", 0, 0).send().expect(200);
    let left = server.tail("s");
    let lost = server.append_text("s", "that is lost;");
    let created = server.create_text("created");
    server.post("s").text("this too;").producer("p", 0, 1).send().expect(200);
    let tag = server.head("s").send().etag();
    let server = lose_power(server, "that is lost;");
    assert_eq!(server.read_text("s"), "kept;first;");
    server.page("s", &kept).expect(200).expect_body("first;");
    for _ in 0..2 {
        for way in ["", "&live=long-poll", "&live=sse"] {
            let refused = server.get("s", &format!("offset={lost}{way}")).send();
            refused.expect_error(410, "offset_expired");
        }
        let stale = server.post("s").text("x").header("If-Match", &tag).send();
        stale.expect_error(412, "precondition_failed");
        // As long as what was lost, so that only the lineage tells the two apart.
        server.append_text("s", "something else;");
    }
    let other = "something else;something else;";
    server.page("s", &left).expect(200).expect_body(other);
    let gap = server.post("s").text("x").producer("p", 0, 2).send();
    gap.expect_error(409, "producer_gap").expect_header("Producer-Expected-Seq", "1");
    server.post("s").text("again;").producer("p", 0, 1).send().expect(200);
    let anew = server.create_text("created");
    assert!(anew.lineage() > created.lineage(), "{anew:?}, {created:?}");
    server.page("created", &created).expect_error(410, "offset_expired");
    let server = server.stop().start();
    assert_eq!(server.read_text("s"), format!("kept;first;{other}again;"));
    server.page("s", &lost).expect_error(410, "offset_expired");
}

#[test]
fn other_storages_refuse_an_interval() {
    for storage in [Storage::Sled, Storage::Memory] {
        let launch = Launch::new(storage).flags(&LONG);
        launch.run_to_end().expect(exit::USAGE, &["--sync", "--storage journal"]);
        assert!(!launch.data_dir().exists());
    }
    let launch = Launch::new(Storage::Sled).start().stop().without_storage();
    launch.flags(&LONG).run_to_end().expect(exit::USAGE, &["`sled`"]);
}
