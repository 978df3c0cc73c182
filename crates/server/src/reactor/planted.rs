//! Faults that tests plant in a server of their own, to show what comes of them.

use headwater_engine::Mark;

/// Something that keeps readers right, left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Who has fallen behind goes on with what is in memory.
    SkipsStorage,
    /// Who comes back is told again what it was told last.
    TellsAgain,
    /// A thread ends when there is news.
    Dies,
}

impl Fault {
    /// Where a reader goes on by itself, that fell behind here.
    pub(super) fn behind(fault: Option<Self>, mark: Mark, tail: u64) -> Mark {
        match fault {
            Some(Self::SkipsStorage) => Mark { position: tail, told: tail },
            _ => mark,
        }
    }

    /// Ends the thread, if that is it.
    pub(super) fn strike(fault: Option<Self>) {
        assert!(fault != Some(Self::Dies), "as planted");
    }

    /// Where a reader goes on that comes.
    pub(super) fn back(fault: Option<Self>, mark: Mark) -> Mark {
        match fault {
            Some(Self::TellsAgain) => {
                let position = mark.position.saturating_sub(1);
                Mark { position, told: mark.told.min(position) }
            }
            _ => mark,
        }
    }
}
