//! A disk of the test's own that is small enough to be filled.

use std::fs::{self, File};
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
    /// Takes what is free, to the last byte.
    pub fn fill(&self) {
        let mut ballast = File::create(self.root.join(BALLAST)).expect("a file");
        for size in [1 << 16, 1] {
            let piece = vec![b'x'; size];
            loop {
                match ballast.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the disk cannot be filled: {error}"),
                }
            }
        }
    }

    /// Gives back what [`fill`](Self::fill) took.
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
