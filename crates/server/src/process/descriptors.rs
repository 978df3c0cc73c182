//! File descriptors: as many as the system lets this process have, and no more connections than that.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use crate::limits::SPARE_DESCRIPTORS;

/// Raises the soft limit to the hard one, and lowers the most connections to what then fits. Shells set the soft limit low for the
/// sake of old programs; a server that runs out of descriptors can neither accept nor open its own files.
pub(super) fn make_room(connections: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let granted = match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    let fits = fitting(connections, granted);
    if fits < connections {
        warn!(
            "max-connections is lowered from {connections} to {fits}: the process may open {} files",
            granted.unwrap_or(u64::MAX)
        );
    }
    fits
}

/// As many connections as leave something for everything else; at least one.
fn fitting(connections: usize, granted: Option<u64>) -> usize {
    let Some(granted) = granted.and_then(|granted| usize::try_from(granted).ok()) else {
        return connections;
    };
    connections.min(granted.saturating_sub(SPARE_DESCRIPTORS).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_what_is_granted() {
        for (connections, granted, expected) in [
            (20_000, None, 20_000),
            (20_000, Some(1 << 20), 20_000),
            (20_000, Some(1024), 768),
            (100, Some(1024), 100),
            (100, Some(10), 1),
        ] {
            assert_eq!(fitting(connections, granted), expected);
        }
    }
}
