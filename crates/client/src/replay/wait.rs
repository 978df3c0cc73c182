//! Waiting for what is next: a request that the server holds until there is something, again and again.

use std::time::Duration;

use headwater_core::{Offset, Retry};
use tokio::time::{Instant, sleep, sleep_until};

use crate::client::Options;
use crate::error::RequestError;
use crate::stream::{News, Stream};

/// How soon a server that says "nothing yet" is asked again: one that is stopping says it at once.
const LEAST: Duration = Duration::from_millis(50);

/// How soon a closed stream is asked about again: nothing comes there until it is deleted and created anew.
const CLOSED: Duration = Duration::from_secs(5);

/// Longest that a server's wish to be left alone is heeded: it may be back sooner than it thought.
const LONGEST_WISH: Duration = Duration::from_secs(10);

/// Waits until there is something behind an offset, or the server refuses for good.
pub(super) async fn for_news(stream: &Stream, after: Offset) -> Result<(), RequestError> {
    let Options { news, backoff, .. } = *stream.client().options();
    let mut failures = 0;
    loop {
        let begun = Instant::now();
        match stream.news(after, news).await {
            Ok(News::Come) => return Ok(()),
            Ok(News::NotYet) => {
                failures = 0;
                sleep_until(begun + LEAST).await;
            }
            Ok(News::Closed) => sleep(CLOSED).await,
            Err(error) if error.retry() == Retry::Later => {
                failures += 1;
                let wish = error.retry_after().min(LONGEST_WISH);
                sleep(backoff.pause(failures, rand::random()).max(wish)).await;
            }
            Err(error) => return Err(error),
        }
    }
}
