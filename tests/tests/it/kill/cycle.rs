//! One round: load, kill, restart, look.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use headwater_tests::{Launch, Server, Storage, wait};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::checker::{Observation, check};
use super::history::{Action, History, Op, Outcome};
use super::observe::{check_state, keep_reading, observe};
use super::own_streams::ProducerAppend;
use super::worker::{Common, Stopped, Worker, content_type};

/// How many clients write at once.
const WORKERS: usize = 8;

/// After how many rounds the shared streams are replaced, which bounds what is read back.
const SHARED_FOR: usize = 10;

/// What a campaign has reached.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) appends: usize,
    pub(super) by_producers: usize,
    pub(super) to_shared: usize,
    pub(super) creates: usize,
    pub(super) closes: usize,
    pub(super) deletes: usize,
    pub(super) forks: usize,
    /// Rounds with at least one request in flight at the kill.
    pub(super) interrupted: usize,
    /// Requests whose outcome the kill left unknown.
    pub(super) unknown: usize,
    /// Retried appends that had been kept, and that had not.
    pub(super) retried_kept: usize,
    pub(super) retried_lost: usize,
    /// Kills while the server was starting.
    pub(super) killed_starting: usize,
}

impl Tally {
    /// The kinds of operation that every campaign must have reached.
    pub(super) fn reached(&self) -> [(&'static str, usize); 8] {
        [
            ("appends", self.appends),
            ("appends by producers", self.by_producers),
            ("appends to shared streams", self.to_shared),
            ("creations", self.creates),
            ("closings", self.closes),
            ("deletions", self.deletes),
            ("forks", self.forks),
            ("unknown outcomes", self.unknown),
        ]
    }
}

/// A server, its clients, and all they know.
pub(super) struct Campaign {
    random: StdRng,
    server: Option<Server>,
    launch: Launch,
    workers: Vec<Worker>,
    shared: Vec<History>,
    ids: u64,
    clock: u64,
    tally: Tally,
}

impl Campaign {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let launch = Launch::new(Storage::Sled).flags(&["--long-poll-timeout", "100ms"]);
        let workers = (0..WORKERS).map(|number| Worker::new(number, random.random())).collect();
        Self {
            random,
            server: Some(launch.start()),
            launch,
            workers,
            shared: Vec::new(),
            ids: 1,
            clock: 1,
            tally: Tally::default(),
        }
    }

    /// Runs one round; the promises that were found broken.
    pub(super) fn run(&mut self, cycle: usize) -> Vec<String> {
        let mut server = self.server.take().expect("a server between rounds");
        if cycle.is_multiple_of(SHARED_FOR) {
            self.replace_shared(&server, cycle);
        }
        self.load_and_kill(&mut server);
        drop(server);
        let server = self.start_again();
        let mut violations = self.look_at_shared(&server);
        for worker in &mut self.workers {
            violations.extend(look_at_own(&server, worker));
        }
        if violations.is_empty() {
            self.retry(&server);
        }
        self.server = Some(server);
        violations
    }

    pub(super) fn tally(&self) -> Tally {
        let add = |sum: fn(&Tally) -> usize| self.workers.iter().map(|w| sum(&w.tally)).sum();
        Tally {
            appends: add(|tally| tally.appends),
            by_producers: add(|tally| tally.by_producers),
            to_shared: add(|tally| tally.to_shared),
            creates: add(|tally| tally.creates),
            closes: add(|tally| tally.closes),
            deletes: add(|tally| tally.deletes),
            forks: add(|tally| tally.forks),
            ..self.tally
        }
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

    /// Lets all clients work until a random number of requests has been answered, then kills.
    fn load_and_kill(&mut self, server: &mut Server) {
        let common = Common {
            address: server.address(),
            clock: AtomicU64::new(self.clock),
            ids: AtomicU64::new(self.ids),
            acks: AtomicUsize::new(0),
        };
        let shared: Vec<(String, bool)> =
            self.shared.iter().map(|stream| (stream.name.clone(), stream.json)).collect();
        let goal = self.random.random_range(40..260);
        let moment = Duration::from_micros(self.random.random_range(0..3_000));
        let (stopped, seen) = thread::scope(|scope| {
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
                let reached = common.acks.load(Ordering::Relaxed) >= goal;
                let failed = running.iter().any(|client| client.is_finished());
                (reached || failed).then_some(())
            });
            wait::for_a_moment(moment);
            assert!(server.is_running(), "the server ended by itself:\n{}", server.stderr());
            server.kill9();
            let stopped: Vec<Stopped> =
                running.into_iter().map(|client| client.join().expect("a client")).collect();
            let seen: Vec<_> =
                reading.into_iter().map(|reader| reader.join().expect("a reader")).collect();
            (stopped, seen)
        });
        self.clock = common.clock.into_inner();
        self.ids = common.ids.into_inner();
        let in_flight =
            stopped.iter().filter(|one| matches!(one, Stopped::InFlight { .. })).count();
        self.tally.interrupted += usize::from(in_flight > 0);
        self.tally.unknown += in_flight;
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
    fn start_again(&mut self) -> Server {
        while self.random.random_bool(0.25) {
            let mut starting = Server::spawn_only(&self.launch);
            wait::for_a_moment(Duration::from_millis(self.random.random_range(0..80)));
            starting.kill9();
            self.tally.killed_starting += 1;
        }
        self.launch.start()
    }

    fn look_at_shared(&mut self, server: &Server) -> Vec<String> {
        self.shared.iter_mut().flat_map(|stream| look_at(server, stream)).collect()
    }

    /// Sends every producer's append again whose outcome is unknown, and the last that is known.
    fn retry(&mut self, server: &Server) {
        for worker in &mut self.workers {
            if let Some(append) = worker.pending.take() {
                let kept =
                    retry_pending(server, worker, &mut self.shared, &append, &mut self.clock);
                self.tally.retried_kept += usize::from(kept);
                self.tally.retried_lost += usize::from(!kept);
                worker.last = Some(append);
            }
            let still_there = worker.last.as_ref().filter(|append| {
                worker.on_shared.contains_key(&append.stream)
                    && self.shared.iter().any(|stream| stream.name == append.stream)
            });
            if let Some(append) = still_there {
                let call = server.post(&append.stream);
                append.fill(call, worker.number).send().expect(204);
            }
        }
    }
}

/// Retries an append; whether it had been kept.
fn retry_pending(
    server: &Server,
    worker: &mut Worker,
    shared: &mut [History],
    append: &ProducerAppend,
    clock: &mut u64,
) -> bool {
    let own = worker.own.iter_mut().find(|stream| stream.history.name == append.stream);
    let (history, state) = match own {
        Some(stream) => (&mut stream.history, &mut stream.producer),
        None => {
            let stream = shared.iter_mut().find(|stream| stream.name == append.stream);
            let state = worker.on_shared.entry(append.stream.clone()).or_default();
            (stream.expect("a stream that is written to"), state)
        }
    };
    let kept = history.settled.contains(&append.id);
    let answer = append.fill(server.post(&append.stream), worker.number).send();
    let answer = answer.expect(if kept { 204 } else { 200 });
    *state = append.state.after();
    // What had been kept is settled already.
    if !kept {
        let (began, at) = (*clock, *clock + 1);
        *clock += 2;
        let outcome = Outcome::Acked { at, position: Some(answer.offset().position()) };
        history.ops.push(Op { action: Action::Append(append.id), began, outcome });
    }
    kept
}

/// Checks one stream and takes what is there as settled.
fn look_at(server: &Server, history: &mut History) -> Vec<String> {
    let observation = observe(server, history);
    let violations = check(history, &observation);
    if violations.is_empty() {
        if let Observation::Present { records: Ok(records), closed } = observation {
            history.settle(&records, closed);
        } else {
            history.created = false;
        }
    }
    violations.into_iter().map(|violation| format!("{}: {violation:?}", history.name)).collect()
}

fn look_at_own(server: &Server, worker: &mut Worker) -> Vec<String> {
    let mut wrong = Vec::new();
    for mut stream in std::mem::take(&mut worker.own) {
        let violations = look_at(server, &mut stream.history);
        let broken = !violations.is_empty();
        wrong.extend(violations);
        if broken {
            continue;
        }
        if stream.history.created {
            wrong.extend(check_state(server, &stream.history, stream.has_ttl));
            worker.own.push(stream);
        } else if !stream.has_forks {
            worker.gone.push(stream.history.name);
        }
    }
    for name in worker.gone.iter().rev().take(5) {
        if server.head(name).send().status() != 404 {
            wrong.push(format!("{name}: deleted, and there again"));
        }
    }
    wrong
}
