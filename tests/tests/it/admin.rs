//! The operators' listener, and the two questions of load balancers.

use headwater_tests::exit;
use headwater_tests::strace::Fault;
use headwater_tests::{Launch, Storage, on_each_storage, wait};

#[test]
fn operators_have_a_listener_of_their_own() {
    on_each_storage(&[], |server| {
        server.create_text("a");
        let admin = server.admin();
        assert!(admin.ip().is_loopback() && admin != server.address(), "{admin}");
        let status = server.operate("/v1/admin/status").send().expect(200).json();
        assert_eq!(status["ready"], true, "{status}");
        assert!(status["version"].as_str().unwrap().contains('.'), "{status}");
        server.operate("/healthz").send().expect(200).expect_body("ok");
        server.operate("/readyz").send().expect(200).expect_body("ready");
        // Neither has what belongs to the other.
        server.operate("/v1/stream/a").send().expect_error(404, "not_found");
        for target in ["/metrics", "/v1/admin/status"] {
            server.call("GET", target).send().expect_error(404, "not_found");
        }
    });
}

#[test]
fn it_is_where_it_is_asked_to_be_or_nowhere() {
    let launch = Launch::new(Storage::Memory).flags(&["--admin-listen", "127.0.0.1:0"]);
    let server = launch.start();
    server.operate("/healthz").send().expect(200);
    let taken = server.admin().to_string();
    let exit = Launch::new(Storage::Memory).flags(&["--admin-listen", &taken]).run_to_end();
    exit.expect(exit::ADDRESS_IN_USE, &[&taken]);
    let without = Launch::new(Storage::Memory).flags(&["--admin-listen", "off"]).start();
    wait::until("the second line", || without.stdout().contains("\nadmin: off\n").then_some(()));
}

#[test]
fn readiness_is_a_durable_write_and_is_not_made_for_everyone_who_asks() {
    let (launch, trace) = Launch::new(Storage::Sled).traced(Fault::None);
    let server = launch.start();
    let syncs = || trace.syncs().len();
    let before = syncs();
    server.call("GET", "/readyz").send().expect(200).expect_body("ready");
    wait::until("a sync for the probe", || (syncs() > before).then_some(()));
    let asked = std::time::Instant::now();
    let before = syncs();
    for _ in 0..200 {
        server.call("GET", "/readyz").send().expect(200);
    }
    let probes = asked.elapsed().as_secs() as usize + 2;
    // Each takes a sync or two, and packing what it left a few more.
    assert!(syncs() - before <= probes * 10, "{} syncs", syncs() - before);
    assert!(probes * 10 < 200, "asking took too long to tell");
}

/// A name that was not used before.
fn fresh() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static LAST: AtomicUsize = AtomicUsize::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn readiness_knows_a_failed_storage_and_health_does_not_care() {
    let (launch, _) = Launch::new(Storage::Sled).traced(Fault::Fail { from: 4 });
    let server = launch.start();
    wait::until("a sync to fail", || {
        let reply = server.put(&format!("a/{}", fresh())).text("x").try_send().ok()?;
        (reply.status() == 500).then_some(())
    });
    server.call("GET", "/readyz").send().expect_error(503, "storage_poisoned");
    server.call("GET", "/healthz").send().expect(200);
    let status = server.operate("/v1/admin/status").send().expect(200).json();
    assert_eq!((&status["ready"], &status["reason"]), (&false.into(), &"storage_poisoned".into()));
}

#[test]
fn readiness_knows_a_drain_and_operators_can_watch_it() {
    let server = Launch::new(Storage::Memory).start();
    server.create_text("a");
    // A request that keeps the drain waiting.
    let mut slow = server.connect();
    slow.write(b"POST /v1/stream/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nx").unwrap();
    wait::until("the body to be waited for", || {
        let status = server.operate("/v1/admin/status").send().expect(200).json();
        (status["bytesInFlight"] == 1).then_some(())
    });
    server.terminate();
    wait::until("the drain to be seen", || {
        let status = server.operate("/v1/admin/status").send().expect(200).json();
        (status["reason"] == "draining").then_some(())
    });
    slow.write(b"y").unwrap();
    assert_eq!(slow.read_response("POST").unwrap().status(), 204);
    server.wait_for_exit().expect(exit::STOPPED, &["stopped"]);
}
