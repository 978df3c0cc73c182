//! Deleted streams: held back while a fork still reads what they held, then gone.

/// A stream that was deleted and whose forks live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deleted {
    pub(super) name: String,
    /// The stream it was forked from.
    pub(super) source: Option<String>,
}

/// Parts deleted streams into those that a fork still needs and the names that are free again.
/// `living` are the sources of all streams that are there. A deleted fork holds its source for as
/// long as it is held itself.
pub(super) fn part(mut held: Vec<Deleted>, living: &[&str]) -> (Vec<Deleted>, Vec<String>) {
    let mut free = Vec::new();
    loop {
        let needed = |name: &str| {
            let by_held = held.iter().any(|other| other.source.as_deref() == Some(name));
            by_held || living.contains(&name)
        };
        let (kept, released): (Vec<_>, Vec<_>) =
            held.iter().cloned().partition(|stream| needed(&stream.name));
        if released.is_empty() {
            return (held, free);
        }
        free.extend(released.into_iter().map(|stream| stream.name));
        held = kept;
    }
}
