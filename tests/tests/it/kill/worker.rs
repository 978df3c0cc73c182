//! A client that keeps the server busy until the server dies, one request after the other, and
//! writes down what it asked for and what it was told.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use headwater_tests::http::Call;
use headwater_tests::server::target;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::deleted::{Deleted, part};
use super::history::{Action, History, Op, Outcome};
use super::line::{Acked, Common, Line, Stopped};
use super::own_streams::{
    OwnStream, ProducerAppend, ProducerState, TTL, any_filler, with_record, with_sequence,
};
use super::record::Id;
use super::retained::RetainedStreams;
use super::short_lived::ShortLives;
use super::tally::Tally;

/// How many streams a client keeps at most.
const STREAMS: usize = 12;

/// A client.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) number: usize,
    random: StdRng,
    names: u64,
    pub(super) own: Vec<OwnStream>,
    /// Deleted streams whose forks live.
    pub(super) held: Vec<Deleted>,
    /// Names of deleted streams that no fork needs.
    pub(super) gone: Vec<String>,
    pub(super) short_lives: ShortLives,
    pub(super) retained: RetainedStreams,
    /// The producer's state on each stream that is shared with other clients.
    pub(super) on_shared: HashMap<String, ProducerState>,
    /// A producer's append whose outcome is unknown.
    pub(super) pending: Option<ProducerAppend>,
    /// The last producer's append that was acknowledged.
    pub(super) last: Option<ProducerAppend>,
    /// What it did to shared streams, by their place in the list.
    pub(super) shared_ops: Vec<(usize, Op)>,
    pub(super) tally: Tally,
}

type Step<T = ()> = Result<T, Stopped>;

impl Worker {
    pub(super) fn new(number: usize, seed: u64) -> Self {
        Self {
            number,
            random: StdRng::seed_from_u64(seed),
            names: 0,
            own: Vec::new(),
            held: Vec::new(),
            gone: Vec::new(),
            short_lives: ShortLives::default(),
            retained: RetainedStreams::default(),
            on_shared: HashMap::new(),
            pending: None,
            last: None,
            shared_ops: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Works until the server is gone.
    pub(super) fn run(&mut self, common: &Common, shared: &[(String, bool)]) -> Stopped {
        let mut line = Line::new(common);
        loop {
            if let Err(stopped) = self.step(&mut line, shared) {
                return stopped;
            }
            common.acks.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn step(&mut self, line: &mut Line<'_>, shared: &[(String, bool)]) -> Step {
        let open: Vec<usize> =
            (0..self.own.len()).filter(|index| !self.own[*index].history.known_closed()).collect();
        if open.len() < 2 && self.own.len() < STREAMS {
            return self.create(line);
        }
        if self.own.len() >= STREAMS || open.is_empty() {
            let index = self.random.random_range(0..self.own.len());
            return self.delete(line, index);
        }
        let any = self.random.random_range(0..self.own.len());
        let open = open[self.random.random_range(0..open.len())];
        match self.random.random_range(0..100) {
            0..17 => self.append(line, open, Action::Append),
            17..22 => self.truncate(line, open),
            22..46 => self.append_as_producer(line, open),
            46..52 => self.retain(line),
            52..72 => self.append_to_shared(line, shared),
            72..77 => self.create(line),
            77..80 => self.close(line, open),
            80..83 => self.append(line, open, Action::AppendAndClose),
            83..88 => self.fork(line, any),
            88..96 => self.short_life(line),
            _ => self.delete(line, any),
        }
    }

    fn short_life(&mut self, line: &mut Line<'_>) -> Step {
        self.names += 1;
        let name = || format!("short/{}/{}", self.number, self.names);
        self.short_lives.step(line, &mut self.random, name)
    }

    fn retain(&mut self, line: &mut Line<'_>) -> Step {
        self.names += 1;
        let name = || format!("retained/{}/{}", self.number, self.names);
        self.retained.step(line, &mut self.random, name)
    }

    fn fresh_name(&mut self) -> String {
        self.names += 1;
        format!("own/{}/{}", self.number, self.names)
    }

    fn create(&mut self, line: &mut Line<'_>) -> Step {
        let again = self.random.random_bool(0.4).then(|| self.gone.pop()).flatten();
        let name = again.unwrap_or_else(|| self.fresh_name());
        let (json, has_ttl) = (self.random.random(), self.random.random_bool(0.3));
        let mut call = line.call("PUT", &name);
        let mut records = Vec::new();
        if self.random.random_bool(0.5) {
            let id = line.next_id();
            call = with_record(call, json, id, any_filler(&mut self.random));
            records.push(id);
        } else {
            call = call.content_type(content_type(json));
        }
        if has_ttl {
            call = call.header("Stream-TTL", TTL);
        }
        let result = line.ask(call, &[201]);
        if matches!(result, Err(Stopped::NotSent)) {
            self.gone.push(name);
        } else {
            let history = History::new(name, json, result.is_ok(), records);
            let mut stream = OwnStream::new(history, has_ttl, None);
            if let Ok(acked) = &result {
                stream.remember(acked.response.offset());
                self.tally.creates += 1;
            }
            self.own.push(stream);
        }
        result.map(drop)
    }

    fn append(&mut self, line: &mut Line<'_>, index: usize, action: fn(Id) -> Action) -> Step {
        let id = line.next_id();
        let filler = any_filler(&mut self.random);
        let stream = &mut self.own[index];
        let call = line.call("POST", &stream.history.name);
        let mut call = with_record(call, stream.history.json, id, filler);
        let action = action(id);
        if action.closes() {
            call = call.header("Stream-Closed", "true");
        }
        let sequence = self.random.random_bool(0.6).then(|| stream.history.next_sequence());
        if let Some(sequence) = sequence {
            stream.history.sequences.insert(id, sequence);
            call = with_sequence(call, sequence);
        }
        let result = line.ask(call, &[204]);
        note(&mut stream.history.ops, action, &result);
        let acked = result?;
        stream.remember(acked.response.offset());
        self.tally.appends += 1;
        self.tally.sequenced += usize::from(sequence.is_some());
        self.tally.closes += usize::from(action.closes());
        Ok(())
    }

    /// Gives up a beginning, or appends where there is none to give up.
    fn truncate(&mut self, line: &mut Line<'_>, index: usize) -> Step {
        let stream = &mut self.own[index];
        let Some((cut, offset)) = stream.any_cut(&mut self.random) else {
            return self.append(line, index, Action::Append);
        };
        let name = &stream.history.name;
        let path = format!("__ds/truncate/{name}?offset={}", offset.as_str());
        let result = line.ask(line.call("POST", &path), &[204]);
        match result {
            Ok(_) => stream.history.cut = Some(cut),
            Err(Stopped::Unanswered { .. }) => stream.history.cutting = Some(cut),
            Err(Stopped::NotSent) => {}
        }
        self.tally.truncations += usize::from(result.is_ok());
        result.map(drop)
    }

    fn close(&mut self, line: &mut Line<'_>, index: usize) -> Step {
        let stream = &mut self.own[index];
        let call = line.call("POST", &stream.history.name).header("Stream-Closed", "true");
        let result = line.ask(call, &[204]);
        note(&mut stream.history.ops, Action::Close, &result);
        self.tally.closes += usize::from(result.is_ok());
        result.map(drop)
    }

    fn delete(&mut self, line: &mut Line<'_>, index: usize) -> Step {
        let call = line.call("DELETE", &self.own[index].history.name);
        let result = line.ask(call, &[204]);
        let ops = &mut self.own[index].history.ops;
        note(ops, Action::Delete, &result);
        result?;
        let stream = self.own.swap_remove(index);
        let held = self.held.len();
        self.bury(vec![stream]);
        self.tally.deletes += 1;
        self.tally.held += usize::from(self.held.len() > held);
        self.tally.released += held.saturating_sub(self.held.len());
        Ok(())
    }

    /// Takes streams that are not there any more among the deleted ones.
    pub(super) fn bury(&mut self, streams: Vec<OwnStream>) {
        let deleted = streams.into_iter();
        self.held.extend(deleted.map(|one| Deleted { name: one.history.name, source: one.source }));
        let living: Vec<&str> =
            self.own.iter().filter_map(|stream| stream.source.as_deref()).collect();
        let (held, free) = part(std::mem::take(&mut self.held), &living);
        self.held = held;
        self.gone.extend(free);
    }

    fn fork(&mut self, line: &mut Line<'_>, source: usize) -> Step {
        let name = self.fresh_name();
        let source = &mut self.own[source];
        let mut inherited = source.history.known_records();
        let call = line.call("PUT", &name);
        let mut call = call.header("Stream-Forked-From", &target(&source.history.name));
        let given_up = source.history.known_given_up();
        let points = source.points.iter().filter(|(records, _)| *records >= given_up);
        let point = points.choose(&mut self.random);
        if let Some((records, offset)) = point.filter(|_| self.names.is_multiple_of(2)) {
            inherited.truncate(records - given_up);
            call = call.header("Stream-Fork-Offset", offset.as_str());
        }
        let result = line.ask(call, &[201]);
        if !matches!(result, Err(Stopped::NotSent)) {
            let has_ttl = source.has_ttl;
            let from = source.history.name.clone();
            let mut history = History::new(name, source.history.json, result.is_ok(), inherited);
            history.floor = source.history.known_floor();
            self.own.push(OwnStream::new(history, has_ttl, Some(from)));
        }
        self.tally.forks += usize::from(result.is_ok());
        result.map(drop)
    }

    fn append_as_producer(&mut self, line: &mut Line<'_>, index: usize) -> Step {
        let stream = &self.own[index];
        let append = self.next_append(
            line,
            &stream.history.name.clone(),
            stream.history.json,
            stream.producer,
        );
        let result = line.ask(append.call(line, self.number), &[200]);
        let stream = &mut self.own[index];
        note(&mut stream.history.ops, Action::Append(append.id), &result);
        if let Ok(acked) = &result {
            stream.remember(acked.response.offset());
            stream.producer = append.state.after();
        }
        self.remember_append(append, result.map(drop))
    }

    fn append_to_shared(&mut self, line: &mut Line<'_>, shared: &[(String, bool)]) -> Step {
        let index = self.random.random_range(0..shared.len());
        let (name, json) = &shared[index];
        let mut op = Vec::new();
        let result = if self.random.random_bool(0.8) {
            let state = self.on_shared.get(name).copied().unwrap_or_default();
            let append = self.next_append(line, name, *json, state);
            let result = line.ask(append.call(line, self.number), &[200]);
            note(&mut op, Action::Append(append.id), &result);
            if result.is_ok() {
                self.on_shared.insert(name.clone(), append.state.after());
            }
            self.remember_append(append, result.map(drop))
        } else {
            let id = line.next_id();
            let filler = any_filler(&mut self.random);
            let call = with_record(line.call("POST", name), *json, id, filler);
            let result = line.ask(call, &[204]);
            note(&mut op, Action::Append(id), &result);
            result.map(drop)
        };
        self.shared_ops.extend(op.into_iter().map(|op| (index, op)));
        self.tally.to_shared += usize::from(result.is_ok());
        result
    }

    fn next_append(
        &mut self,
        line: &Line<'_>,
        stream: &str,
        json: bool,
        mut state: ProducerState,
    ) -> ProducerAppend {
        if self.random.random_bool(0.03) {
            state = ProducerState { epoch: state.epoch + 1, next_seq: 0 };
        }
        let filler = any_filler(&mut self.random);
        ProducerAppend { stream: stream.to_owned(), json, state, id: line.next_id(), filler }
    }

    fn remember_append(&mut self, append: ProducerAppend, result: Step) -> Step {
        match result {
            Ok(()) => {
                self.last = Some(append);
                self.tally.by_producers += 1;
            }
            Err(Stopped::Unanswered { .. }) => self.pending = Some(append),
            Err(Stopped::NotSent) => {}
        }
        result
    }
}

impl ProducerState {
    pub(super) fn after(self) -> Self {
        Self { epoch: self.epoch, next_seq: self.next_seq + 1 }
    }
}

impl ProducerAppend {
    fn call(&self, line: &Line<'_>, worker: usize) -> Call {
        self.fill(line.call("POST", &self.stream), worker)
    }

    /// The request, over whatever leads to the stream.
    pub(super) fn fill(&self, call: Call, worker: usize) -> Call {
        let call = with_record(call, self.json, self.id, self.filler);
        call.producer(&format!("worker-{worker}"), self.state.epoch, self.state.next_seq)
    }
}

pub(super) fn content_type(json: bool) -> &'static str {
    if json { "application/json" } else { "application/octet-stream" }
}

/// Writes down what was asked for, unless it never left.
pub(super) fn note(ops: &mut Vec<Op>, action: Action, result: &Result<Acked, Stopped>) {
    let (began, outcome) = match result {
        Ok(Acked { began, at, response }) => {
            let told = response.header("Stream-Next-Offset").is_some();
            let position = told.then(|| response.offset().position());
            (*began, Outcome::Acked { at: *at, position })
        }
        Err(Stopped::Unanswered { began, .. }) => (*began, Outcome::Unknown),
        Err(Stopped::NotSent) => return,
    };
    ops.push(Op { action, began, outcome });
}
