//! Reading the log back, and deciding where it ends.
//!
//! Each file but the last is followed by one whose first frame says where it ended: anything that is bad before that place is
//! corruption. In the last file a bad frame ends the log, unless a frame behind it says that its group was durable. With a seal, the end is known
//! for the last file too. Nothing is changed here.
//!
//! So only the last file can be torn, in the groups of it that were not durable: a file is begun when all before it is.

mod behind;
mod chain;

use bytes::Bytes;

use self::behind::Behind;
use self::chain::{Chain, Part};
pub(super) use self::chain::{goes_on, read_whole};
use super::frame::{Begin, Stretch};
#[cfg(test)]
use super::planted::{Fault, unless};
use super::{Files, Flaw, Kind, Mark, Place, ReadError, Run, seal};

/// A frame as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Where it is.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) kind: Kind,
    /// The version of the content.
    pub(crate) version: u8,
    /// The content. It shares the memory of the whole file with the others.
    pub(crate) content: Bytes,
}

/// A whole group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'g> {
    /// Where it ends, and its number.
    pub(crate) end: Mark,
    /// The run that wrote it.
    pub(crate) run: Run,
    /// Its frames, without the log's own; none in a group that only says which run it was.
    pub(crate) frames: &'g [Frame],
}

/// Groups at the end that were not durable, of which the first is not whole, so that they are not part of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Where it begins.
    pub(crate) place: Place,
    /// How far what is left of them reaches from there.
    pub(crate) bytes: u64,
    /// The first one's number.
    pub(crate) group: u64,
}

/// A log that was read to its end. Everything up to there was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recovered {
    /// Its end.
    pub(crate) end: Mark,
    /// What was cut.
    pub(crate) cut: Option<Cut>,
    /// Whether the last run stopped cleanly.
    pub(crate) sealed: bool,
    /// The last run that wrote anything.
    pub(crate) run: Run,
    /// Where the first group begins that was handed out and may not be durable.
    pub(super) uncertain: Option<Place>,
    /// The generations in front of the beginning, of the log, and behind its end.
    pub(super) old: Vec<u64>,
    pub(super) used: Vec<u64>,
    pub(super) behind: Vec<u64>,
}

impl Recovered {
    /// Whether something that was acknowledged may be missing.
    pub(crate) fn may_have_lost(&self) -> bool {
        self.run.relaxed && !self.sealed
    }
}

/// Reads the log from a place on, and hands out its groups in order. Files below that place are not looked at.
///
/// # Errors
/// What the visitor says, and: damage, or a missing file, where something durable was; those of the disk.
pub(crate) fn recover<E: From<ReadError>>(
    files: &Files,
    from: Mark,
    visit: impl FnMut(Group<'_>) -> Result<(), E>,
) -> Result<Recovered, E> {
    let sealed = seal::read(files)?;
    let sealed = match sealed {
        Some(end) if chain::goes_on(files, from, end)? => None,
        sealed => sealed,
    };
    let chain = Chain::survey(files, from, sealed)?;
    let (run, open, frames) = (Run::default(), Vec::new(), Vec::new());
    let mut walk = Walk { files, end: from, run, open, frames, visit };
    let mut tail = None;
    for part in &chain.parts {
        tail = walk.part(part)?;
    }
    let Walk { end, run, open, .. } = walk;
    let uncertain = open.first().map(|(_, place)| *place);
    let cut = if sealed.is_some() { None } else { Behind::look(files, &chain, tail, end)? };
    let (used, behind) = chain.live.iter().partition(|live| **live <= end.place.generation);
    let (sealed, old) = (sealed.is_some(), chain.old);
    Ok(Recovered { end, run, uncertain, cut, sealed, old, used, behind })
}

/// Where the groups of the last file end.
#[derive(Debug)]
struct Tail {
    stretch: Stretch,
    /// Where the next group would begin.
    from: u32,
    /// The frame that is not whole, and what is wrong with it.
    bad: u32,
    flaw: Flaw,
}

struct Walk<'w, V> {
    files: &'w Files,
    end: Mark,
    run: Run,
    /// The groups in front of it of which no frame says that they are durable, and where they begin.
    open: Vec<(u64, Place)>,
    /// The frames of the group that is read, to use their memory again.
    frames: Vec<Frame>,
    visit: V,
}

impl<V> Walk<'_, V> {
    /// Hands out the groups of one file. Where its end is not known, says where they end.
    fn part<E: From<ReadError>>(&mut self, part: &Part) -> Result<Option<Tail>, E>
    where
        V: FnMut(Group<'_>) -> Result<(), E>,
    {
        let generation = part.from.generation;
        let stretch = part.read(self.files)?;
        let corrupt = |offset: u32, flaw| {
            let path = self.files.describe(generation);
            ReadError::Corrupt { path, offset: u64::from(offset), flaw, later: None }
        };
        let mut from = part.from.offset;
        self.run = part.run.unwrap_or(self.run);
        while part.until.is_none_or(|until| from < until.place.offset) {
            match group(self.files, &stretch, from, self.end.group + 1, &mut self.frames) {
                Ok(Read { end, durable, run }) => {
                    let place = Place { generation, offset: end };
                    self.end = Mark { place, group: self.end.group + 1 };
                    self.run = run.unwrap_or(self.run);
                    self.open.push((self.end.group, Place { generation, offset: from }));
                    self.open.retain(|(group, _)| *group > durable);
                    let (end, run) = (self.end, self.run);
                    (self.visit)(Group { end, run, frames: &self.frames })?;
                    from = place.offset;
                }
                Err((bad, flaw)) if part.until.is_none() && flaw.may_be_torn() => {
                    return Ok(Some(Tail { stretch, from, bad, flaw }));
                }
                Err((bad, flaw)) => return Err(corrupt(bad, flaw).into()),
            }
        }
        if part.until.is_none_or(|until| self.end == until) {
            return Ok(None);
        }
        Err(corrupt(from, part.broken).into())
    }
}

/// What was read of a group beside its frames.
struct Read {
    /// Where it ends.
    end: u32,
    /// The last group that was durable when it was written.
    durable: u64,
    /// The run, where it begins a file.
    run: Option<Run>,
}

/// Reads one group into `frames`; or says which frame is bad.
fn group(
    files: &Files,
    stretch: &Stretch,
    from: u32,
    expected: u64,
    frames: &mut Vec<Frame>,
) -> Result<Read, (u32, Flaw)> {
    frames.clear();
    let (mut offset, mut index, mut count) = (from, 0, 1);
    let (mut durable, mut run) = (0, None);
    while index < count {
        let at = offset;
        let bad = |flaw| (at, flaw);
        let found = stretch.frame(files.identity(), at).map_err(bad)?;
        let header = found.header;
        #[cfg(test)]
        let expected = unless(Fault::IgnoresGroup, expected, |_| header.group);
        if header.group != expected {
            return Err(bad(Flaw::Group { expected, found: header.group }));
        }
        if header.index != index || (index > 0 && header.count != count) {
            return Err(bad(Flaw::Order));
        }
        if at == 0 {
            run = Some(Begin::decode(&found).map_err(bad)?.run);
        } else if found.kind == Kind::BEGIN {
            return Err(bad(Flaw::Order));
        } else {
            let (place, kind, version) = (header.place, found.kind, found.version);
            frames.push(Frame { place, kind, version, content: found.content });
        }
        (offset, index, count) = (found.end, index + 1, header.count);
        durable = header.durable();
    }
    Ok(Read { end: offset, durable, run })
}
