//! Merging: what everyone sees stays as it is, through crashes at every step, and what nobody needs goes.

mod choosing;
mod crashes;
mod damage;
mod loaded;
mod rig;
mod scrubbing;
mod space;
mod story;
mod table;
