//! The journal adapter: an append-only log is the only durability point, and what it holds is packed into chunk files.
//!
//! *Durable*, for this adapter, means: in a frame of the journal, and the journal's file synced (`fdatasync`) after it was
//! written. It survives the death of the process at any moment, and loss of power as far as the disk keeps what it says it has.
//! With [`SyncPolicy::Within`] the sync may come later: until then the death of the process is all that is survived.
//!
//! # How it works
//!
//! ```text
//!  commit ──▶ committer ──▶ journal ──▶ sync ──▶ recent (memory) ──▶ done
//!                                                    │ frozen
//!                                                    ▼
//!                              packer ──▶ chunk file, synced ──▶ catalogue, synced ──▶ journal files given back
//!                                             │ several                  ▲
//!                                             ▼                          │
//!                                           merge ──▶ one chunk file, synced ──▶ the others removed
//!
//!  load, read ──▶ recent ──▶ a few threads that read the catalogue and chunk files
//! ```
//!
//! - `log`: frames in files that are made ready beforehand. A group is written at once and synced once.
//! - `committer` decides, appends, and enters what committed into memory; `packer` makes a chunk file of what memory has, in a
//!   `round`; `chunks` are those files; `apply` brings their rows into the `catalogue`, which is sled, and keeps account.
//! - `index` is the catalogue with the files it leads into, as readers ask it; `holdings` are these files, and what of each is needed.
//! - `merge` makes one file of several, without what nobody needs any more; `scrub` looks for damage.
//! - `loss` is about what a crash may have taken that had been acknowledged, and what a copy (`copied`) has not.
//! - `open` finds all of it again, looks through the catalogue (`sum`), and makes the catalogue anew from the chunk files where it is
//!   damaged or missing.
//! - `check` reads everything and changes nothing. `backup` copies what there is as of one commit, and makes a directory of it again.
//!   `repair` copies what is good of a damaged one.
//!
//! `docs/format.md` describes the files.

mod apply;
mod backup;
mod begins;
mod catalogue;
mod check;
mod chunks;
mod committer;
mod copied;
mod handle;
mod holdings;
mod identity;
mod index;
mod log;
mod loss;
mod merge;
mod metrics;
mod open;
mod packer;
#[cfg(test)]
mod planted;
mod repair;
mod room;
mod round;
mod scrub;
mod shared;
mod sum;
#[cfg(test)]
mod tests;
mod unit;

pub use backup::{Backup, BackupError, Backups, RestoreError, Summary, backup, restore, verify};
pub use check::{Damage, Report, check};
pub use handle::{JournalStorage, Options};
pub use log::SyncPolicy;
pub use repair::{Loss, Repaired, repair};

pub use crate::directory::OpenError;
