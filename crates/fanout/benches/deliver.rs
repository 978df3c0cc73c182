//! Deliveries, to be counted in instructions: `deliver SUBSCRIBERS ROUNDS MESSAGES`.
//!
//! In each round all subscribers sleep, so many messages are published, everybody is told, and takes all of them. Two runs that differ in
//! their rounds alone tell what a delivery costs; `cargo xtask instructions` does that.

use std::env;
use std::process::ExitCode;

use headwater_fanout::{Audience, Log, Message, Park, Policy, Standing, Subscriber, Taken, Took};

/// As large as what brokers and hubs publish: a shared slice.
#[derive(Clone)]
struct Frame(std::sync::Arc<[u8]>);

impl Message for Frame {
    fn weight(&self) -> usize {
        self.0.len()
    }
}

/// Nobody sleeps really.
struct Sleeper;

impl Park for Sleeper {
    fn unpark(self) {}
}

fn main() -> ExitCode {
    // What `cargo bench` and `cargo test` add is no number.
    let numbers: Vec<u64> = env::args().filter_map(|arg| arg.parse().ok()).collect();
    let [subscribers, rounds, messages] = numbers[..] else {
        // Run as a test: it is enough that it builds.
        return ExitCode::SUCCESS;
    };
    let log = Log::new(headwater_fanout::Limits::new(4096, 16 << 20), || {});
    let subscribe = |_| log.subscribe(Standing::Fixed(Policy::DropNewest));
    let mut all: Vec<Subscriber<Frame, Sleeper>> = (0..subscribers).filter_map(subscribe).collect();
    let frame = Frame(vec![0; 128].into());
    let mut taken = Taken::new();
    let mut delivered = 0;
    let mut take = |all: &mut Vec<Subscriber<Frame, Sleeper>>| {
        for one in all {
            while one.take_or_park(&log.limits(), &mut taken, || Sleeper) == Took::Part {
                delivered += taken.iter().count() as u64;
            }
            delivered += taken.iter().count() as u64;
        }
    };
    take(&mut all);
    for _ in 0..rounds {
        for _ in 0..messages {
            if log.publish(frame.clone(), Audience::All).is_err() {
                return ExitCode::FAILURE;
            }
        }
        log.distribute();
        take(&mut all);
    }
    if delivered == subscribers * rounds * messages { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
