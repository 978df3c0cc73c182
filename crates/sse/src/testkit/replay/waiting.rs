//! Whoever waits for the next event learns of it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::super::check::Verdict;
use super::harness::{Harness, append, fill, read};
use crate::replay::{Budget, Cursor, ReplayLog};
use crate::testkit::Failure;

const READERS: usize = 4;

pub(super) fn woken<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    fill(h, &log, 3)?;
    let writer = h.share(&log);
    let readers: Vec<_> = (0..READERS).map(|_| h.share(&log)).collect();
    let gone = |_| Failure::new("a thread of the check is gone");
    // The second time it is the same handles that wait, and none is left from the first.
    for _ in 0..2 {
        let end = h.run(log.head())??.end();
        let (asleep, parked) = channel();
        thread::scope(|scope| {
            let waiting: Vec<_> = (readers.iter())
                .map(|reader| {
                    let asleep = asleep.clone();
                    scope.spawn(move || wait_for_next(h, reader, end, &asleep))
                })
                .collect();
            drop(asleep);
            for _ in 0..READERS {
                parked.recv().map_err(|_| Failure::new("a wait failed"))?;
            }
            append(h, &writer, "now")?;
            waiting.into_iter().try_for_each(|reader| reader.join().map_err(gone)?)
        })?;
    }
    Ok(())
}

/// Waits until there is something after `end`; says so on `asleep` when it was first asked.
fn wait_for_next<H: Harness>(h: &H, log: &H::Log, end: Cursor, asleep: &Sender<()>) -> Verdict {
    loop {
        let mut wait = log.wait(end);
        h.run(poll_fn(|context| {
            let polled = Pin::new(&mut wait).poll(context);
            // Nobody listens after the first time.
            let _ = asleep.send(());
            polled
        }))??;
        if !read(h, log, end, Budget::default())?.entries.is_empty() {
            return Ok(());
        }
    }
}
