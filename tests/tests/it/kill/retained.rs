//! Streams with a policy that a client keeps appending to, and what is there of them after a kill.

use std::time::Instant;

use headwater_tests::http::Response;
use headwater_tests::offset::Offset;
use headwater_tests::{Server, wait};
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::checker::Observation;
use super::history::History;
use super::line::{Line, Stopped};
use super::observe::observe;
use super::own_streams::with_record;
use super::policy::{Policy, Retained, Sent};
use super::record;
use super::worker::content_type;

/// What the streams of a client keep. Little, so that all of them give up something in every campaign.
const POLICIES: [Policy; 3] = [
    Policy { bytes: Some(2_000), seconds: None },
    Policy { bytes: None, seconds: Some(1) },
    Policy { bytes: Some(1_500), seconds: Some(3) },
];

/// Bytes of the longest filler of a record: several records are within the smallest limit.
const LONGEST: usize = 600;

/// The streams of one client that give up their oldest records by themselves.
#[derive(Debug, Default)]
pub(super) struct RetainedStreams {
    streams: Vec<Retained>,
    /// How often one began later than before, by bytes alone, and by age.
    pub(super) by_bytes: usize,
    pub(super) by_age: usize,
    /// How often a place that was given up was refused.
    pub(super) refused: usize,
}

/// Where a stream begins, by an answer of it.
fn floor_of(response: &Response) -> u64 {
    response.header("Stream-Earliest-Offset").map_or(0, |text| Offset::parse(text).position())
}

impl RetainedStreams {
    /// Creates what is not there yet, appends, or looks.
    pub(super) fn step(
        &mut self,
        line: &mut Line<'_>,
        random: &mut StdRng,
        name: impl FnOnce() -> String,
    ) -> Result<(), Stopped> {
        if let Some(policy) = POLICIES.get(self.streams.len()) {
            return self.create(line, name(), random.random(), *policy);
        }
        let index = random.random_range(0..self.streams.len());
        if random.random_bool(0.2) {
            return self.look(line, index);
        }
        self.append(line, index, random.random_range(0..LONGEST))
    }

    fn create(
        &mut self,
        line: &mut Line<'_>,
        name: String,
        json: bool,
        policy: Policy,
    ) -> Result<(), Stopped> {
        let mut call = line.call("PUT", &name).content_type(content_type(json));
        let Policy { bytes, seconds } = policy;
        for (header, limit) in
            [("Stream-Retention-Bytes", bytes), ("Stream-Retention-Seconds", seconds)]
        {
            if let Some(limit) = limit {
                call = call.header(header, &limit.to_string());
            }
        }
        let result = line.ask(call, &[201]);
        if !matches!(result, Err(Stopped::NotSent)) {
            self.streams.push(Retained::new(name, json, result.is_ok(), policy));
        }
        result.map(drop)
    }

    fn append(&mut self, line: &mut Line<'_>, index: usize, filler: usize) -> Result<(), Stopped> {
        let stream = &mut self.streams[index];
        let id = line.next_id();
        // The quotes, and the one separator a JSON value is counted with.
        let len = record::text(id, filler).len() + if stream.json { 3 } else { 0 };
        let (end, at) = (stream.tail() + len as u64, Instant::now());
        let call = with_record(line.call("POST", &stream.name), stream.json, id, filler);
        let result = line.ask(call, &[204]);
        let told = match &result {
            Ok(acked) => Some(acked.response.offset()),
            Err(Stopped::Unanswered { .. }) => None,
            Err(Stopped::NotSent) => return result.map(drop),
        };
        if let Some(told) = &told {
            assert_eq!(told.position(), end, "{stream:?}");
        }
        stream.sent.push(Sent { id, end, there: told.is_some(), told, at });
        result.map(drop)
    }

    /// Looks where one begins.
    fn look(&mut self, line: &mut Line<'_>, index: usize) -> Result<(), Stopped> {
        let acked = line.ask(line.call("HEAD", &self.streams[index].name), &[200])?;
        let (stream, floor) = (&self.streams[index], floor_of(&acked.response));
        let violation = stream.check_floor(floor, Instant::now());
        assert!(violation.is_none(), "{violation:?}; {stream:?}");
        self.begins_at(index, floor);
        Ok(())
    }

    fn begins_at(&mut self, index: usize, floor: u64) {
        let stream = &mut self.streams[index];
        if stream.begins_at(floor) {
            let count = match stream.policy.seconds {
                None => &mut self.by_bytes,
                Some(_) => &mut self.by_age,
            };
            *count += 1;
        }
    }

    /// Looks at all of them after a restart.
    pub(super) fn look_after_restart(&mut self, server: &Server) -> Vec<String> {
        let mut wrong = Vec::new();
        for index in 0..self.streams.len() {
            let stream = &self.streams[index];
            let found = still(server, stream);
            let violations = stream.check(&found, Instant::now());
            wrong.extend(violations.iter().map(|one| format!("{}: {one:?}", stream.name)));
            if violations.is_empty() {
                self.streams[index].settle(&found);
                if let Observation::Present { floor, .. } = found {
                    self.begins_at(index, floor);
                }
            }
            wrong.extend(self.look_below(server, index));
        }
        // Nothing was created under this name; another one is tried.
        self.streams.retain(|stream| stream.created);
        wrong
    }

    /// Asks for what a stream has given up.
    fn look_below(&mut self, server: &Server, index: usize) -> Option<String> {
        let stream = &self.streams[index];
        let below = stream.below.as_ref()?;
        let answer = server.page(&stream.name, below);
        self.refused += 1;
        (answer.status() != 410).then(|| format!("{}: given up, and yet: {answer}", stream.name))
    }

    /// Waits until none has more than its policy leaves it.
    pub(super) fn wait_for_the_policies(&self, server: &Server) {
        for stream in &self.streams {
            wait::until("what is too much is given up", || {
                let floor = floor_of(&server.head(&stream.name).send().expect(200));
                (!stream.has_too_much(floor)).then_some(())
            });
        }
    }
}

/// What is there of a stream, which may give up something at any time.
fn still(server: &Server, stream: &Retained) -> Observation {
    let name = History::new(stream.name.clone(), stream.json, true, Vec::new());
    wait::until("a stream begins at the same place as before", || {
        let found = observe(server, &name);
        let Observation::Present { floor, .. } = &found else { return Some(found) };
        let again = floor_of(&server.head(&stream.name).send().expect(200));
        (*floor == again).then_some(found)
    })
}
