//! The whole adapter on a disk that loses, tears, fails and fills up.
//!
//! `life` is a storage over a fake disk that is told a script; `model` is what it was told, after each group; `still` reads what
//! an opening found without a thread; `recover` compares the two; `crash` does so at every moment of many lives.

mod counts;
mod crash;
mod everywhere;
mod failing;
mod full;
mod life;
mod middle;
mod model;
mod planted;
mod recover;
mod still;

use std::time::Duration;

use super::handle::Options;

/// So small that rounds, new journal files and recycled ones come all the time.
fn options() -> Options {
    let mut options = Options::default();
    (options.recent_bytes, options.file_bytes) = (6_000, 8_192);
    // Packed is what is too much, and nothing else.
    options.idle = Duration::from_secs(3600);
    options
}
