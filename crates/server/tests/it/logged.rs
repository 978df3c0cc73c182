//! What the log says of a fault that no answer can tell.

use std::io::Write;
use std::sync::{Arc, Mutex};

use headwater_core::storage::StorageError;
use headwater_engine::Options;
use headwater_server::Config;
use tracing::Level;

use crate::rig::Rig;

const TEXT: &str = "Content-Type: text/plain\r\n";

/// A log that is kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    /// Keeps what is logged on this thread at a level and above, as long as the guard is held.
    fn at(level: Level) -> (Self, tracing::subscriber::DefaultGuard) {
        let kept = Self::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .finish();
        (kept, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// All tasks run on this thread, so its subscriber hears them.
#[tokio::test(flavor = "current_thread")]
async fn damage_that_a_reader_of_events_meets_is_an_error_in_the_log_once() {
    let (log, _guard) = Kept::at(Level::ERROR);
    let small = Options { page_bytes: 64 * 1024, ..Options::default() };
    let rig = Rig::with(Config::default(), small).await;
    rig.call("PUT", "a/damaged", TEXT, "").await.expect(201);
    for _ in 0..24 {
        rig.call("POST", "a/damaged", TEXT, &"x".repeat(1_000_000)).await.expect(204);
    }
    let mut events = rig.events("a/damaged?offset=-1&live=sse").await;
    events.until("event: control").await;
    assert_eq!(log.text(), "");
    rig.faulty.fail_reads(StorageError::Corrupt("a test said so".into()));
    events.until_end().await;
    assert!(!events.ended_cleanly());
    let text = log.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in ["ERROR", "a/damaged", "corrupt", "a test said so"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
