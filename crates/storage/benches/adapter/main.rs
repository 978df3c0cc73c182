//! A storage adapter on its own, or a plain file, under groups of appends: how fast, at what cost, with how much left to pack.
//!
//! `cargo xtask bench --workload adapter` runs it, one process for each measurement, adapters and file in turns, and reports.
//! It lives here and not in `xtask`, which knows no crate of the workspace and builds in seconds because of that. By itself:
//!
//! ```sh
//! cargo bench -p headwater-storage --features journal --bench adapter -- subject=journal group=64 streams=1 secs=3 dir=D
//! ```
//!
//! It prints one line of JSON. Records have 200 bytes, one to a unit. One group is in flight and the next is ready; it is handed
//! over by the callback of the one before, as the engine does it, because it is based on that one.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

mod args;
mod driver;
mod gauges;
mod meter;
mod outcome;
mod plain;
mod subject;
mod work;

use std::error::Error;

/// Whatever can go wrong; it ends the measurement.
type Fault = Box<dyn Error + Send + Sync>;

/// Bytes of a record.
const RECORD: usize = 200;

fn main() -> Result<(), Fault> {
    let args = args::Args::parse(std::env::args().skip(1))?;
    let outcome = match args.subject {
        subject::Subject::Plain => plain::measure(&args)?,
        subject::Subject::Adapter(adapter) => driver::measure(&args, adapter)?,
    };
    println!("{}", outcome.json());
    Ok(())
}
