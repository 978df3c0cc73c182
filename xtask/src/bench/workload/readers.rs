//! Readers that read one stream from its start to its tail, again and again, on a thread of their own: as fast as they are
//! answered, and so cheaply that it is the server they keep busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use tokio::task::JoinSet;

use crate::bench::base_url::BaseUrl;
use crate::bench::client::Conn;
use crate::bench::reader::{READ_SIZE, START};
use crate::bench::runtime::run_bounded;
use crate::bench::streams::read_request;

/// What they read.
#[derive(Clone, Debug)]
pub(super) struct Book {
    /// The server.
    pub(super) base: BaseUrl,
    /// The stream.
    pub(super) target: String,
    /// Bytes in it; every pass has to get as many.
    pub(super) bytes: u64,
}

/// Readers at work. Dropping it lets them end by themselves.
#[derive(Debug)]
pub(super) struct Readers {
    thread: JoinHandle<anyhow::Result<()>>,
    shared: Arc<Shared>,
}

/// Relaxed throughout: nothing else is read because of these.
#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    bytes: AtomicU64,
}

impl Readers {
    /// Sets so many to work, for at most `limit`.
    pub(super) fn start(book: &Book, count: u32, limit: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let (book, inside) = (book.clone(), Arc::clone(&shared));
        let thread = thread::spawn(move || run_bounded(limit, read(book, count, inside)));
        Self { thread, shared }
    }

    /// Bytes that all of them have got.
    pub(super) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Ends them where they are.
    ///
    /// # Errors
    /// When one of them got something else than the stream.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.shared.over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the readers' thread panicked"))?
    }
}

async fn read(book: Book, count: u32, shared: Arc<Shared>) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (book, shared) = (book.clone(), Arc::clone(&shared));
        tasks.spawn(async move {
            let mut conn = Conn::open(&book.base, READ_SIZE).await?;
            while pass(&book, &mut conn, &shared).await?.is_some() {}
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.context("a reader")??;
    }
    Ok(())
}

/// One pass; nothing if it was not to be ended.
async fn pass(book: &Book, conn: &mut Conn, shared: &Shared) -> anyhow::Result<Option<()>> {
    let mut offset = START.to_owned();
    let mut got = 0;
    loop {
        if shared.over.load(Ordering::Relaxed) {
            return Ok(None);
        }
        conn.send(&read_request(&book.base, &book.target, &offset, "")).await?;
        let head = conn.head().await?;
        conn.expect(&head, &[200]).await.context("a read")?;
        let before = got;
        let sink = |bytes: &[u8]| {
            got += bytes.len() as u64;
            shared.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        };
        conn.body(head.framing, sink).await?;
        if head.up_to_date {
            break;
        }
        ensure!(got > before, "an empty page before the tail, at offset {offset}");
        offset = head.next_offset.context("a page without Stream-Next-Offset")?;
    }
    ensure!(got == book.bytes, "a reader got {got} bytes of {}", book.bytes);
    Ok(Some(()))
}
