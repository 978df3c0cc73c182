//! A ticker in a browser page, with replay: `cargo run -p headwater-sse --features axum,broker --example ticker`.
//!
//! Open the page, then stop and start this program, or cut the connection: the page comes back by itself, gets
//! exactly the ticks that it missed, and is told where they are gone for good.
//!
//! Arguments, all optional: the address to listen on, the time between ticks and the age at which a stream
//! ends, both in milliseconds.
#![allow(clippy::print_stdout, reason = "a program for people says where it is")]

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use headwater_sse::Event;
use headwater_sse::broker::{Limits, ReplayBroker};
use headwater_sse::replay::{MemoryReplay, Retention};
use headwater_sse::serve::{DeadlineListener, EventBody, LastEventId, MaxAge};
use tokio::net::TcpListener;
use tokio::time::interval;

type Ticker = ReplayBroker<MemoryReplay>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let mut millis = |default: &str| {
        let text = arguments.next();
        text.as_deref().unwrap_or(default).parse().map(Duration::from_millis)
    };
    let (pace, age) = (millis("1000")?, millis("60000")?);

    // An hour of ticks, for whoever was away no longer than that.
    let kept = Retention { events: 3600.try_into()?, bytes: 1 << 20, age: None };
    let log = Arc::new(MemoryReplay::new(kept));
    let ticker = Arc::new(ReplayBroker::new(log, Limits::default()).await?);
    tokio::spawn(tick(Arc::clone(&ticker), pace));

    let events = move |last: LastEventId| subscribe(Arc::clone(&ticker), last, age);
    let page = || async { Html(include_str!("page.html")) };
    let router = Router::new().route("/", get(page)).route("/events", get(events));

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // A tick leaves at once, and whoever takes none for a while is cut off.
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    let listener = DeadlineListener::new(listener, Duration::from_secs(20));
    axum::serve(listener, router).await?;
    Ok(())
}

/// Publishes a number after the other, for ever.
async fn tick(ticker: Arc<Ticker>, pace: Duration) {
    let mut pace = interval(pace);
    for number in 1_u64.. {
        pace.tick().await;
        let data = format!("{{\"tick\":{number}}}");
        // A ring in memory refuses only what is larger than all of it.
        let _ = ticker.publish(Event::new().data(&data)).await;
    }
}

/// Answers with the ticks after the last one that the browser had.
async fn subscribe(ticker: Arc<Ticker>, last: LastEventId, age: Duration) -> Response {
    match ticker.subscribe(last.as_deref()).await {
        Ok(Some(ticks)) => {
            let body = EventBody::new(ticks);
            let body = body.retry(Duration::from_millis(500)).max_age(MaxAge::jittered(age));
            IntoResponse::into_response(body)
        }
        // A browser does not come back after this.
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}
