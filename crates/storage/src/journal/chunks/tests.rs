//! Chunk files, written and read over a disk in memory.

mod columns;
mod crash;
mod damage;
mod disk;
mod ends;
mod faults;
mod golden;
mod hostile;
mod leaving;
mod names;
mod overhead;
mod reading;
mod round_trip;
mod sorted;
mod story;
