//! A client at any place whatsoever is told the truth about it.

use std::collections::BTreeSet;

use super::super::check::{Verdict as Outcome, demand, demand_eq};
use super::harness::{Harness, fill, read_all};
use crate::replay::{Cursor, Entry, Epoch, LOST, Reason, ReplayLog, Resumption, Verdict, resume};
use crate::testkit::Failure;
use crate::{Decoder, EventId};

const EVENTS: usize = 40;

/// A log that gave up half of its events, and all it was given.
fn make<H: Harness>(h: &H) -> Result<(H::Log, Vec<Entry>), Failure> {
    let log = h.make();
    let appended = fill(h, &log, EVENTS)?;
    if let Some(last_gone) = appended.get(EVENTS / 2 - 1) {
        h.give_up(&log, last_gone.cursor);
    }
    Ok((log, appended))
}

fn judge<H: Harness>(h: &H, log: &H::Log, id: Option<&str>) -> Result<Resumption, Failure> {
    Ok(h.run(resume(log, id))??)
}

/// That a client with this id gets this verdict, and after it exactly these events.
fn expect<H: Harness>(
    h: &H,
    log: &H::Log,
    id: Option<&str>,
    verdict: Verdict,
    events: &[Entry],
) -> Outcome {
    let told = judge(h, log, id)?;
    demand_eq(&format!("the verdict on {id:?}"), &told.verdict, &verdict)?;
    let replayed = read_all(h, log, told.after)?;
    demand_eq(&format!("what is replayed after {id:?}"), &replayed, &events.to_vec())
}

pub(super) fn every_id<H: Harness>(h: &H) -> Outcome {
    let (log, appended) = make(h)?;
    let head = h.run(log.head())??;
    let (_, kept) = appended.split_at(EVENTS / 2);
    expect(h, &log, None, Verdict::Fresh, &[])?;
    expect(h, &log, Some(""), Verdict::Fresh, &[])?;
    for (at, entry) in appended.iter().enumerate() {
        let id = log.id(entry.cursor);
        let missed = appended.get(at + 1..).unwrap_or_default();
        if at + 1 < EVENTS / 2 {
            expect(h, &log, Some(&id), Verdict::Gap, kept)?;
        } else {
            expect(h, &log, Some(&id), Verdict::Resumed, missed)?;
        }
    }
    let ahead = Cursor::new(head.epoch, head.newest + 1);
    expect(h, &log, Some(&log.id(ahead)), Verdict::Ahead, &[])?;
    let other = Cursor::new(Epoch::new(head.epoch.get().wrapping_add(1)), head.newest);
    expect(h, &log, Some(&log.id(other)), Verdict::OtherEpoch, kept)?;
    for garbage in ["garbage", "-1", "0", " ", "\u{fffd}", "null", "{}"] {
        expect(h, &log, Some(garbage), Verdict::Invalid, &[])?;
    }
    Ok(())
}

pub(super) fn ids<H: Harness>(h: &H) -> Outcome {
    let (log, appended) = make(h)?;
    let mut seen = BTreeSet::new();
    for cursor in appended.iter().map(|entry| entry.cursor) {
        let id = log.id(cursor);
        demand(EventId::new(&id).is_ok() && !id.is_empty(), || format!("{id:?} is no event id"))?;
        demand_eq(&format!("the cursor of {id:?}"), &log.parse(&id), &Some(cursor))?;
        demand(seen.insert(id.clone()), || format!("{id:?} twice"))?;
        for wrong in [format!("{id} "), format!(" {id}"), format!("{id}x"), format!("0{id}")] {
            let parsed = log.parse(&wrong);
            demand(parsed.is_none(), || format!("{wrong:?} is taken for {parsed:?}"))?;
        }
    }
    Ok(())
}

pub(super) fn told<H: Harness>(h: &H) -> Outcome {
    let (log, appended) = make(h)?;
    let head = h.run(log.head())??;
    let oldest = appended.first().map_or(String::new(), |entry| log.id(entry.cursor));
    let ahead = log.id(Cursor::new(head.epoch, head.newest + 1));
    let other = log.id(Cursor::new(Epoch::new(head.epoch.get().wrapping_add(1)), 7));
    for (id, reason, from) in [
        (None, None, None),
        (Some(log.id(head.end())), None, None),
        (Some(oldest.clone()), Some(Reason::Gap), Some(oldest)),
        (Some(ahead.clone()), Some(Reason::Ahead), Some(ahead)),
        (Some(other.clone()), Some(Reason::OtherEpoch), Some(other)),
        (Some("no \"id\"".to_owned()), Some(Reason::Invalid), None),
    ] {
        let told = judge(h, &log, id.as_deref())?;
        let start = log.id(told.after);
        let mut decoder = Decoder::new();
        let mut wire = &told.opening.as_bytes()[..];
        let message = decoder.decode(&mut wire).map_err(|error| Failure::new(error.to_string()))?;
        let found = message.map(|message| (message.event_type().to_string(), message.into_data()));
        let from = from.map_or("null".to_owned(), |from| format!("\"{from}\""));
        let wanted = reason.map(|reason| {
            let reason = reason.as_str();
            let data = format!("{{\"reason\":\"{reason}\",\"from\":{from},\"to\":\"{start}\"");
            let data = format!("{data},\"events\":null}}");
            (LOST.to_string(), data)
        });
        demand_eq(&format!("what a client with {id:?} is told"), &found, &wanted)?;
        demand_eq("the id it keeps", &decoder.last_event_id().to_string(), &start)?;
        // Cut off before the first event it comes back to the very same place.
        demand_eq("its place", &judge(h, &log, Some(&start))?.after, &told.after)?;
    }
    Ok(())
}
