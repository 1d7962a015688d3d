//! Where single-precision passes run. Double precision always runs on the processor.

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
