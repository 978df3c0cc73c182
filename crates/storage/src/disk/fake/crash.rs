//! Crash images: what may lie on the disk when the power goes, after each operation of a history.
//!
//! A walk takes up one operation at a time, so that its cost is that of living the history once, and images share with it
//! and with each other every page that they do not differ in.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::vec::IntoIter;

use super::FakeDisk;
use super::choice::{Chance, Choice, Counts, Pattern, Rule};
use super::op::Op;
use super::shared::Shared;
use super::state::State;

/// Patterns that are tried for each image that is wanted: many find what another has found already.
const TRIES: usize = 4;

/// A walk over a disk's history, from before its first operation until after its last.
#[derive(Debug)]
pub struct Crashes {
    state: State,
    ahead: IntoIter<Op>,
    /// How many entries of the history lie behind, marks included.
    behind: u64,
    marks: Vec<u64>,
    seed: u64,
    last: Option<Op>,
    begun: bool,
}

impl FakeDisk {
    /// Walks over what was done so far, choosing images with a seed: the same walk over the same history finds the same ones.
    #[must_use]
    pub fn crashes(&self, seed: u64) -> Crashes {
        let (state, behind, ops) = self.shared.lock().history();
        Crashes {
            state,
            ahead: ops.into_iter(),
            behind,
            marks: Vec::new(),
            seed,
            last: None,
            begun: false,
        }
    }
}

impl Crashes {
    /// The moment before everything, then the moment after each operation.
    pub fn next_moment(&mut self) -> Option<Moment<'_>> {
        if self.begun {
            let op = self.ahead.next()?;
            self.take(&op);
            self.last = Some(op);
        }
        self.begun = true;
        while let [Op::Mark(mark), ..] = *self.ahead.as_slice() {
            self.marks.push(mark);
            self.behind += 1;
            self.ahead.next();
        }
        Some(Moment(self))
    }

    fn take(&mut self, op: &Op) {
        self.state.apply(self.behind, op);
        self.behind += 1;
    }
}

/// The moment after an operation, just before the next.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a>(&'a Crashes);

impl<'a> Moment<'a> {
    /// All marks that were put into the history before the next operation.
    #[must_use]
    pub fn marks(&self) -> &'a [u64] {
        &self.0.marks
    }

    /// What lies on the disk when the process is killed and the system goes on: everything that was written. It is also
    /// what a loss of power leaves when it takes nothing.
    #[must_use]
    pub fn killed(&self) -> Image {
        self.image(&self.named(), Pattern::EVERYTHING, 0).0
    }

    /// What the next process finds when this one is killed and the system goes on. What was not synced is there, and may still
    /// be lost when the power goes, until the next process has synced it.
    #[must_use]
    pub fn survived(&self) -> FakeDisk {
        FakeDisk { shared: Arc::new(Shared::new(self.0.state.clone(), self.0.behind)) }
    }

    /// Different images, about so many: all that there are, where what is uncertain can be there or not in no more ways.
    ///
    /// Where there are more, these are always among them: everything lost, nothing lost, all names and sizes without the
    /// bytes, the bytes without the sizes or without the names, one sector lost, and only the last one there. So they
    /// may be more than were asked for. The rest is chosen by chance.
    #[must_use]
    pub fn images(&self, count: usize) -> Vec<Image> {
        let at = self.named();
        let (everything, now) = self.image(&at, Pattern::EVERYTHING, 0);
        // Files that come back where names are lost have uncertain bytes of their own.
        let (_, before) = self.image(&at, Pattern::NO_NAMES, 0);
        let counts = now.most(before);
        let mut found = HashSet::from([everything.hash()]);
        let mut images = vec![everything];
        let mut try_out = |pattern: Pattern, seed: u64| {
            let (image, _) = self.image(&at, pattern, seed);
            if found.insert(image.hash()) {
                images.push(image);
            }
            images.len()
        };
        if counts.total() < 32 && 1 << counts.total() <= count {
            for pattern in all(counts) {
                try_out(pattern, 0);
            }
            return images;
        }
        let mut chance =
            Chance::new(Chance::new(self.0.seed ^ self.0.behind.rotate_left(32)).draw());
        let mut different = 1;
        for pattern in extremes(counts, &mut chance) {
            different = try_out(pattern, chance.draw());
        }
        for _ in 0..count.saturating_mul(TRIES) {
            if different >= count {
                break;
            }
            different = try_out(any(counts, &mut chance), chance.draw());
        }
        images
    }

    fn image(&self, at: &Arc<str>, pattern: Pattern, seed: u64) -> (Image, Counts) {
        let mut choice = Choice::new(pattern, seed);
        let state = self.0.state.image(&mut choice);
        let hash = state.hash();
        (Image { disk: FakeDisk::holding(state), hash, at: at.clone(), pattern }, choice.asked())
    }

    /// What images say of the moment.
    fn named(&self) -> Arc<str> {
        format!("{self} (entries: {})", self.0.behind).into()
    }
}

impl fmt::Display for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.last {
            Some(op) => write!(f, "after {op}"),
            None => f.write_str("before everything"),
        }
    }
}

/// A directory as a crash may leave it. Displayed, it says which crash.
#[derive(Clone, Debug)]
pub struct Image {
    disk: FakeDisk,
    hash: u64,
    /// The moment, for all images of it.
    at: Arc<str>,
    pattern: Pattern,
}

impl Image {
    /// The directory, whose history is empty. Clones of the image are about the same one.
    #[must_use]
    pub fn disk(&self) -> &FakeDisk {
        &self.disk
    }

    /// The [hash](FakeDisk::hash) of what it held at first.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.at, self.pattern)
    }
}

/// Every way in which so few things can be there or not.
fn all(counts: Counts) -> impl Iterator<Item = Pattern> {
    let Counts { names, sizes, .. } = counts;
    (0..1_u64 << counts.total()).map(move |mask| Pattern {
        names: Rule::Mask(mask),
        sizes: Rule::Mask(mask >> names),
        sectors: Rule::Mask(mask >> (names + sizes)),
    })
}

/// What is always tried.
fn extremes(counts: Counts, chance: &mut Chance) -> Vec<Pattern> {
    use Rule::{All, But, Nothing, Only};
    let mut one = |count| chance.below(count);
    let (name, sector) = (one(counts.names), one(counts.sectors));
    let pattern = |names, sizes, sectors| Pattern { names, sizes, sectors };
    let mut patterns = vec![
        Pattern::NOTHING,
        pattern(All, Nothing, Nothing),
        pattern(All, All, Nothing),
        pattern(All, Nothing, All),
        Pattern::NO_NAMES,
    ];
    if let Some(last) = counts.sectors.checked_sub(1) {
        let sectors = [But(sector), Only(last), But(last), Only(sector)];
        patterns.extend(sectors.map(|rule| pattern(All, All, rule)));
    }
    if counts.names > 0 {
        patterns.extend([But(name), Only(name)].map(|rule| pattern(rule, All, All)));
    }
    patterns
}

/// Any pattern.
fn any(counts: Counts, chance: &mut Chance) -> Pattern {
    use Rule::{All, But, Eighths, First, From, Nothing, Only, Writes};
    // Where names or sizes are lost, sectors hardly matter: so these are mostly there.
    let names = among(&[All, All, Eighths(4), Eighths(6)], chance);
    let sizes = among(&[All, All, All, Eighths(4), Nothing], chance);
    let sector = chance.below(counts.sectors + 1);
    let torn = [First(sector), From(sector), But(sector), Only(sector)];
    let torn = among(&torn, chance);
    let sectors = among(&[torn, torn, Eighths(1), Eighths(4), Eighths(7), Writes], chance);
    Pattern { names, sizes, sectors }
}

fn among(rules: &[Rule], chance: &mut Chance) -> Rule {
    let index = chance.below(rules.len() as u64) as usize;
    rules.get(index).copied().unwrap_or(Rule::All)
}
