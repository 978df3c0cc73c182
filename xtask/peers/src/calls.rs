//! What calls took: by the clock, and without the time in which the kernel had given the processor to others.
//!
//! A call of a few microseconds that is preempted takes as long as whoever preempted it, which says nothing about the call. So the
//! kernel is asked how long this thread was ready to run and did not. A call that waits, for a lock say, is not ready: that counts.

use std::cell::OnceCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

thread_local! {
    /// Kept open, because it is read for every call. Where the kernel does not keep count no call was preempted.
    static COUNTS: OnceCell<Option<File>> = const { OnceCell::new() };
}

/// How long this thread was ready to run and did not, since it began.
fn kept_waiting() -> Duration {
    let read = |file: &File| {
        // Three numbers: time on a processor, time waiting for one, and how often it was given one.
        let mut text = [0; 64];
        let length = file.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..length)?).ok()?;
        text.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    let nanos = COUNTS.with(|counts| {
        let file = counts.get_or_init(|| File::open("/proc/thread-self/schedstat").ok());
        file.as_ref().and_then(read)
    });
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// A call that has begun.
pub(crate) struct Call {
    thread: ThreadId,
    kept_waiting: Duration,
    begun: Instant,
}

impl Call {
    pub(crate) fn begin() -> Self {
        let (thread, kept_waiting) = (thread::current().id(), kept_waiting());
        Self { thread, kept_waiting, begun: Instant::now() }
    }
}

/// What calls took.
#[derive(Default)]
pub(crate) struct Calls {
    all: Vec<Duration>,
    undisturbed: Vec<Duration>,
    preempted: u32,
}

impl Calls {
    pub(crate) fn end(&mut self, call: Call) {
        let took = call.begun.elapsed();
        // One that went on in another thread has waited in between, for whatever it was.
        let is_here = call.thread == thread::current().id();
        let waited = kept_waiting().saturating_sub(call.kept_waiting);
        // More than all of it was before the call or after it.
        let within = if is_here && waited <= took { waited } else { Duration::ZERO };
        self.all.push(took);
        self.undisturbed.push(took - within);
        self.preempted += u32::from(!within.is_zero());
    }

    /// All of it as JSON, with times in nanoseconds.
    pub(crate) fn report(mut self, dropped: u64) -> String {
        self.all.sort_unstable();
        self.undisturbed.sort_unstable();
        let at = |took: &[Duration], part: usize| {
            let nth = took.len().saturating_sub(1) * part / 100;
            took.get(nth).map_or(0, Duration::as_nanos)
        };
        format!(
            "{{\"published\":{},\"dropped\":{dropped},\"p50\":{},\"p99\":{},\"max\":{},\"preempted\":{},\"undisturbed_p99\":{}}}",
            self.all.len(),
            at(&self.all, 50),
            at(&self.all, 99),
            at(&self.all, 100),
            self.preempted,
            at(&self.undisturbed, 99),
        )
    }
}
