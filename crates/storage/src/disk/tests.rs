//! The port: both disks behave alike, and the fake one loses what may be lost.

mod alike;
mod faults;

use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;

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
