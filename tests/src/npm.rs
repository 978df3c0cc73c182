//! The npm packages that tests run, pinned in the project's lock file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::binary;

/// What `cargo xtask npm` writes last: the lock file that it installed.
const STAMP: &str = "node_modules/.headwater-installed";

/// The folder whose `node_modules` holds the packages; they are installed when they are missing or others.
///
/// # Panics
/// When they cannot be installed.
pub fn modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let folder = binary::target_dir().join("conformance");
        fs::create_dir_all(&folder).expect("a folder to install into");
        // The same lock as `cargo xtask npm` holds while it installs there.
        let lock = File::create(binary::target_dir().join("conformance.lock")).expect("a lock");
        lock.lock().expect("the install lock");
        let wanted = fs::read_to_string(pinned("package-lock.json")).expect("a lock file");
        if fs::read_to_string(folder.join(STAMP)).ok().as_ref() != Some(&wanted) {
            install(&folder);
            fs::write(folder.join(STAMP), wanted).expect("the install stamp");
        }
        folder
    })
}

/// A file that says which packages, in which versions.
pub fn pinned(name: &str) -> PathBuf {
    binary::workspace().join("xtask/conformance").join(name)
}

fn install(folder: &Path) {
    for name in ["package.json", "package-lock.json"] {
        fs::copy(pinned(name), folder.join(name)).expect("a copy of what is pinned");
    }
    let done = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(folder)
        .output()
        .expect("this test needs npm packages, and `npm` to install them");
    assert!(done.status.success(), "npm ci: {}", String::from_utf8_lossy(&done.stderr));
}
