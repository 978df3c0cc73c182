//! The `headwater` binary. All of it is in the library, save the choice of an allocator.

#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
mod allocator;

use std::process::ExitCode;

fn main() -> ExitCode {
    headwater_server::process::main()
}
