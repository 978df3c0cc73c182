//! What a person is told at the start can be copied, and does what it says.

use std::io::Read as _;
use std::process::{Command, Stdio};

use headwater_tests::{Server, on_each_storage, wait};

/// The commands that the server prints.
fn commands(server: &Server) -> [String; 3] {
    let said = wait::until("three commands are printed", || {
        let said = server.stdout();
        (said.lines().filter(|line| line.contains("curl ")).count() == 3).then_some(said)
    });
    let mut lines = said.lines().filter(|line| line.contains("curl ")).map(str::to_owned);
    [(); 3].map(|()| lines.next().expect("three lines"))
}

#[test]
fn the_printed_commands_create_append_and_tail() {
    on_each_storage(&[], |server| {
        let [create, append, tail] = commands(server);
        for line in [create, append] {
            let done = Command::new("bash").args(["-c", &line]).output();
            let done = done.expect("this test runs what is printed and needs `bash` and `curl`");
            assert!(done.status.success(), "{line}: {done:?}");
            assert_eq!(String::from_utf8_lossy(&done.stdout), "", "{line}");
        }
        assert_eq!(server.read_text("hello"), "hello, world");
        // It follows for ever; with the server's end it ends too, should this test fail before.
        let mut following = Command::new("bash")
            .args(["-c", &format!("exec {tail}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("bash runs");
        let mut output = following.stdout.take().expect("piped");
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("data:hello, world\n") {
            let mut piece = [0; 1024];
            let length = output.read(&mut piece).expect("the tail's output");
            assert!(length > 0, "the tail ended with {:?}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&piece[..length]);
        }
        following.kill().expect("the tail can be ended");
        following.wait().expect("an ended tail");
    });
}
