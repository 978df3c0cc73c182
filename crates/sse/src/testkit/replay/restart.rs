//! What a log had told of is there after a restart, or the epoch is another.

use super::super::check::{Verdict as Outcome, demand, demand_eq};
use super::harness::{Harness, Survival, append, beginning, fill, read_all};
use crate::replay::{ReplayLog, Verdict, resume};

pub(super) fn restart<H: Harness>(h: &H) -> Outcome {
    let log = h.make();
    let start = beginning(h, &log)?;
    let mut appended = fill(h, &log, 30)?;
    let ids: Vec<_> = appended.iter().map(|entry| log.id(entry.cursor)).collect();
    let (log, survival) = h.restart(log);
    // As many as before, so that an old id is neither ahead nor below anything.
    let later = fill(h, &log, 30)?;
    let wanted = match survival {
        Survival::Everything => {
            appended.extend(later);
            demand_eq("what survived", &read_all(h, &log, start)?, &appended)?;
            Verdict::Resumed
        }
        Survival::Nothing => {
            let start = beginning(h, &log)?;
            demand_eq("what is new", &read_all(h, &log, start)?, &later)?;
            Verdict::OtherEpoch
        }
    };
    for id in &ids {
        let told = h.run(resume(&log, Some(id)))??;
        demand_eq(&format!("the verdict on {id:?} from before"), &told.verdict, &wanted)?;
    }
    let last = append(h, &log, "last")?;
    demand(!ids.contains(&log.id(last.cursor)), || "an id is given twice".to_owned())
}
