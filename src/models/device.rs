//! Where single-precision passes run. Double precision always runs on the processor.

use std::sync::LazyLock;

use candle_core::Device;

/// The first accelerator this build knows and this machine has, else the processor.
pub(super) fn best() -> Device {
    #[cfg(feature = "cuda")]
    if let Ok(device) = Device::new_cuda(0) {
        return device;
    }
    #[cfg(feature = "metal")]
    if let Ok(device) = Device::new_metal(0) {
        return device;
    }
    Device::Cpu
}

/// The accelerator on which single-precision passes run, in words; `None` where that is the processor. Looked up once.
pub fn accelerator() -> Option<&'static str> {
    static FOUND: LazyLock<Option<&'static str>> = LazyLock::new(|| match best() {
        Device::Cpu => None,
        Device::Cuda(_) => Some("CUDA GPU 0"),
        Device::Metal(_) => Some("Metal GPU 0"),
    });
    *FOUND
}
