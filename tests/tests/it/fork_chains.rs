//! Forks of forks: long chains, cascades, sub-offsets upon sub-offsets, and restarts between.

use headwater_tests::server::target;
use headwater_tests::{Launch, Server, Storage, on_each_storage, wait};

/// As long a chain as the project promises to have tried.
const LINKS: usize = 50;

fn build_chain(server: &Server) {
    server.create_text("link-0");
    server.append_text("link-0", "0;");
    for link in 1..LINKS {
        server.fork(&format!("link-{link}"), &format!("link-{}", link - 1), None);
        server.append_text(&format!("link-{link}"), &format!("{link};"));
    }
}

fn expected(link: usize) -> String {
    (0..=link).map(|number| format!("{number};")).collect()
}

fn check_chain(server: &Server, from: usize) {
    for link in from..LINKS {
        assert_eq!(server.read_text(&format!("link-{link}")), expected(link), "link {link}");
    }
}

#[test]
fn a_long_chain_reads_through_to_its_root() {
    on_each_storage(&[], |server| {
        build_chain(server);
        check_chain(server, 0);
        // Reading from every token that any ancestor ever gave out finds the same bytes.
        let last = format!("link-{}", LINKS - 1);
        let whole = expected(LINKS - 1);
        for link in 0..LINKS - 1 {
            let token = server.tail(&format!("link-{link}"));
            let rest = &whole[token.position() as usize..];
            server.page(&last, &token).expect(200).expect_body(rest);
        }
    });
}

#[test]
fn deleting_a_chain_from_its_root_leaves_the_last_link_whole_and_then_nothing() {
    on_each_storage(&[], |server| {
        build_chain(server);
        for link in 0..LINKS - 1 {
            server.delete(&format!("link-{link}")).send().expect(204);
            server.head(&format!("link-{link}")).send().expect(410);
        }
        check_chain(server, LINKS - 1);
        server.delete(&format!("link-{}", LINKS - 1)).send().expect(204);
        for link in 0..LINKS {
            wait::until("the cascade has reached the link", || {
                (server.head(&format!("link-{link}")).send().status() == 404).then_some(())
            });
        }
    });
}

#[test]
fn a_chain_outlives_clean_and_unclean_restarts() {
    let server = Launch::new(Storage::Sled).start();
    build_chain(&server);
    for link in 0..LINKS / 2 {
        server.delete(&format!("link-{link}")).send().expect(204);
    }
    let server = server.restart();
    check_chain(&server, LINKS / 2);
    let server = server.crash_and_restart();
    check_chain(&server, LINKS / 2);
    server.head("link-0").send().expect(410);
    for link in (LINKS / 2..LINKS).rev() {
        server.delete(&format!("link-{link}")).send().expect(204);
    }
    wait::until("the cascade has reached the root", || {
        (server.head("link-0").send().status() == 404).then_some(())
    });
    let server = server.restart();
    server.create_text("link-0");
    assert_eq!(server.read_text("link-0"), "");
}

#[test]
fn sub_offsets_add_up_along_a_chain() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        let one = server.append_text("source", "abc");
        server.append_text("source", "defgh");
        let sub = |fork: &str, source: &str, anchor: &str, sub: &str| {
            let call = server.put(fork).header("Stream-Forked-From", &target(source));
            let call = call.header("Stream-Fork-Offset", anchor);
            call.header("Stream-Fork-Sub-Offset", sub).send().expect(201).offset()
        };
        let first = sub("first", "source", one.as_str(), "2");
        server.append_text("first", "XYZ");
        assert_eq!(server.read_text("first"), "abcdeXYZ");
        sub("second", "first", first.as_str(), "1");
        server.append_text("second", "!");
        assert_eq!(server.read_text("second"), "abcdeX!");
        sub("third", "second", one.as_str(), "1");
        assert_eq!(server.read_text("third"), "abcd");
    });
}

#[test]
fn a_fork_of_a_fork_may_divide_inside_what_was_inherited() {
    on_each_storage(&[], |server| {
        server.create_json("root");
        let one = server.append_json("root", "1");
        let two = server.append_json("root", "2");
        server.fork("child", "root", None);
        server.append_json("child", "3");
        server.fork("early", "child", Some(&one));
        server.append_json("early", "9");
        server.get("early", "").send().expect_body("[1,9]");
        server.fork("late", "child", Some(&two));
        server.get("late", "").send().expect_body("[1,2]");
        server.delete("root").send().expect(204);
        server.delete("child").send().expect(204);
        server.get("early", "").send().expect_body("[1,9]");
        server.get("late", "").send().expect_body("[1,2]");
    });
}
