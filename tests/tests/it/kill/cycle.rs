//! One round: load, kill, restart, look, retry.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use headwater_tests::{Launch, Server, wait};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::history::History;
use super::line::{Common, Stopped};
use super::look::{look_at, look_at_own};
use super::observe::keep_reading;
use super::retained::RetainedStreams;
use super::retry::{repeat_sequences, retry};
use super::setting::Setting;
use super::tally::Tally;
use super::worker::{Worker, content_type};

/// How many clients write at once.
const WORKERS: usize = 8;

/// After how many rounds the shared streams are replaced, which bounds what is read back.
const SHARED_FOR: usize = 10;

/// How many streams clients must have seen end with their lifetime in the last round of a set of
/// shared streams, however long that takes: most rounds are shorter than a lifetime, and every start
/// begins all windows anew.
const ENDS: usize = 4;

/// A server, its clients, and all they know.
pub(super) struct Campaign {
    setting: Setting,
    random: StdRng,
    server: Option<Server>,
    launch: Launch,
    workers: Vec<Worker>,
    shared: Vec<History>,
    ids: u64,
    clock: u64,
    tally: Tally,
    /// How long the last start took: the moments of kills on the way are chosen from it.
    start_takes: Duration,
}

impl Campaign {
    pub(super) fn new(setting: Setting, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let launch = setting.launch().flags(&["--long-poll-timeout", "100ms"]);
        let workers = (0..WORKERS).map(|number| Worker::new(number, random.random())).collect();
        Self {
            setting,
            random,
            server: Some(launch.start()),
            launch,
            workers,
            shared: Vec::new(),
            ids: 1,
            clock: 1,
            tally: Tally::default(),
            start_takes: Duration::ZERO,
        }
    }

    /// Runs one round; the promises that were found broken.
    pub(super) fn run(&mut self, cycle: usize) -> Vec<String> {
        let mut server = self.server.take().expect("a server between rounds");
        if cycle.is_multiple_of(SHARED_FOR) {
            self.replace_shared(&server, cycle);
        }
        let ends = if cycle % SHARED_FOR == SHARED_FOR - 1 { ENDS } else { 0 };
        self.load_and_kill(&mut server, ends);
        drop(server);
        let server = self.start_again(Instant::now());
        let violations = self.look(&server);
        self.server = Some(server);
        if violations.is_empty() { self.retry() } else { violations }
    }

    /// Looks once more at everything, which nothing has changed since the last retries but a kill;
    /// the promises that were found broken.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let mut server = self.server.take().expect("a server between rounds");
        for worker in &mut self.workers {
            worker.short_lives.wait_for_the_ends(&server);
            worker.retained.wait_for_the_policies(&server);
        }
        server.kill9();
        drop(server);
        self.take_away();
        let server = self.launch.start();
        let violations = self.look(&server);
        self.server = Some(server);
        violations
    }

    pub(super) fn tally(&self) -> Tally {
        let directory = self.launch.data_dir();
        let (rounds, merged) = (self.setting.rounds(directory), self.setting.merged(directory));
        let ours = Tally { rounds, merged, ..self.tally };
        let retained = self.workers.iter().map(|worker| {
            let RetainedStreams { by_bytes, by_age, refused, .. } = worker.retained;
            Tally { by_bytes, by_age, refused, ..Tally::default() }
        });
        self.workers.iter().map(|worker| worker.tally).chain(retained).fold(ours, Tally::add)
    }

    /// What so many kills should have reached and did not.
    pub(super) fn missing(&self, kills: usize) -> Vec<String> {
        let tally = self.tally();
        let mut missing = tally.missing(kills);
        missing.extend(self.setting.missing(tally, kills));
        missing
    }

    fn look(&mut self, server: &Server) -> Vec<String> {
        let shared = self.shared.iter_mut().flat_map(|stream| look_at(server, stream));
        let mut violations: Vec<String> = shared.collect();
        for worker in &mut self.workers {
            violations.extend(look_at_own(server, worker));
        }
        violations
    }

    /// Asks again for what was asked for before the kill.
    fn retry(&mut self) -> Vec<String> {
        let server = self.server.as_ref().expect("a server after a restart");
        let mut violations = Vec::new();
        for worker in &mut self.workers {
            retry(server, worker, &mut self.shared, &mut self.clock);
            violations.extend(repeat_sequences(server, worker, &mut self.ids));
        }
        violations
    }

    fn replace_shared(&mut self, server: &Server, cycle: usize) {
        for old in self.shared.drain(..) {
            server.delete(&old.name).send().expect(204);
        }
        for json in [false, true] {
            let name = format!("shared/{cycle}/{json}");
            server.create(&name, content_type(json));
            self.shared.push(History::new(name, json, true, Vec::new()));
        }
    }

    /// Lets all clients work until a random number of requests has been answered and they have seen
    /// so many streams end, then kills.
    fn load_and_kill(&mut self, server: &mut Server, ends: usize) {
        let common = Common {
            address: server.address(),
            clock: AtomicU64::new(self.clock),
            ids: AtomicU64::new(self.ids),
            acks: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
        };
        let shared: Vec<(String, bool)> =
            self.shared.iter().map(|stream| (stream.name.clone(), stream.json)).collect();
        let goal = self.random.random_range(40..260);
        let moment = Duration::from_micros(self.random.random_range(0..3_000));
        let (killed_at, stopped, seen) = thread::scope(|scope| {
            let (common, shared) = (&common, &shared);
            let running: Vec<_> = self
                .workers
                .iter_mut()
                .map(|worker| scope.spawn(move || worker.run(common, shared)))
                .collect();
            let reading: Vec<_> = shared
                .iter()
                .map(|(name, json)| scope.spawn(move || keep_reading(common.address, name, *json)))
                .collect();
            wait::until("the load has got going, or a client has failed", || {
                let reached = common.acks.load(Ordering::Relaxed) >= goal
                    && common.ended.load(Ordering::Relaxed) >= ends;
                let failed = running.iter().any(|client| client.is_finished());
                (reached || failed).then_some(())
            });
            wait::for_a_moment(moment);
            assert!(server.is_running(), "the server ended by itself:\n{}", server.stderr());
            let killed_at = common.tick();
            server.kill9();
            let stopped: Vec<Stopped> =
                running.into_iter().map(|client| client.join().expect("a client")).collect();
            let seen: Vec<_> =
                reading.into_iter().map(|reader| reader.join().expect("a reader")).collect();
            (killed_at, stopped, seen)
        });
        self.clock = common.clock.into_inner();
        self.ids = common.ids.into_inner();
        let in_flight = stopped.iter().filter(|one| one.in_flight_at(killed_at)).count();
        self.tally.interrupted += usize::from(in_flight > 0);
        self.tally.in_flight += in_flight;
        self.tally.ended += common.ended.into_inner();
        for (stream, seen) in self.shared.iter_mut().zip(seen) {
            stream.seen.push(seen);
        }
        for worker in &mut self.workers {
            for (index, op) in worker.shared_ops.drain(..) {
                self.shared[index].ops.push(op);
            }
        }
    }

    /// Starts the server, after a start or two that were killed on the way, now and then.
    fn start_again(&mut self, mut killed: Instant) -> Server {
        self.take_away();
        while self.random.random_bool(0.6) {
            self.begin_windows_anew(killed);
            let mut starting = Server::spawn_only(&self.launch);
            wait::for_a_moment(self.start_takes.mul_f64(self.random.random()));
            starting.kill9();
            killed = Instant::now();
            let exit = starting.wait_for_exit();
            self.take_away();
            self.tally.killed_starting += usize::from(exit.stdout.is_empty());
        }
        self.begin_windows_anew(killed);
        let began = Instant::now();
        let server = self.launch.start();
        self.start_takes = began.elapsed();
        server
    }

    /// Takes away what the setting says a kill takes.
    fn take_away(&mut self) {
        self.tally.taken_away += usize::from(self.setting.take_away(self.launch.data_dir()));
    }

    fn begin_windows_anew(&mut self, killed: Instant) {
        for worker in &mut self.workers {
            worker.short_lives.begin_anew(killed, Instant::now());
        }
    }
}
