//! What clients ask for again after a restart.

use headwater_tests::Server;

use super::checker::check_repeat;
use super::history::{Action, History, Op, Outcome, Tick};
use super::own_streams::{ProducerAppend, with_record, with_sequence};
use super::record::Id;
use super::worker::Worker;

/// Sends a producer's append again whose outcome is unknown, and the last that is known.
pub(super) fn retry(
    server: &Server,
    worker: &mut Worker,
    shared: &mut [History],
    clock: &mut Tick,
) {
    if let Some(append) = worker.pending.take() {
        let kept = retry_pending(server, worker, shared, &append, clock);
        worker.tally.retried_kept += usize::from(kept);
        worker.tally.retried_lost += usize::from(!kept);
        worker.last = Some(append);
    }
    let still_there = worker.last.as_ref().filter(|append| {
        worker.on_shared.contains_key(&append.stream)
            && shared.iter().any(|stream| stream.name == append.stream)
    });
    if let Some(append) = still_there {
        let call = server.post(&append.stream);
        append.fill(call, worker.number).send().expect(204);
    }
}

/// Retries an append; whether it had been kept.
fn retry_pending(
    server: &Server,
    worker: &mut Worker,
    shared: &mut [History],
    append: &ProducerAppend,
    clock: &mut Tick,
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

/// Sends the last `Stream-Seq` that every stream has accepted once more, with a record that nobody
/// is going to miss; the promises that were found broken. A record that is kept in spite of the
/// refusal shows at the next look as one that nobody wrote.
pub(super) fn repeat_sequences(server: &Server, worker: &mut Worker, ids: &mut Id) -> Vec<String> {
    let mut wrong = Vec::new();
    for stream in worker.own.iter().filter(|stream| !stream.history.known_closed()) {
        let Some(sequence) = stream.history.known_sequence() else { continue };
        let call = with_sequence(server.post(&stream.history.name), sequence);
        let answer = with_record(call, stream.history.json, *ids, 0).send();
        *ids += 1;
        worker.tally.repeated += 1;
        let violation = check_repeat(answer.status());
        wrong.extend(violation.map(|violation| format!("{}: {violation:?}", stream.history.name)));
        if answer.status() == 409 {
            answer.expect_error(409, "stream_seq_regression");
        }
    }
    wrong
}
