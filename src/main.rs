//! No arguments: the window. Anything else: the command line.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kleroterion::cli::main(std::env::args_os())
}
