//! `headwater check`: whether a data directory is sound, told by the exit code and a line for each damage.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use headwater_tests::{Launch, Storage, binary, exit};

/// Runs it on a directory.
fn check(directory: &Path) -> (Option<i32>, String, String) {
    let run = Command::new(binary::headwater()).arg("check").arg(directory).output();
    let Output { status, stdout, stderr } = run.expect("the headwater binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// A journal that was stopped after some of it was packed.
fn stopped() -> Launch {
    let server = Launch::new(Storage::Journal).flags(&["--recent-bytes", "65536"]).start();
    for stream in ["a", "b"] {
        server.create_text(stream);
        for number in 0..12 {
            server.append_text(stream, &format!("{stream}{number}").repeat(5_000));
        }
    }
    server.stop()
}

#[test]
fn a_sound_directory() {
    let launch = stopped();
    let (code, stdout, stderr) = check(launch.data_dir());
    assert_eq!((code, stderr.as_str()), (Some(exit::STOPPED), ""), "{stdout}");
    assert!(stdout.starts_with("read: ") && stdout.contains(" chunk files"), "{stdout}");
    launch.start().stop();
}

#[test]
fn damage_is_told_with_file_place_and_stream() {
    let launch = stopped();
    let mut chunks: Vec<_> = fs::read_dir(launch.data_dir().join("chunks")).unwrap().collect();
    let path = chunks.remove(0).unwrap().path();
    let mut content = fs::read(&path).unwrap();
    // Behind the header comes payload.
    content[100] ^= 1;
    fs::write(&path, content).unwrap();
    let (code, stdout, stderr) = check(launch.data_dir());
    assert_eq!(code, Some(exit::CORRUPT), "{stdout}{stderr}");
    let place = format!("damaged: {} is damaged at byte ", path.display());
    assert!(stdout.contains(&place) && stdout.contains("; stream `"), "{stdout}");
    assert!(
        stderr.contains("is damaged in 1 places") && stderr.contains("nothing in it"),
        "{stderr}"
    );
}

#[test]
fn what_cannot_be_checked() {
    let running = Launch::new(Storage::Journal).start();
    let (code, _, stderr) = check(running.launch().data_dir());
    assert_eq!(code, Some(exit::DATA_IN_USE), "{stderr}");
    let sled = Launch::new(Storage::Sled).start().stop();
    let (code, _, stderr) = check(sled.data_dir());
    assert_eq!(code, Some(exit::USAGE), "{stderr}");
    assert!(stderr.contains("kept by `sled`"), "{stderr}");
    let nowhere = running.launch().home().join("nowhere");
    let (code, _, stderr) = check(&nowhere);
    assert_eq!(code, Some(exit::USAGE), "{stderr}");
    assert!(!nowhere.exists());
}
