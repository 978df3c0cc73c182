//! The port: both disks behave alike, and the fake one loses what may be lost.

mod account;
mod alike;
mod faults;
mod images;
mod names;
mod toy;

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

use super::fake::Image;
use super::{Disk, DiskFile, FakeDisk, RealDisk, write_all};

/// Creates a file and writes this into it.
fn created(disk: &dyn Disk, path: &str, bytes: &[u8]) -> Arc<dyn DiskFile> {
    let file = disk.create(Path::new(path)).unwrap();
    put(&*file, 0, bytes);
    file
}

fn put(file: &dyn DiskFile, offset: u64, bytes: &[u8]) {
    write_all(file, &mut [IoSlice::new(bytes)], offset).unwrap();
}

/// What a crash after the last operation may leave.
fn now(disk: &FakeDisk, count: usize) -> Vec<Image> {
    at_end(disk, 1, count)
}

fn at_end(disk: &FakeDisk, seed: u64, count: usize) -> Vec<Image> {
    let mut crashes = disk.crashes(seed);
    let mut last = Vec::new();
    while let Some(moment) = crashes.next_moment() {
        last = moment.images(count);
    }
    last
}
