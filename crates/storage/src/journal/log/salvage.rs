//! Reading what is left of a damaged log: every frame that is whole, at its place, and of a group that was durable.
//!
//! A frame's checksum covers the log's identity, the file, the place in it and the group, so a frame that is found whole is what
//! was written there, whatever is damaged beside it. Two kinds of whole frames are left out: those behind the place where the log
//! went on in another file, and those of a last group that may never have been durable.

use std::collections::BTreeMap;

use super::frame::{ALIGNMENT, BEGIN, Begin, Found, Header, Stretch};
use super::recovery::{goes_on, read_whole};
use super::{Files, Floors, Frame, Identity, Kind, Mark, ReadError, seal};

/// What is left.
#[derive(Debug, Default)]
pub(crate) struct Salvaged {
    /// Frames without the log's own, in the order of the log.
    pub(crate) frames: Vec<Left>,
    /// The last group of which anything is known, and the last file.
    pub(crate) group: u64,
    pub(crate) generation: u64,
    /// What is damaged and stands for nothing else.
    pub(crate) damage: Vec<String>,
    /// What was durable and is not all there.
    pub(crate) missing: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// A frame that is left.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) group: u64,
    /// Those of the run that wrote it, as far as the beginnings of files tell.
    pub(crate) floors: Floors,
    pub(crate) frame: Frame,
}

/// The whole frames of one file.
struct Whole {
    begin: Option<Begin>,
    found: Vec<Found>,
}

/// Reads everything from a place on. Files that are missing or damaged do not keep the others from being read.
///
/// # Errors
/// Those of the disk.
pub(crate) fn salvage(files: &Files, from: Mark) -> Result<Salvaged, ReadError> {
    let mut salvaged = Salvaged { group: from.group, ..Salvaged::default() };
    let all = files.list()?;
    salvaged.generation = all.last().copied().unwrap_or_default().max(from.place.generation);
    let first = from.place.generation.max(1);
    if from.place.generation > 0 && !all.contains(&first) {
        salvaged.missing.push(format!("{} is missing", files.describe(first).display()));
    }
    let mut parts = Vec::new();
    for generation in all.iter().copied().filter(|generation| *generation >= first) {
        let stretch = read_whole(files, generation)?;
        let offset = if generation == from.place.generation { from.place.offset } else { 0 };
        parts.push(whole(files.identity(), &stretch, offset));
    }
    let sealed = salvaged.sealed(files, from)?;
    end_where_the_next_begins(&mut parts);
    if let Some(end) = sealed {
        parts.iter_mut().for_each(|part| {
            part.found.retain(|found| found.header.place < end.place);
        });
    }
    salvaged.take(from, sealed, parts);
    Ok(salvaged)
}

impl Salvaged {
    /// Where the log was sealed, if it ended there.
    fn sealed(&mut self, files: &Files, from: Mark) -> Result<Option<Mark>, ReadError> {
        match seal::read(files) {
            Ok(Some(end)) => match goes_on(files, from, end) {
                Ok(goes_on) => Ok((!goes_on).then_some(end)),
                // The file behind the seal cannot be read either way.
                Err(ReadError::Corrupt { .. }) => Ok(Some(end)),
                Err(error) => Err(error),
            },
            Ok(None) => Ok(None),
            Err(error @ ReadError::Corrupt { .. }) => {
                self.damage.push(error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes the frames of groups that were durable, and says which are not all there.
    fn take(&mut self, from: Mark, sealed: Option<Mark>, parts: Vec<Whole>) {
        let headers = || parts.iter().flat_map(|part| &part.found).map(|found| found.header);
        let durable = headers().map(|header| header.durable()).chain(sealed.map(|end| end.group));
        let durable = durable.max().unwrap_or(from.group);
        let mut groups: BTreeMap<u64, Vec<Header>> = BTreeMap::new();
        for header in headers().filter(|header| header.group > from.group) {
            groups.entry(header.group).or_default().push(header);
        }
        let is_whole = |headers: &[Header]| {
            headers.iter().all(|header| usize::from(header.count) == headers.len())
        };
        let last = groups.keys().next_back().copied().unwrap_or(from.group).max(durable);
        let (mut missing, mut torn) = (Vec::new(), None);
        for group in from.group + 1..=last {
            match groups.get(&group) {
                Some(headers) if is_whole(headers) => {}
                _ if group <= durable => missing.push(group),
                _ => torn = torn.or(Some(group)),
            }
        }
        let last = torn.map_or(last, |torn| torn - 1);
        self.group = self.group.max(last);
        if let Some(torn) = torn {
            let note = format!(
                "group {torn} of the journal was never whole, as after a crash: it is left out"
            );
            self.notes.push(note);
        }
        self.missing.extend(stretches(&missing).map(|(first, last)| {
            let which = if first == last {
                format!("group {first}")
            } else {
                format!("groups {first} to {last}")
            };
            format!("something of {which} of the journal is damaged or missing")
        }));
        let mut floors = Floors::default();
        for part in parts {
            floors = part.begin.map_or(floors, |begin| begin.run.floors);
            for Found { header: Header { group, place, .. }, kind, version, content, .. } in
                part.found
            {
                if group > from.group && group <= last && kind != Kind::BEGIN {
                    let frame = Frame { place, kind, version, content };
                    self.frames.push(Left { group, floors, frame });
                }
            }
        }
    }
}

/// Numbers that follow each other, as first and last.
fn stretches(numbers: &[u64]) -> impl Iterator<Item = (u64, u64)> + '_ {
    let parts = numbers.chunk_by(|before, next| before + 1 == *next);
    parts.filter_map(|part| Some((*part.first()?, *part.last()?)))
}

/// Finds the whole frames of a file.
fn whole(identity: Identity, stretch: &Stretch, from: u32) -> Whole {
    let mut part = Whole { begin: None, found: Vec::new() };
    let begin = stretch.frame(identity, 0).ok();
    part.begin = begin.and_then(|begin| Begin::decode(&begin).ok());
    let mut offset = from;
    while u64::from(offset) < stretch.end() {
        offset = match stretch.frame(identity, offset) {
            Ok(found) => {
                let end = found.end;
                part.found.push(found);
                end
            }
            Err(_) => offset.saturating_add(ALIGNMENT as u32),
        };
    }
    part
}

/// Leaves out what stands behind the place where the log went on in the next file.
fn end_where_the_next_begins(parts: &mut [Whole]) {
    let mut next: Option<(Option<Mark>, u64)> = None;
    for part in parts.iter_mut().rev() {
        if let Some((after, group)) = next {
            part.found.retain(|found| {
                let before = after.is_none_or(|after| found.header.place < after.place);
                before && found.header.group < group
            });
        }
        let first = part.found.iter().map(|found| found.header.group).min();
        let after = part.begin.map(|begin| begin.after);
        next = match (after, first, next) {
            (Some(after), ..) => Some((Some(after), after.group + 1)),
            (None, Some(first), _) => Some((None, first)),
            (None, None, next) => next,
        };
    }
}

/// The identity of a log whose file is damaged: that by which frames in it are whole. Two different ones have to agree.
pub(crate) fn find_identity(files: &Files) -> Result<Option<Identity>, ReadError> {
    let mut seen = Vec::new();
    for generation in files.list()? {
        let stretch = read_whole(files, generation)?;
        let first = stretch.bytes.get(..BEGIN).and_then(Identity::of_frame);
        let found = first.and_then(|identity| Some((identity, stretch.frame(identity, 0).ok()?)));
        let Some((identity, begin)) = found else { continue };
        if seen.contains(&identity) || stretch.frame(identity, begin.end).is_ok() {
            return Ok(Some(identity));
        }
        seen.push(identity);
    }
    Ok(None)
}
