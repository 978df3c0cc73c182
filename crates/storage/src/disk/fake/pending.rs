//! What was done and is not certain to last: the part that files and folders have in common.

/// Whether a crash can take something back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Until the next sync that succeeds.
    Loose,
    /// For good: the sync that was for it failed. Later ones succeed, and are not for it.
    Stuck,
    /// No more. It waits only for what was done before it.
    Sure,
}

/// Things that were done, in order, of which a crash may leave some.
#[derive(Clone, Debug)]
pub(super) struct Pending<T>(Vec<Entry<T>>);

#[derive(Clone, Debug)]
struct Entry<T> {
    /// Place in the history.
    at: u64,
    hold: Hold,
    what: T,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Pending<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, at: u64, what: T) {
        self.0.push(Entry { at, hold: Hold::Loose, what });
    }

    /// A sync that began before `began` in the history succeeded. Returns, in order, what nothing keeps waiting.
    pub(super) fn succeeded(&mut self, began: u64) -> Vec<T> {
        self.turn(began, Hold::Sure);
        let waiting = |entry: &Entry<T>| entry.hold != Hold::Sure;
        let first = self.0.iter().position(waiting).unwrap_or(self.0.len());
        self.0.drain(..first).map(|entry| entry.what).collect()
    }

    /// A sync that began before `began` in the history failed.
    pub(super) fn failed(&mut self, began: u64) {
        self.turn(began, Hold::Stuck);
    }

    fn turn(&mut self, began: u64, hold: Hold) {
        let concerned = |entry: &&mut Entry<T>| entry.at < began && entry.hold == Hold::Loose;
        self.0.iter_mut().filter(concerned).for_each(|entry| entry.hold = hold);
    }

    /// All of it in order, and for each whether it is certain.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&T, bool)> {
        self.0.iter().map(|entry| (&entry.what, entry.hold == Hold::Sure))
    }
}
