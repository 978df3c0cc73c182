//! A disk of the test's own that is small enough to be filled.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;

use crate::launch::Launch;

/// What fills a disk beside the server.
const BALLAST: &str = "ballast";

/// A file system in memory, mounted in the home of a [`Launch`]. Gone with this.
#[derive(Debug)]
pub struct SmallDisk {
    root: PathBuf,
}

impl Launch {
    /// Puts the data directory onto a disk of so many MiB.
    ///
    /// # Panics
    /// When nothing can be mounted: that takes a user who is root, or root of a namespace of its own.
    pub fn on_a_small_disk(self, mebibytes: u32) -> (Self, SmallDisk) {
        let root = self.home().join("disk");
        fs::create_dir(&root).expect("a folder to mount on");
        let size = format!("size={mebibytes}m");
        let mut mount = Command::new("mount");
        let done = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&root).output();
        let done = done.expect("`mount` is run");
        assert!(
            done.status.success(),
            "this test fills a disk of its own; run it as root, or under `unshare --map-root-user --mount`: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        (self.in_directory("disk/data"), SmallDisk { root })
    }
}

impl SmallDisk {
    /// Takes so many MiB, so that there will be as much room at least when they are given back.
    pub fn take(&self, mebibytes: u32) {
        for _ in 0..mebibytes {
            assert!(self.takes(1 << 20), "the disk has no {mebibytes} MiB");
        }
    }

    /// Takes what is free, to the last byte.
    pub fn fill(&self) {
        for size in [1 << 16, 1] {
            while self.takes(size) {}
        }
    }

    /// Whether so much could be taken.
    fn takes(&self, bytes: usize) -> bool {
        let ballast = self.root.join(BALLAST);
        let ballast = OpenOptions::new().create(true).append(true).open(ballast);
        match ballast.expect("a file").write_all(&vec![b'x'; bytes]) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::StorageFull => false,
            Err(error) => panic!("the disk cannot be filled: {error}"),
        }
    }

    /// Gives back what was taken.
    pub fn relieve(&self) {
        fs::remove_file(self.root.join(BALLAST)).expect("the ballast is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever has files open there keeps them; the server ends a moment later.
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.root).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} stays mounted", self.root.display());
        }
    }
}
