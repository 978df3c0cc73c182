//! Deliveries of a broker to bodies of responses, to be counted in instructions: `deliver SUBSCRIBERS ROUNDS EVENTS`.
//!
//! In each round all bodies wait, so many events are published, and each body is asked for what it sends. Two runs that differ in their
//! rounds alone tell what a delivery costs; `cargo xtask instructions` does that.

use std::env;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};

use headwater_sse::broker::{Broker, Options, Subscription};
use headwater_sse::serve::EventBody;
use headwater_sse::{Event, PreparedEvent};
use http_body::Body;

type Bodies = Vec<Pin<Box<EventBody<Subscription<()>>>>>;

fn main() -> ExitCode {
    // What `cargo bench` and `cargo test` add is no number.
    let numbers: Vec<usize> = env::args().filter_map(|arg| arg.parse().ok()).collect();
    let [subscribers, rounds, events] = numbers[..] else {
        // Run as a test: it is enough that it builds.
        return ExitCode::SUCCESS;
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return ExitCode::FAILURE;
    };
    let event = PreparedEvent::new(&Event::new().data(&"x".repeat(128)));
    let expected = subscribers * rounds * events * event.as_bytes().len();
    let delivered = runtime.block_on(async {
        let broker = Broker::new(Options::default());
        let bodies = (0..subscribers).filter_map(|_| broker.subscribe(()));
        let mut bodies: Bodies = bodies.map(|events| Box::pin(EventBody::new(events))).collect();
        // The opening, which is no delivery.
        send(&mut bodies);
        let mut delivered = 0;
        for _ in 0..rounds {
            for _ in 0..events {
                let _ = broker.publish_prepared(event.clone());
            }
            // The broker's task tells those who wait.
            tokio::task::yield_now().await;
            delivered += send(&mut bodies);
        }
        delivered
    });
    if delivered == expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Asks all bodies for what they send, until they wait. Returns how many bytes that was.
fn send(bodies: &mut Bodies) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut sent = 0;
    for body in bodies {
        while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut context) {
            sent += frame.data_ref().map_or(0, bytes::Bytes::len);
        }
    }
    sent
}
