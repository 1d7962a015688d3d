//! Runs: what to do ([`spec`]), how it speaks ([`context`]), and the threads that do it ([`runner`]).

mod calls;
mod chain_lines;
pub mod chains;
pub mod collect;
mod command_line;
pub mod context;
mod escape;
mod headless;
pub mod import_comparisons;
pub mod judge;
mod ledger;
mod perfect;
pub mod runner;
pub mod sample_population;
pub mod session;
pub mod speaker;
pub mod spec;
mod survey;
pub mod train;
pub mod trajectories;
mod work;

use std::sync::LazyLock;

/// What runs are computed on, in words. Double precision always runs on the processor.
pub fn device() -> String {
    static DEVICE: LazyLock<String> = LazyLock::new(|| in_words(crate::models::accelerator()));
    DEVICE.clone()
}

fn in_words(accelerator: Option<&str>) -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = format!("CPU, {} on {}, {threads} threads", std::env::consts::ARCH, std::env::consts::OS);
    match accelerator {
        Some(name) => format!("{name} in single precision; {processor}"),
        None => processor,
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_accelerator_is_named_before_the_processor() {
        let processor = super::in_words(None);
        assert!(processor.starts_with("CPU, "));
        assert_eq!(super::in_words(Some("CUDA GPU 0")), format!("CUDA GPU 0 in single precision; {processor}"));
        let is_named = !super::device().starts_with("CPU");
        assert_eq!(is_named, crate::models::accelerator().is_some());
        if !cfg!(any(feature = "cuda", feature = "metal")) {
            assert_eq!(super::device(), processor);
        }
    }
}
