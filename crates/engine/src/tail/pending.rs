//! What a reader is taking from storage: kept from one call to the next, so that one which is given up loses neither its place
//! among those who wait for room nor what was read.

use std::future::poll_fn;
use std::sync::Arc;

use headwater_core::StreamState;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, ReusableBoxFuture};

use super::live::Head;
use crate::read::records::{self, Records};
use crate::read::{self, Miss, Page};
use crate::reading::Taker;
use crate::shard::Shard;

/// Something that is on its way, if anything is. Boxed, because most readers are at the tail and have nothing here.
#[derive(Debug)]
pub(super) struct Pending<P>(Option<Box<Begun<P>>>);

/// Something that was begun.
#[derive(Debug)]
pub(super) struct Begun<P> {
    done: ReusableBoxFuture<'static, Result<P, Miss>>,
    hurry: CancellationToken,
}

impl<P> Default for Pending<P> {
    fn default() -> Self {
        Self(None)
    }
}

impl<P> Pending<P> {
    /// It does not wait for room any longer.
    pub(super) fn hurry(&self) {
        if let Some(begun) = &self.0 {
            begun.hurry.cancel();
        }
    }

    /// Goes on with what was begun, or begins. When the stream ends, it waits no longer for room, and what is being read is
    /// read all the same.
    pub(super) async fn get(
        &mut self,
        begin: impl FnOnce() -> Begun<P>,
        news: &mut watch::Receiver<Head>,
    ) -> Result<P, Miss> {
        let Begun { done, hurry } = &mut **self.0.get_or_insert_with(|| Box::new(begin()));
        let mut done = poll_fn(|cx| done.poll(cx));
        let done = tokio::select! {
            biased;
            done = &mut done => done,
            () = ended(news) => {
                hurry.cancel();
                done.await
            }
        };
        self.0 = None;
        done
    }
}

/// Waits until the stream is not followed any longer.
async fn ended(news: &mut watch::Receiver<Head>) {
    // A sender that is gone has nothing more to say either.
    drop(news.wait_for(|head| head.end.is_some()).await);
}

/// Begins to read a page from a position.
pub(super) fn page(
    shard: Arc<Shard>,
    state: Arc<StreamState>,
    from: u64,
    hurry: CancellationToken,
) -> Begun<Page> {
    let taker = Taker::Live(hurry.clone());
    let done = async move {
        let options = &shard.options;
        let most = options.tail_page_bytes.min(options.page_bytes).max(1) as u64;
        let cap = shard.reading.page(&taker).min(most);
        read::page_in(&shard, &state, from, cap, &taker).await
    };
    Begun { done: ReusableBoxFuture::new(done), hurry }
}

/// Begins to read a page of records from a position.
pub(super) fn records(
    shard: Arc<Shard>,
    state: Arc<StreamState>,
    from: u64,
    hurry: CancellationToken,
) -> Begun<Records> {
    let taker = Taker::Live(hurry.clone());
    let done = async move {
        records::records_in(&shard, &state, from, records::cap(&shard), &taker).await
    };
    Begun { done: ReusableBoxFuture::new(done), hurry }
}
