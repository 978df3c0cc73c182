//! Streams with a lifetime of a second or two, which end under load, and when they may.

use std::time::{Duration, Instant};

use headwater_tests::Server;
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::checker::{Observation, Violation, Window, check, check_window};
use super::history::{Action, History};
use super::line::{Line, Stopped};
use super::own_streams::with_record;
use super::record;
use super::worker::note;

/// How many a client keeps at most.
const STREAMS: usize = 3;

/// A stream that ends by itself.
#[derive(Debug)]
pub(super) struct ShortLived {
    pub(super) history: History,
    ttl: Duration,
    /// Just before the last request that surely restarted the window was sent.
    used: Option<Instant>,
    /// Just after the last request that may have restarted it.
    maybe_used: Instant,
}

/// The streams of one client that end by themselves.
#[derive(Debug, Default)]
pub(super) struct ShortLives {
    streams: Vec<ShortLived>,
    /// The names of those that have ended.
    pub(super) ended: Vec<String>,
}

impl ShortLived {
    fn new(history: History, seconds: u64, sent: Instant) -> Self {
        let used = history.created.then_some(sent);
        Self { history, ttl: Duration::from_secs(seconds), used, maybe_used: Instant::now() }
    }

    /// A use that was answered; `sent` is from before it was sent.
    fn was_used(&mut self, sent: Instant) {
        self.used = Some(sent);
        self.maybe_used = Instant::now();
    }

    /// What an answer says about the lifetime, whose request left at `sent`.
    fn check(&self, present: bool, sent: Instant) -> Option<Violation> {
        let window = Window {
            ttl: self.ttl,
            since_use: self.used.map(|used| used.elapsed()),
            since_last_chance: sent.saturating_duration_since(self.maybe_used),
        };
        check_window(&window, present)
    }

    /// Reads all of it; whether it was there, and the promises that were found broken.
    fn read(&mut self, server: &Server) -> (bool, Vec<Violation>) {
        let sent = Instant::now();
        // No record is so long that there could be a second page.
        let page = server.get(&self.history.name, "").send();
        let there = page.status() != 404;
        let mut violations: Vec<Violation> = self.check(there, sent).into_iter().collect();
        if !there {
            return (false, violations);
        }
        let page = page.expect(200);
        assert!(page.up_to_date(), "one page holds it all: {page}");
        let closed = page.closed();
        let records = if self.history.json {
            record::parse_json(&[page.body])
        } else {
            record::parse_bytes(&page.body)
        };
        let observation = Observation::Present { records, closed, floor: 0 };
        violations.extend(check(&self.history, &observation));
        if let (Observation::Present { records: Ok(records), .. }, []) =
            (observation, &violations[..])
        {
            self.history.settle(&records, closed, 0);
        }
        self.was_used(sent);
        (true, violations)
    }

    #[track_caller]
    fn require(&self, present: bool, sent: Instant) {
        let violation = self.check(present, sent);
        assert!(violation.is_none(), "{}: {violation:?}; {self:?}", self.history.name);
    }
}

impl ShortLives {
    /// Creates one, appends to one, or looks at one. `name` is for the new one.
    pub(super) fn step(
        &mut self,
        line: &mut Line<'_>,
        random: &mut StdRng,
        name: impl FnOnce() -> String,
    ) -> Result<(), Stopped> {
        if self.streams.is_empty() || (self.streams.len() < STREAMS && random.random_bool(0.3)) {
            return self.create(line, name(), random);
        }
        let index = random.random_range(0..self.streams.len());
        let there = if random.random_bool(0.15) {
            self.append(line, index, random)?
        } else {
            self.look(line, index)?
        };
        if !there {
            self.ended.push(self.streams.swap_remove(index).history.name);
            line.common.ended.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
    }

    fn create(
        &mut self,
        line: &mut Line<'_>,
        name: String,
        random: &mut StdRng,
    ) -> Result<(), Stopped> {
        let (json, id, seconds) = (random.random(), line.next_id(), random.random_range(1..=2));
        let call = line.call("PUT", &name).header("Stream-TTL", &seconds.to_string());
        let sent = Instant::now();
        let result = line.ask(with_record(call, json, id, random.random_range(0..600)), &[201]);
        if !matches!(result, Err(Stopped::NotSent)) {
            let history = History::new(name, json, result.is_ok(), vec![id]);
            self.streams.push(ShortLived::new(history, seconds, sent));
        }
        result.map(drop)
    }

    /// Appends; whether the stream was there.
    fn append(
        &mut self,
        line: &mut Line<'_>,
        index: usize,
        random: &mut StdRng,
    ) -> Result<bool, Stopped> {
        let stream = &mut self.streams[index];
        let id = line.next_id();
        let call = line.call("POST", &stream.history.name);
        let call = with_record(call, stream.history.json, id, random.random_range(0..600));
        let sent = Instant::now();
        let result = line.ask(call, &[204, 404]);
        if matches!(&result, Ok(acked) if acked.response.status() == 404) {
            stream.require(false, sent);
            return Ok(false);
        }
        note(&mut stream.history.ops, Action::Append(id), &result);
        if result.is_ok() {
            stream.require(true, sent);
            stream.was_used(sent);
        }
        // Whether an unanswered use restarted the window does not matter: the next start does.
        result.map(|_| true)
    }

    /// Looks without restarting the window; whether the stream was there.
    fn look(&mut self, line: &mut Line<'_>, index: usize) -> Result<bool, Stopped> {
        let stream = &self.streams[index];
        let sent = Instant::now();
        let acked = line.ask(line.call("HEAD", &stream.history.name), &[200, 404])?;
        let there = acked.response.status() == 200;
        stream.require(there, sent);
        Ok(there)
    }

    /// Takes note of a start, which begins all windows anew that were not over when the server had
    /// been killed. `killed` is from after the kill, `started` from before the start.
    pub(super) fn begin_anew(&mut self, killed: Instant, started: Instant) {
        for stream in &mut self.streams {
            if stream.used.is_some_and(|used| killed.duration_since(used) < stream.ttl) {
                stream.used = Some(started);
            }
        }
    }

    /// Looks at all of them after a restart.
    pub(super) fn look_after_restart(&mut self, server: &Server) -> Vec<String> {
        let mut wrong = Vec::new();
        for mut stream in std::mem::take(&mut self.streams) {
            // The start may have begun its window at any time up to now.
            stream.maybe_used = Instant::now();
            let (there, violations) = stream.read(server);
            let name = &stream.history.name;
            wrong.extend(violations.iter().map(|violation| format!("{name}: {violation:?}")));
            if there {
                self.streams.push(stream);
            } else {
                self.ended.push(stream.history.name);
            }
        }
        wrong
    }

    /// Waits until all of them have ended.
    pub(super) fn wait_for_the_ends(&mut self, server: &Server) {
        for stream in std::mem::take(&mut self.streams) {
            headwater_tests::wait::until("a lifetime is over", || {
                let sent = Instant::now();
                let there = server.head(&stream.history.name).send().status() != 404;
                stream.require(there, sent);
                (!there).then_some(())
            });
            self.ended.push(stream.history.name);
        }
    }
}
