//! Crashes at every moment of many lives, and of what came after some of them.

use std::collections::HashMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::counts::{Counts, Event};
use super::life::{Begin, Known, Life, Told};
use super::model::Model;
use super::options;
use super::recover::{Found, chunk_files, edition, recover};
use crate::disk::FakeDisk;
use crate::disk::fake::Moment;
use crate::journal::catalogue::Image;
use crate::testkit::Failure;
use crate::testkit::differential::{Script, scripts};

/// How much of a life is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Rounds of its script.
    pub(super) rounds: usize,
    /// Bytes of its longest value.
    pub(super) longest: usize,
    /// Images at each moment, about.
    pub(super) images: usize,
    /// After one of so many crashes it goes on; none where that is zero.
    pub(super) second: u64,
    /// At one of so many moments the process is killed, and goes on with what is not synced; none where that is zero.
    pub(super) survives: u64,
}

pub(super) const USUAL: Extent =
    Extent { rounds: 24, longest: 900, images: 4, second: 60, survives: 51 };

/// Of which nobody goes on.
pub(super) const NO_MORE: Extent = Extent { second: 0, survives: 0, ..USUAL };

/// A script of its own for each seed.
pub(super) fn script(seed: u64, extent: Extent) -> Script {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tree = scripts(extent.rounds).new_tree(&mut runner).unwrap();
    tree.current().shortened(extent.longest)
}

/// Lives a script, and crashes everywhere.
pub(super) fn live(seed: u64, extent: Extent, counts: &mut Counts) -> Result<(), Failure> {
    let life = Life::new(options());
    life.play(&script(seed, extent)).map_err(|failure| failure.during(&format!("seed {seed}")))?;
    Walk::new(&life, seed, extent, counts)
        .everywhere()
        .map_err(|failure| failure.during(&format!("seed {seed}")))
}

/// The moments of a life.
pub(super) struct Walk<'w> {
    life: &'w Life,
    seed: u64,
    extent: Extent,
    counts: &'w mut Counts,
    /// Moments that are not looked at.
    skip: usize,
    /// Images that were looked at, and how many units are in them.
    looked: HashMap<u64, u64>,
}

/// A crash.
struct Crash<'c> {
    told: &'c [Told],
    past: &'c [Image],
    model: &'c Model,
    known: Known,
}

impl<'w> Walk<'w> {
    pub(super) fn new(life: &'w Life, seed: u64, extent: Extent, counts: &'w mut Counts) -> Self {
        Self { life, seed, extent, counts, skip: 0, looked: HashMap::new() }
    }

    /// Looks at the last so many moments only.
    pub(super) fn last(mut self, count: usize) -> Self {
        let mut crashes = self.life.disk.crashes(self.seed);
        let all = std::iter::from_fn(|| crashes.next_moment().map(drop)).count();
        self.skip = all.saturating_sub(count);
        self
    }

    /// Crashes at every moment.
    pub(super) fn everywhere(&mut self) -> Result<(), Failure> {
        // The history first: what it speaks of is known by then, though a thread may still be packing.
        let mut crashes = self.life.disk.crashes(self.seed);
        let (told, past) = (self.life.told(), self.life.past.images());
        let model = Model::of(&told, self.life.begin.reported)?;
        let (mut number, mut behind) = (self.seed, 0);
        while let Some(moment) = crashes.next_moment() {
            number += 1;
            let marks = moment.marks();
            let crash = |marks| {
                let known = self.life.begin.after(marks);
                Crash { told: &told, past: &past, model: &model, known }
            };
            // What else happened before the next operation, happened one after the other.
            let crashes: Vec<_> =
                (behind..=marks.len()).map(|count| crash(&marks[..count])).collect();
            let crash = &crashes[crashes.len() / 2];
            behind = marks.len();
            if number - self.seed <= self.skip as u64 {
                continue;
            }
            let named = |failure: Failure| failure.during(&moment.to_string());
            crashes.iter().try_for_each(|crash| self.moment(&moment, crash)).map_err(named)?;
            let Extent { survives, .. } = self.extent;
            let often = number.is_multiple_of(survives) || names_a_file(&moment);
            if survives > 0 && often {
                self.survive(&moment, crash).map_err(named)?;
            }
        }
        Ok(())
    }

    /// Loses power.
    fn moment(&mut self, moment: &Moment<'_>, crash: &Crash<'_>) -> Result<(), Failure> {
        let recycled = moment.to_string().contains(".log to ");
        for image in moment.images(self.extent.images) {
            let named = |failure: Failure| failure.during(&image.to_string());
            for (number, draw) in [(0, image.hash()), (1, image.hash() >> 8)] {
                let catalogue = choose(crash.past, crash.known, number, draw);
                let hash = image.hash() ^ catalogue.image.number().rotate_left(17);
                if let Some(units) = self.looked.get(&hash) {
                    crash.model.reaches(*units, crash.known.reported).map_err(named)?;
                    continue;
                }
                let found = self.look(&image.disk().at_rest(), &catalogue, crash).map_err(named)?;
                self.looked.insert(hash, found.units);
                self.counts.image(hash);
                self.counts.happened_if(recycled, Event::Recycled);
                if self.extent.second > 0 && hash.is_multiple_of(self.extent.second) {
                    self.counts.happened(Event::SecondLife);
                    let Chosen { image: rows, damaged, .. } = catalogue;
                    let begin = Begin { images: vec![rows], damaged, ..crash.left(found) };
                    self.go_on(image.disk().at_rest(), begin, crash.model).map_err(named)?;
                }
            }
        }
        Ok(())
    }

    fn look(
        &mut self,
        disk: &FakeDisk,
        catalogue: &Chosen,
        crash: &Crash<'_>,
    ) -> Result<Found, Failure> {
        let (files, drafts) = chunk_files(disk);
        let found = recover(disk, &catalogue.image, crash.model, crash.known.reported)?;
        if found.rebuilt && !catalogue.damaged && !self.life.damaged {
            return Err(Failure::new("a catalogue was made anew with which nothing was wrong"));
        }
        let counts = &mut *self.counts;
        catalogue.event.into_iter().for_each(|event| counts.happened(event));
        counts.happened_if(drafts > 0, Event::Draft);
        counts.happened_if(edition(&catalogue.image) < files, Event::FileAhead);
        counts.happened_if(files == 0 && found.units > 0, Event::Unpacked);
        counts.happened_if(found.cut, Event::Cut);
        counts.happened_if(found.rebuilt, Event::Rebuilt);
        counts.happened_if(found.groups > crash.known.reported, Event::Unreported);
        Ok(found)
    }

    /// Is killed, and goes on with what is not synced yet.
    fn survive(&mut self, moment: &Moment<'_>, crash: &Crash<'_>) -> Result<(), Failure> {
        let images = crash.past[crash.known.synced..=crash.known.written].to_vec();
        let last = images.last().cloned().unwrap_or_default();
        let found = self.look(moment.killed().disk(), &Chosen::sound(last), crash)?;
        self.counts.happened(Event::Survived);
        let damaged = self.life.damaged;
        let begin = Begin { images, damaged, ..crash.left(found) };
        self.go_on(moment.survived(), begin, crash.model)
            .map_err(|failure| failure.during("killed"))
    }

    /// Goes on, and crashes again. The handle shows what was found, too.
    fn go_on(&mut self, disk: FakeDisk, begin: Begin, model: &Model) -> Result<(), Failure> {
        let Extent { rounds, longest, .. } = self.extent;
        let extent = Extent { rounds: rounds / 2, longest, images: 2, ..NO_MORE };
        let (units, reported) = (begin.units, begin.reported);
        let seed = self.seed ^ units << 32;
        let life = Life::over(disk, begin, self.life.options);
        let mut side = life.side()?;
        model.check(side.rig(), units, reported)?;
        life.play_on(&mut side, &script(seed, extent))
            .map_err(|failure| failure.during("going on"))?;
        Walk::new(&life, seed, extent, self.counts)
            .everywhere()
            .map_err(|failure| failure.during("a second crash"))
    }
}

impl Crash<'_> {
    /// What is there after it.
    fn left(&self, found: Found) -> Begin {
        let told = self.told[..found.groups].to_vec();
        let reported = self.known.reported.min(told.len());
        Begin { told, reported, units: found.units, ..Begin::default() }
    }
}

/// Whether it is the one at which a chunk file has got its name, and has it only until the power goes.
fn names_a_file(moment: &Moment<'_>) -> bool {
    moment.to_string().contains(".chunk.draft to ")
}

/// A catalogue that a crash may leave.
#[derive(Clone, Debug)]
struct Chosen {
    image: Image,
    event: Option<Event>,
    damaged: bool,
}

impl Chosen {
    fn sound(image: Image) -> Self {
        Self { image, event: None, damaged: false }
    }
}

fn choose(past: &[Image], known: Known, number: u64, draw: u64) -> Chosen {
    let Known { written, synced, .. } = known;
    let any = |from: usize, to: usize| from + (draw >> 16) as usize % (to - from + 1);
    match (number, draw % 8) {
        (0, 0..6) => part(past, any(synced, written)),
        (0, _) => part(past, synced),
        (_, 0..2) if synced > 0 => {
            Chosen { event: Some(Event::CatalogueLost), ..Chosen::sound(Image::default()) }
        }
        (_, 2..5) if synced > 0 => {
            let old = past[any(0, synced - 1)].clone();
            Chosen { event: Some(Event::CatalogueOld), ..Chosen::sound(old) }
        }
        _ => damaged(&past[any(synced, written)], draw),
    }
}

fn part(past: &[Image], number: usize) -> Chosen {
    let whole = number == 0 || edition(&past[number]) > edition(&past[number - 1]);
    let event = (!whole).then_some(Event::PartOfEdition);
    Chosen { event, ..Chosen::sound(past[number].clone()) }
}

/// With one row missing, or one byte altered.
fn damaged(image: &Image, draw: u64) -> Chosen {
    let mut rows = (*image.0).clone();
    let Some(row) = (draw as usize >> 20).checked_rem(rows.len()) else {
        return Chosen::sound(image.clone());
    };
    let key = rows.keys().nth(row).cloned().unwrap_or_default();
    match rows.get_mut(&key) {
        Some(value) if draw & 32 == 0 && !value.is_empty() => {
            let at = (draw as usize >> 40) % value.len();
            value[at] ^= 1 << (draw & 7);
        }
        _ => drop(rows.remove(&key)),
    }
    Chosen { image: Image(rows.into()), event: Some(Event::CatalogueDamaged), damaged: true }
}
