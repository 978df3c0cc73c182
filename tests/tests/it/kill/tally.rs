//! What a campaign has reached, and what it must reach to prove anything.

/// What a campaign has reached.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) appends: usize,
    pub(super) by_producers: usize,
    pub(super) to_shared: usize,
    /// Appends with `Stream-Seq`.
    pub(super) sequenced: usize,
    pub(super) creates: usize,
    pub(super) closes: usize,
    pub(super) deletes: usize,
    pub(super) forks: usize,
    /// Deletions that left the stream to its forks.
    pub(super) held: usize,
    /// Streams that went with the last of their forks.
    pub(super) released: usize,
    /// Streams that a client saw end with their lifetime while the server was under load.
    pub(super) ended: usize,
    /// Kills with at least one request in flight.
    pub(super) interrupted: usize,
    /// Requests in flight at the kills.
    pub(super) in_flight: usize,
    /// Retried appends that had been kept, and that had not.
    pub(super) retried_kept: usize,
    pub(super) retried_lost: usize,
    /// Repeats of an accepted `Stream-Seq` after a restart.
    pub(super) repeated: usize,
    /// Kills of a server that did not serve yet.
    pub(super) killed_starting: usize,
    /// Rounds in which a journal was packed.
    pub(super) rounds: usize,
    /// Rounds that were merged into others.
    pub(super) merged: usize,
    /// Beginnings that were given up.
    pub(super) truncations: usize,
    /// Beginnings that streams gave up because of their bytes, and because of their age.
    pub(super) by_bytes: usize,
    pub(super) by_age: usize,
    /// Places that were given up so, and refused after a restart.
    pub(super) refused: usize,
    /// How often something was taken away after a kill.
    pub(super) taken_away: usize,
}

impl Tally {
    pub(super) fn add(self, other: Self) -> Self {
        Self {
            appends: self.appends + other.appends,
            by_producers: self.by_producers + other.by_producers,
            to_shared: self.to_shared + other.to_shared,
            sequenced: self.sequenced + other.sequenced,
            creates: self.creates + other.creates,
            closes: self.closes + other.closes,
            deletes: self.deletes + other.deletes,
            forks: self.forks + other.forks,
            held: self.held + other.held,
            released: self.released + other.released,
            ended: self.ended + other.ended,
            interrupted: self.interrupted + other.interrupted,
            in_flight: self.in_flight + other.in_flight,
            retried_kept: self.retried_kept + other.retried_kept,
            retried_lost: self.retried_lost + other.retried_lost,
            repeated: self.repeated + other.repeated,
            killed_starting: self.killed_starting + other.killed_starting,
            rounds: self.rounds + other.rounds,
            merged: self.merged + other.merged,
            truncations: self.truncations + other.truncations,
            by_bytes: self.by_bytes + other.by_bytes,
            by_age: self.by_age + other.by_age,
            refused: self.refused + other.refused,
            taken_away: self.taken_away + other.taken_away,
        }
    }

    /// What this many kills should have reached and did not. Each kind of operation has a minimum
    /// for every ten kills, at most half of the least that runs on a busy machine reached.
    pub(super) fn missing(&self, kills: usize) -> Vec<String> {
        let minimums = [
            ("appends", self.appends, 150),
            ("appends by producers", self.by_producers, 120),
            ("appends to shared streams", self.to_shared, 100),
            ("appends with a sequence", self.sequenced, 60),
            ("creations", self.creates, 30),
            ("closings", self.closes, 30),
            ("deletions", self.deletes, 40),
            ("forks", self.forks, 25),
            ("truncations", self.truncations, 20),
            ("beginnings given up for their bytes", self.by_bytes, 4),
            ("beginnings given up for their age", self.by_age, 20),
            ("refusals of what was given up", self.refused, 50),
            ("deletions of streams with forks", self.held, 10),
            ("streams that went with their last fork", self.released, 8),
            ("streams that ended with their lifetime", self.ended, 2),
            ("kills with requests in flight", self.interrupted, 8),
            ("requests in flight at a kill", self.in_flight, 25),
            ("retried appends that had been kept", self.retried_kept, 2),
            ("retried appends that had not been kept", self.retried_lost, 5),
            ("repeats of an accepted sequence", self.repeated, 50),
            ("kills of a starting server", self.killed_starting, 2),
        ];
        below(&minimums, kills)
    }
}

/// Counts that stay below their minimum for each ten kills.
pub(super) fn below(minimums: &[(&str, usize, usize)], kills: usize) -> Vec<String> {
    let missing = minimums.iter().filter(|(_, count, per_ten)| count * 10 < per_ten * kills);
    missing
        .map(|(what, count, per_ten)| format!("{what}: {count}, not {per_ten} for each ten kills"))
        .collect()
}
