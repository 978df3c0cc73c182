//! How a server is to be started: storage, directory, address, flags.
//!
//! A [`Launch`] can be started many times; all its servers share one data directory, which lives
//! as long as any of them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use crate::binary;
use crate::exit::Exit;
use crate::server::Server;

/// A storage adapter of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Nothing outlives the process.
    Memory,
    /// Everything acknowledged outlives the process, in an embedded database.
    Sled,
    /// Everything acknowledged outlives the process, in a journal and what is packed of it.
    Journal,
}

impl Storage {
    /// Those that tests of the server's behaviour run on: the simplest, and the one with the most between a request and the disk.
    /// That all adapters do the same is shown below the server, by one suite and by comparing them.
    pub const ALL: [Self; 2] = [Self::Memory, Self::Journal];

    /// Those that outlive the process: what is about durability, restarts and damage runs on each of them.
    pub const LASTING: [Self; 2] = [Self::Sled, Self::Journal];

    /// Who sends events to readers that have caught up: threads of their own, or the HTTP library. What is told does not depend on
    /// where it is kept, so the two go together, and what runs on each storage runs on both paths.
    fn event_flags(self) -> &'static [&'static str] {
        match self {
            Self::Memory => &["--event-threads", "0"],
            Self::Sled | Self::Journal => &[],
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sled => "sled",
            Self::Journal => "journal",
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.flag())
    }
}

/// A way to start the server.
#[derive(Clone, Debug)]
pub struct Launch {
    home: Arc<TempDir>,
    data_dir: PathBuf,
    storage: Option<Storage>,
    listen: String,
    flags: Vec<String>,
    wrapper: Vec<String>,
    panics_in: Option<&'static str>,
}

impl Launch {
    /// A server on `storage`, in a data directory that does not exist yet, on a free port.
    pub fn new(storage: Storage) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        Self {
            data_dir: home.path().join("data"),
            home: Arc::new(home),
            storage: Some(storage),
            listen: "127.0.0.1:0".to_owned(),
            flags: Vec::new(),
            wrapper: Vec::new(),
            panics_in: None,
        }
    }

    /// Adds flags.
    #[must_use]
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(ToString::to_string));
        self
    }

    /// Uses another data directory: a path in [`home`](Self::home).
    #[must_use]
    pub fn in_directory(mut self, name: &str) -> Self {
        self.data_dir = self.home.path().join(name);
        self
    }

    /// Lets the data directory decide about the storage.
    #[must_use]
    pub fn without_storage(mut self) -> Self {
        self.storage = None;
        self
    }

    /// Listens on this address, and to operators on a free port.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Runs the server under another program, which must become the server's parent or helper
    /// without standing between the harness and the server's process id.
    #[must_use]
    pub fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// Allows panics whose place in the source contains this text, for a test that provokes them. Any other panic of
    /// any server fails its test.
    #[must_use]
    pub fn with_panics_in(mut self, place: &'static str) -> Self {
        self.panics_in = Some(place);
        self
    }

    /// Where a panic is no failure of the test.
    pub(crate) fn panics_in(&self) -> Option<&'static str> {
        self.panics_in
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A directory of the test's own beside the data directory.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The storage adapter asked for, if any.
    pub fn storage(&self) -> Option<Storage> {
        self.storage
    }

    /// Starts a server and waits until it serves.
    ///
    /// # Panics
    /// When it ends before it serves, or says anything else first.
    #[track_caller]
    pub fn start(&self) -> Server {
        Server::spawn(self)
    }

    /// Runs a server that is expected to end by itself, and tells how it ended.
    ///
    /// # Panics
    /// When it still runs at the deadline.
    #[track_caller]
    pub fn run_to_end(&self) -> Exit {
        Server::spawn_only(self).wait_for_exit()
    }

    pub(crate) fn command(&self) -> Command {
        let mut words: Vec<&std::ffi::OsStr> =
            self.wrapper.iter().map(std::ffi::OsStr::new).collect();
        words.push(binary::headwater().as_os_str());
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["serve", "--listen", &self.listen]);
        command.arg("--data-dir").arg(&self.data_dir);
        if let Some(storage) = self.storage {
            command.args(["--storage", storage.flag()]);
        }
        // Beside a given port, operators would get the one that is theirs by default, and tests run side by side.
        let given = |flag: &str| self.flags.iter().any(|other| other == flag);
        if !self.listen.ends_with(":0") && !given("--admin-listen") {
            command.args(["--admin-listen", "127.0.0.1:0"]);
        }
        if let Some(storage) = self.storage
            && !given("--event-threads")
        {
            command.args(storage.event_flags());
        }
        command.args(&self.flags).env_remove("PORT");
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_string_lossy().starts_with("HEADWATER_")) {
            command.env_remove(name);
        }
        command.current_dir(self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}
