//! Runs: what to do ([`spec`]), how it speaks ([`context`]), and the threads that do it ([`runner`]).

mod command_line;
pub mod context;
mod headless;
mod ledger;
pub mod runner;
pub mod session;
pub mod spec;
mod survey;
mod work;

/// What runs are computed on, in words.
pub fn device() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("CPU, {} on {}, {threads} threads", std::env::consts::ARCH, std::env::consts::OS)
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
