//! The `headwater` binary. All of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    headwater_server::process::main()
}
