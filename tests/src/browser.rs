//! Chromium without a window, and the pages of `examples/browser` in it, served from an origin of their own.
//!
//! It promises that no process of the browser outlives the [`Browser`], whatever happens to the test.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{binary, npm, wait};

/// How long a step in the browser may take. It gives up itself after [`wait::DEADLINE`], and says why.
const PATIENCE: Duration = wait::DEADLINE.saturating_add(Duration::from_secs(10));

/// How often the processes of a browser are looked for and killed where nothing more may fail. Processes that are
/// killed start no others, so that two rounds would do.
const KILL_ROUNDS: usize = 10;

/// The driver, the browser it runs, and the server of the pages.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    /// Gone when the driver has been told to end.
    steps: Option<ChildStdin>,
    answers: Receiver<String>,
    profile: TempDir,
    site: Site,
}

/// A page that is open in a [`Browser`].
#[derive(Debug)]
pub struct Page {
    name: String,
}

impl Browser {
    /// Starts the browser, and serves the examples to it.
    ///
    /// # Panics
    /// When there is no Chromium, or it does not start.
    pub fn start() -> Self {
        let site = Site::start();
        let profile = tempfile::tempdir().expect("a temporary directory");
        let mut driver = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser.mjs"))
            .args([npm::modules(), &chromium(), profile.path()])
            .arg(wait::DEADLINE.as_millis().to_string())
            // What the browser keeps beside its profile, such as its reporter of crashes, belongs to it too.
            .envs([("HOME", profile.path()), ("XDG_CONFIG_HOME", profile.path())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test drives a browser and needs `node`");
        let steps = driver.stdin.take();
        let answers = lines(driver.stdout.take().expect("piped"));
        let mut browser = Self { driver, steps, answers, profile, site };
        browser.answer("start");
        browser
    }

    /// Opens a page of the examples, each at most once, that follows the stream at `url`.
    #[track_caller]
    pub fn open(&mut self, page: &str, url: &str) -> Page {
        let address = format!("http://{}/{page}.html?stream={url}", self.site.address);
        self.step(&json!({ "do": "open", "page": page, "url": address }));
        Page { name: page.to_owned() }
    }

    /// Opens a page of another server, under a name of its own.
    #[track_caller]
    pub fn visit(&mut self, page: &str, url: &str) -> Page {
        self.step(&json!({ "do": "open", "page": page, "url": url }));
        Page { name: page.to_owned() }
    }

    /// The number that a page shows in the place with this id.
    ///
    /// # Panics
    /// When it shows none.
    #[track_caller]
    pub fn number(&mut self, page: &Page, id: &str) -> u64 {
        let shown = self.step(&json!({ "do": "value", "page": page.name, "id": id }));
        shown.as_str().and_then(|text| text.parse().ok()).expect("a number")
    }

    /// Whether a page's requests reach a URL, and whether it may look at the answers: `{"reached": …, "read": …}`.
    #[track_caller]
    pub fn access(&mut self, page: &Page, url: &str) -> Value {
        self.step(&json!({ "do": "access", "page": page.name, "url": url }))
    }

    /// The server of the pages, by a name under which it is another origin than theirs.
    pub fn other_origin(&self) -> String {
        format!("http://{}/client.html", self.site.address.replace("127.0.0.1", "localhost"))
    }

    /// All records that a page shows, once it shows at least `count`.
    #[track_caller]
    pub fn records(&mut self, page: &Page, count: usize) -> Vec<Value> {
        let shown = self.step(&json!({ "do": "records", "page": page.name, "count": count }));
        let texts = shown.as_array().expect("a list").iter().map(|text| text.as_str());
        texts.map(|text| serde_json::from_str(text.expect("text")).expect("JSON")).collect()
    }

    /// Waits until a page says that this is its state.
    #[track_caller]
    pub fn expect_state(&mut self, page: &Page, state: &str) {
        self.step(&json!({ "do": "state", "page": page.name, "state": state }));
    }

    /// Types text into a page's form and sends it.
    #[track_caller]
    pub fn append(&mut self, page: &Page, text: &str) {
        self.step(&json!({ "do": "append", "page": page.name, "text": text }));
    }

    /// The browser's processes, without the driver.
    pub fn processes(&self) -> Vec<Pid> {
        let driver = Pid::from_child(&self.driver);
        let mut processes = processes_of(self.profile.path());
        processes.retain(|process| *process != driver);
        processes
    }

    /// Kills the driver, which then can clean up nothing.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill_driver(&mut self) {
        self.driver.kill().expect("a driver to kill");
        self.driver.wait().expect("a killed process ends");
    }

    #[track_caller]
    fn step(&mut self, step: &Value) -> Value {
        let pipe = self.steps.as_mut().expect("a driver that was not told to end");
        writeln!(pipe, "{step}").expect("the driver reads");
        self.answer(&step.to_string())
    }

    #[track_caller]
    fn answer(&mut self, step: &str) -> Value {
        let line = match self.answers.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(error) => panic!("{step}: the browser's driver does not answer: {error}"),
        };
        let mut answer: Value = serde_json::from_str(&line).expect("an answer in JSON");
        assert!(answer["failed"].is_null(), "{step}: {}", answer["failed"].as_str().unwrap_or(""));
        answer["done"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser and then itself. One that hangs is killed, and the browser ends without it.
        drop(self.steps.take());
        while !matches!(
            self.answers.recv_timeout(wait::DEADLINE),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout)
        ) {}
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        if thread::panicking() {
            // A second panic would end the whole test run. One that was just being started is killed in the next round.
            for _ in 0..KILL_ROUNDS {
                self.processes().into_iter().for_each(kill);
            }
        } else {
            wait::until("the browser's processes are gone", || {
                self.processes().is_empty().then_some(())
            });
        }
    }
}

/// Where Chromium is.
fn chromium() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found = env::split_paths(&path).map(|folder| folder.join("chromium"));
    found
        .find(|program| program.is_file())
        .expect("this test needs `chromium`; `cargo xtask tools` says how to get it")
}

/// All processes that were started with this folder as an argument, or a part of one.
fn processes_of(profile: &Path) -> Vec<Pid> {
    let profile = profile.to_str().expect("a path in UTF-8");
    let entries = fs::read_dir("/proc").expect("procfs").filter_map(Result::ok);
    entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            // A process that has ended meanwhile has no command line.
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            String::from_utf8_lossy(&line).contains(profile).then(|| Pid::from_raw(id))?
        })
        .collect()
}

fn kill(process: Pid) {
    // It may have ended meanwhile.
    let _ = kill_process(process, Signal::KILL);
}

/// `examples/browser`, copied as a person would copy it, and served by its own server.
#[derive(Debug)]
struct Site {
    server: Child,
    address: String,
    /// Goes with the site.
    _folder: TempDir,
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let examples = binary::workspace().join("examples/browser");
        for file in fs::read_dir(examples).expect("the examples") {
            let file = file.expect("a file");
            // Somebody may have installed packages there.
            if file.path().is_file() {
                fs::copy(file.path(), folder.path().join(file.file_name())).expect("a copy");
            }
        }
        symlink(npm::modules().join("node_modules"), folder.path().join("node_modules"))
            .expect("the packages are linked");
        let mut server = Command::new("node")
            .arg(folder.path().join("serve.mjs"))
            .arg("0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test serves pages and needs `node`");
        let said = lines(server.stdout.take().expect("piped"));
        let mut site = Self { server, address: String::new(), _folder: folder };
        let line = said.recv_timeout(wait::DEADLINE).expect("the server of the pages serves");
        let address = line.strip_prefix("serving http://").and_then(|rest| rest.strip_suffix('/'));
        address.expect("an address").clone_into(&mut site.address);
        site
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn lines(pipe: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    told
}
