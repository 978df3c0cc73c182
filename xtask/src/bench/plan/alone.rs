//! The rows of storage adapters on their own.

use std::time::Duration;

use super::{Kind, Settled};
use crate::bench::adapter::{ALL, About, Alone};
use crate::bench::workload::Window;

/// Payload after which a measurement ends in any case: the memory adapter keeps all of it in memory.
const MOST_MIB: u64 = 4096;

/// The same where it lasts for minutes, on disk.
const MOST_PACKED_MIB: u64 = 16 * 1024;

/// How long so many megabytes may take on a slow disk.
const DISK_LIMIT: Duration = Duration::from_secs(120);

impl Settled<'_> {
    /// The rows of a kind that have no server.
    pub(super) fn alone(&self, kind: Kind) -> Vec<Alone> {
        let defaults = &self.defaults;
        let rate = |&(group, streams): &(u32, u32)| Alone {
            subjects: ALL,
            group,
            streams,
            window: self.window,
            most_mib: MOST_MIB,
            about: About::Rate,
        };
        // The largest groups to the most streams: the hardest to pack.
        let hardest = defaults.alone.last().map(rate);
        let lasting = |measured| Window { warm_up: Duration::ZERO, measured, ..self.window };
        match kind {
            Kind::Adapter => {
                let disk = hardest.map(|row| Alone {
                    subjects: &["journal"],
                    window: lasting(DISK_LIMIT),
                    most_mib: defaults.disk_mib,
                    about: About::Disk,
                    ..row
                });
                defaults.alone.iter().map(rate).chain(disk).collect()
            }
            Kind::Packing => {
                let packing = hardest.map(|row| Alone {
                    subjects: &["journal"],
                    window: lasting(self.args.secs.unwrap_or(defaults.packing)),
                    most_mib: MOST_PACKED_MIB,
                    about: About::Packing,
                    ..row
                });
                packing.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
