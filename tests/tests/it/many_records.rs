//! Many tiny values at once: how many an append may bring, and what they cost in memory.

use headwater_tests::on_each_storage;

/// The most values of one append.
const MOST: usize = 262_144;

/// An array of so many values of one byte.
fn values(count: usize) -> String {
    format!("[{}1]", "1,".repeat(count - 1))
}

#[test]
fn an_append_of_the_most_values_is_taken_and_one_more_refused() {
    on_each_storage(&[], |server| {
        let (most, too_many) = (values(MOST), values(MOST + 1));
        server.create_json("s");
        let tail = server.append_json("s", &most);
        server.put("full").json(&most).send().expect(201);
        server.post("s").json(&too_many).send().expect_error(413, "too_large");
        let by_producer = server.post("s").producer("p", 0, 0).json(&too_many);
        by_producer.send().expect_error(413, "too_large");
        server.put("new").json(&too_many).send().expect_error(413, "too_large");
        server.head("new").send().expect(404);
        assert_eq!(server.tail("s"), tail);
        // What was refused used nothing up, and one value of as many parts is one.
        let nested = format!("[{too_many}]");
        server.post("s").producer("p", 0, 0).json(&nested).send().expect(200);
        let page = server.page("s", &tail).expect(200);
        page.expect_body(&nested);
        server.delete("s").send().expect(204);
        let whole: Vec<_> = server.pages("full").into_iter().map(|page| page.body).collect();
        assert_eq!(whole, [most.into_bytes()]);
    });
}

#[cfg(target_os = "linux")]
mod memory {
    use std::fs;
    use std::thread;

    use headwater_tests::{Server, on_each_storage};

    use super::values;

    /// The values that fit into the largest body.
    const LARGEST: usize = 8 * 1024 * 1024 - 1;

    const CLIENTS: usize = 4;

    /// What each byte of a body may take while the body arrives and is looked over: itself, and room to grow.
    const FACTOR: usize = 3;

    /// The most memory that the server ever had resident, in bytes.
    fn peak(server: &Server) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// A table of these values would take at least sixteen bytes for each of theirs, which are two with the comma.
    #[test]
    fn millions_of_values_are_refused_without_a_table_of_them() {
        let body = values(LARGEST);
        on_each_storage(&[], |server| {
            server.create_json("s");
            let before = peak(server);
            thread::scope(|scope| {
                for _ in 0..CLIENTS {
                    scope.spawn(|| {
                        server.post("s").json(&body).send().expect_error(413, "too_large");
                        server.put("new").json(&body).send().expect_error(413, "too_large");
                    });
                }
            });
            let grown = peak(server) - before;
            eprintln!("{CLIENTS} bodies of {} bytes at once took {grown}", body.len());
            assert!(grown <= FACTOR * CLIENTS * body.len(), "{grown} bytes");
        });
    }
}
