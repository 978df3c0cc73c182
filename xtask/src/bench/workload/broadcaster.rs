//! Tells a server that broadcasts what to publish, over its control connection (`xtask/peers/src/control.rs` says how).
//!
//! Records are stamped and numbered here, with the time they were due. Only so many are on their way at a time, as the subscribers'
//! tally tells, so that no server has to drop one or to hold up its publisher: one that is slower than a pace is late, and loses
//! nothing.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Deserialize;

use super::publisher::Pace;
use super::tally::Tally;
use crate::bench::payload::{Mark, Payload, clock};

/// Records on their way at most. Servers queue sixteen times as many for one subscriber, and tallies count what all have got
/// together: one may be so much later than the others.
const WINDOW: u64 = 64;

/// Between two looks at a full window.
const LOOK: Duration = Duration::from_micros(100);

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What publishing took, by the server's own clock, in nanoseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Told {
    /// Calls.
    pub(super) published: u32,
    /// Messages that some subscriber has not been sent.
    pub(super) dropped: u64,
    pub(super) p50: u64,
    pub(super) p99: u64,
    pub(super) max: u64,
    /// Calls in which the kernel gave the processor to others, and the 99th percentile of all calls without that time.
    pub(super) preempted: u32,
    pub(super) undisturbed_p99: u64,
}

/// The publisher of one server.
#[derive(Debug)]
pub(super) struct Broadcaster {
    control: SocketAddr,
    payload: Payload,
    next: u32,
    audience: Option<(Arc<Tally>, u32)>,
}

impl Broadcaster {
    /// Its first record will be number 0.
    pub(super) fn new(control: SocketAddr, payload: &Payload) -> Self {
        Self { control, payload: payload.clone(), next: 0, audience: None }
    }

    /// Goes no further ahead of these subscribers than the window.
    pub(super) fn with_window(self, tally: Arc<Tally>, subscribers: u32) -> Self {
        Self { audience: Some((tally, subscribers)), ..self }
    }

    /// How many records have been sent.
    pub(super) fn sent(&self) -> u32 {
        self.next
    }

    /// Sends records for `time`, at most `most` of them, and returns when the server has published them all.
    pub(super) fn run(&mut self, time: Duration, most: u32, pace: Pace) -> anyhow::Result<Told> {
        let mut socket = open(self.control, &format!("publish {}", self.payload.size()))?;
        let (begun, first) = (Instant::now(), self.next);
        let mut records = Vec::new();
        while self.next - first < most && begun.elapsed() < time {
            let sent = self.next - first;
            let due = match pace {
                Pace::FlatOut => Instant::now(),
                Pace::PerSecond(rate) => begun + Duration::from_secs_f64(f64::from(sent) / rate),
            };
            if due.saturating_duration_since(begun) >= time {
                break;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let wanted = match pace {
                Pace::FlatOut => u64::from(most - sent),
                Pace::PerSecond(_) => 1,
            };
            let count = self.room().min(wanted);
            if count == 0 {
                std::thread::sleep(LOOK);
                continue;
            }
            records.clear();
            for _ in 0..count {
                let mark = Mark { writer: 0, seq: self.next, nanos: clock(due) };
                self.payload.write(mark, &mut records);
                self.next += 1;
            }
            socket.write_all(&records).context("telling a server what to publish")?;
        }
        let answer = answer(socket)?;
        let told: Told = serde_json::from_str(&answer)
            .with_context(|| format!("the server's report is {answer:?}"))?;
        anyhow::ensure!(
            told.published == self.next - first,
            "{} of {} records published",
            told.published,
            self.next - first
        );
        Ok(told)
    }

    /// How many may be sent now.
    fn room(&self) -> u64 {
        let Some((tally, subscribers)) = &self.audience else { return WINDOW };
        let arrived = tally.deliveries() / u64::from(*subscribers).max(1);
        (arrived + WINDOW).saturating_sub(u64::from(self.next))
    }
}

/// Says a line to a server and returns its answer.
pub(super) fn ask(control: SocketAddr, line: &str) -> anyhow::Result<String> {
    answer(open(control, line)?)
}

fn open(control: SocketAddr, line: &str) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(control).context("the control connection")?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    writeln!(socket, "{line}")?;
    Ok(socket)
}

fn answer(mut socket: TcpStream) -> anyhow::Result<String> {
    let mut answer = String::new();
    socket.shutdown(Shutdown::Write)?;
    socket.read_to_string(&mut answer).context("no answer on the control connection")?;
    Ok(answer)
}
