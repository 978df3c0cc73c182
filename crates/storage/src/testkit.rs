//! For tests: the conformance suite that every adapter runs, and adapters that fail on purpose.

pub mod check;
pub mod conformance;
pub mod decider;
pub mod differential;
pub mod faulty;
pub mod harness;
pub mod layer;
pub mod make;
pub mod planted;
pub mod rig;
pub mod sight;
pub mod story;

pub use check::{Failure, Verdict};
pub use decider::{Decider, Executed, Known};
pub use faulty::Faulty;
pub use harness::{Harness, Restarts, Shared, SoleMemory};
pub use layer::{Layer, Layered};
pub use rig::{Rig, committed};
pub use sight::{Parts, Places, Sight};
pub use story::Story;
