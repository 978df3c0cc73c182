//! Volume: large records, many streams, and a long random history beside a simple model.

use headwater_core::storage::ReadRange;

use super::model::Model;
use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Rig, committed, make};

/// Records of 16 MiB, the server's default limit, on their own and beside small ones.
pub(super) fn a_record_of_sixteen_mebibytes(rig: &mut Rig<'_>) -> Verdict {
    const LARGE: usize = 16 << 20;
    let (key, beside) = (make::key("big/stream")?, make::key("big/beside")?);
    rig.create(&key, make::birth())?;
    rig.create(&beside, make::birth())?;
    rig.append(&key, make::batch(1, &[7])?)?;
    rig.unit([
        make::append(&key, rig.version(&key)?, make::batch(2, &[LARGE])?),
        make::append(&beside, rig.version(&beside)?, make::batch(3, &[9])?),
    ])?;
    rig.append(&key, make::batch(4, &[5])?)?;
    for _ in 0..2 {
        let lineage = rig.live(&key)?.ranges.own();
        let range = ReadRange { lineage, from: 7, to: 7 + LARGE as u64, budget: 1 << 20 };
        ensure!(rig.pages(range)??.0 == make::pattern(2, LARGE), "the large record differs");
        let range = ReadRange { from: 0, to: LARGE as u64 + 12, budget: usize::MAX, ..range };
        let (bytes, rows) = rig.pages(range)??;
        ensure!(bytes.ends_with(&make::pattern(4, 5)), "what follows the large record differs");
        let lens: Vec<u64> = rows.iter().map(|row| row.len).collect();
        ensure_eq!(lens, [7, LARGE as u64, 5], "lengths of the rows");
        let lens: Vec<usize> = rig.space("big", 1)?.iter().map(|e| e.payload.len()).collect();
        ensure_eq!(lens, [7, LARGE, 9, 5], "lengths of the entries of the space");
        rig.reopen()?;
    }
    Ok(())
}

/// Ten thousand streams with a record each, in groups, are all found by name, by page, and by space.
pub(super) fn ten_thousand_streams(rig: &mut Rig<'_>) -> Verdict {
    const STREAMS: usize = 10_000;
    const GROUP: usize = 500;
    let keys = (0..STREAMS).map(|n| make::key(&format!("many/{}/{n:05}", n % 7)));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    for (group, base) in keys.chunks(GROUP).zip((0..).step_by(GROUP)) {
        let units = group.iter().zip(base..).map(|(key, seed)| {
            let batch = Some(make::batch(seed, &[seed as usize % 50])?);
            let birth = headwater_core::change::Birth { batch, ..make::birth() };
            Ok(make::unit([make::creation(key, birth)]))
        });
        for result in rig.commit(units.collect::<Result<_, crate::testkit::Failure>>()?)? {
            committed(result)?;
        }
    }
    rig.reopen()?;
    let mut expected: Vec<_> = keys.iter().map(|key| key.path()).collect();
    expected.sort_unstable();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = rig.list("many/", after.as_deref(), 333)?;
        let Some(last) = page.last() else { break };
        after = Some(last.key.path().to_owned());
        listed.extend(page.into_iter().map(|entry| entry.key));
    }
    let listed: Vec<_> = listed.iter().map(|key| key.path()).collect();
    ensure!(listed == expected, "{} streams are listed, not the ones created", listed.len());
    for (key, seed) in keys.iter().zip(0u64..).step_by(97) {
        ensure_eq!(rig.content(key)?, make::pattern(seed, seed as usize % 50), "bytes of {key}");
    }
    let in_space = rig.space("many/3", 10_000)?.len();
    ensure_eq!(in_space, (STREAMS - 3).div_ceil(7), "entries of one space");
    Ok(())
}

/// Hundreds of random units over a few streams, in random groups: every result, and all that can be read, is what a
/// simple model says, with restarts in between.
pub(super) fn a_random_history_matches_a_model(rig: &mut Rig<'_>) -> Verdict {
    let mut model = Model::new(0x5E);
    for round in 0..250 {
        let (group, expected) = model.group()?;
        let results = rig.commit(group)?;
        model.learn(&results, &expected)?;
        if round % 10 == 9 {
            rig.reopen()?;
        }
        if round % 4 == 3 {
            model.compare(rig).map_err(|failure| failure.during(&format!("round {round}")))?;
        }
    }
    model.reached()
}
