//! Each workload against a server that has one planted fault, over real sockets: the round must find it,
//! and find nothing on the same server without it.

mod broadcast;
mod planted;

use std::time::Duration;

use broadcast::Trouble;
use planted::Fault;

use super::ledger::Faults;
use super::server::{Ability, Server, Stuck, Wire};
use super::workload::{
    Append, Beside, CatchUp, FanOut, LongPoll, ManyStreams, Mixed, Pace, ReadBack, Sample, Window,
    Workload,
};
use super::writers::Batch;

/// The append of each stream that the fault befalls; every workload sends more.
const NTH: u32 = 1;

const SIZE: usize = 80;

/// Where nothing gets lost, patience never runs out.
const PATIENT: Duration = Duration::from_secs(30);

/// Where something does, it runs out in every round.
const IMPATIENT: Duration = Duration::from_millis(500);

fn window(measured: Duration, patience: Duration) -> Window {
    Window { warm_up: Duration::from_millis(20), measured, patience }
}

fn append(connections: u16, streams: u32, batch: Batch) -> Append {
    let window = window(Duration::from_millis(150), PATIENT);
    Append { connections, size: SIZE, batch, streams, window, check: ReadBack::Everything }
}

/// It ends at its number of records, long before its time.
fn fan_out(pace: Pace, patience: Duration) -> FanOut {
    let window = window(Duration::from_secs(60), patience);
    FanOut { wire: Wire::Sse, subscribers: 3, size: SIZE, pace, most: 10, window }
}

fn all_work(patience: Duration) -> Vec<Box<dyn Workload>> {
    let window = window(Duration::from_millis(50), patience);
    let fill_limit = Duration::from_secs(60);
    vec![
        Box::new(append(1, 1, Batch::Single)),
        Box::new(append(4, 1, Batch::Single)),
        Box::new(append(2, 5, Batch::Single)),
        Box::new(append(2, 1, Batch::JsonArray(3))),
        Box::new(CatchUp { bytes: 20_000, size: SIZE, batch: Batch::Single, fill_limit, window }),
        Box::new(CatchUp {
            bytes: 20_000,
            size: SIZE,
            batch: Batch::JsonArray(3),
            fill_limit,
            window,
        }),
        Box::new(Mixed { writers: 2, size: SIZE, readers: 2, bytes: 20_000, window }),
        Box::new(ManyStreams {
            connections: 2,
            size: SIZE,
            streams: 6,
            few: 2,
            window,
            check: ReadBack::Everything,
        }),
        Box::new(fan_out(Pace::FlatOut, patience)),
        Box::new(fan_out(Pace::PerSecond(200.0), patience)),
        Box::new(LongPoll { readers: 3, size: SIZE, window }),
    ]
}

fn round(work: &dyn Workload, fault: Fault) -> anyhow::Result<Sample> {
    let base = planted::serve(fault).parse()?;
    let server = Server::running("planted", base, None, Ability::Streams);
    work.prepare(&server)?.round()
}

fn faults(work: &dyn Workload, fault: Fault) -> Faults {
    let sample = round(work, fault).unwrap_or_else(|error| panic!("{}: {error:#}", work.title()));
    assert!(sample.rate().is_finite(), "{sample:?}");
    sample.faults.unwrap()
}

#[test]
fn a_sound_server_has_no_faults() {
    for work in all_work(PATIENT) {
        let sample = round(work.as_ref(), Fault::None).unwrap();
        assert_eq!(sample.faults, Some(Faults::default()), "{}", work.title());
        assert!(sample.count > 0 && sample.seconds > 0.0, "{}: {sample:?}", work.title());
    }
}

#[test]
fn a_lost_append_is_missing() {
    for work in all_work(IMPATIENT) {
        let faults = faults(work.as_ref(), Fault::Lose(NTH));
        assert!(faults.missing > 0, "{}: {faults}", work.title());
        assert_eq!(faults.doubled + faults.foreign, 0, "{}: {faults}", work.title());
    }
}

#[test]
fn a_doubled_append_is_doubled() {
    for work in all_work(PATIENT) {
        let faults = faults(work.as_ref(), Fault::Double(NTH));
        assert!(faults.doubled > 0, "{}: {faults}", work.title());
        assert_eq!(faults.missing + faults.foreign, 0, "{}: {faults}", work.title());
    }
}

#[test]
fn an_altered_append_is_damaged() {
    for work in all_work(IMPATIENT) {
        let faults = faults(work.as_ref(), Fault::Alter(NTH));
        assert!(faults.damaged > 0 && faults.missing > 0, "{}: {faults}", work.title());
    }
}

/// Only a single writer knows the order of its records.
#[test]
fn two_swapped_appends_are_out_of_order() {
    let work: [Box<dyn Workload>; 3] = [
        Box::new(append(1, 1, Batch::Single)),
        Box::new(append(1, 1, Batch::JsonArray(3))),
        Box::new(fan_out(Pace::FlatOut, PATIENT)),
    ];
    for work in work {
        let faults = faults(work.as_ref(), Fault::Swap(NTH));
        assert!(faults.swapped > 0, "{}: {faults}", work.title());
        assert_eq!(faults.missing + faults.doubled, 0, "{}: {faults}", work.title());
    }
}

#[test]
fn a_refused_append_fails_the_round() {
    for work in all_work(PATIENT) {
        let error = match round(work.as_ref(), Fault::Refuse(NTH)) {
            Err(error) => format!("{error:#}"),
            Ok(sample) => panic!("{}: {sample:?}", work.title()),
        };
        assert!(error.contains("503: not now"), "{}: {error}", work.title());
    }
}

#[test]
fn a_subscription_that_ends_cleanly_is_taken_up_again() {
    let sample = round(&fan_out(Pace::FlatOut, PATIENT), Fault::EndSubscriptions(6)).unwrap();
    assert_eq!(sample.faults, Some(Faults::default()), "{sample:?}");
    assert!(sample.notes.iter().any(|note| note.contains("taken up again")), "{sample:?}");
}

#[test]
fn a_subscription_cut_inside_an_event_fails_the_round() {
    let error = round(&fan_out(Pace::FlatOut, PATIENT), Fault::CutSubscriptions(6)).unwrap_err();
    assert!(format!("{error:#}").contains("cut inside an event"), "{error:#}");
}

#[test]
fn a_fast_server_stops_a_fan_out_at_its_limit() {
    let work = fan_out(Pace::FlatOut, PATIENT);
    let sample = round(&work, Fault::None).unwrap();
    assert_eq!(sample.count, 30, "{sample:?}");
    assert!(sample.seconds < 30.0, "{sample:?}");
    let latency = sample.latency.unwrap();
    assert!(0 < latency.p50 && latency.p50 <= latency.p99 && latency.p99 <= latency.max);
}

fn broadcast(wire: Wire, trouble: Trouble) -> anyhow::Result<Sample> {
    let (base, control) = broadcast::serve(trouble);
    let ability = Ability::Broadcast { wires: &[Wire::Sse, Wire::WebSocket], stuck: Stuck::Waited };
    let mut server = Server::running("broadcast", base.parse()?, None, ability);
    server.control = Some(control);
    let patience = if trouble == Trouble::None { PATIENT } else { IMPATIENT };
    let work = FanOut { wire, ..fan_out(Pace::FlatOut, patience) };
    work.prepare(&server)?.round()
}

#[test]
fn faults_of_a_broadcast_are_found() {
    for wire in [Wire::Sse, Wire::WebSocket] {
        let faults = |trouble| broadcast(wire, trouble).unwrap().faults.unwrap();
        assert_eq!(faults(Trouble::None), Faults::default(), "{wire}");
        let lost = faults(Trouble::Lose);
        assert!(lost.missing == 3 && lost.doubled == 0, "{wire}: {lost}");
        let doubled = faults(Trouble::Double);
        assert!(doubled.missing == 0 && doubled.doubled == 3, "{wire}: {doubled}");
        let swapped = faults(Trouble::Swap);
        assert!(swapped.missing == 0 && swapped.swapped == 3, "{wire}: {swapped}");
        let altered = faults(Trouble::Alter);
        assert!(altered.missing == 3 && altered.damaged == 3, "{wire}: {altered}");
        let cut = broadcast(wire, Trouble::Cut).unwrap_err();
        let words = ["a WebSocket was cut", "the body ended inside a chunk"];
        assert!(words.iter().any(|words| format!("{cut:#}").contains(words)), "{wire}: {cut:#}");
    }
}

#[test]
fn what_a_server_publishes_is_timed_and_counted() {
    let sample = broadcast(Wire::WebSocket, Trouble::None).unwrap();
    assert_eq!(sample.count, 30, "{sample:?}");
    assert!(sample.beside.contains(&Beside::PublishTail.of(2.0)), "{sample:?}");
    assert!(sample.beside.contains(&Beside::PublishPreempted.of(4.0)), "{sample:?}");
    assert!(sample.beside.contains(&Beside::PublishUndisturbedTail.of(1.0)), "{sample:?}");
    let error = broadcast(Wire::Sse, Trouble::Uncounted).unwrap_err();
    assert!(format!("{error:#}").contains("records published"), "{error:#}");
}
