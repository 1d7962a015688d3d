//! Where the fast passes run, and in which type. Double precision always runs on the processor.

use std::sync::LazyLock;

use candle_core::{DType, Device};

/// Type of the fast passes: single precision, or half of it for accelerators, which have twice the speed there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FastType {
    #[default]
    F32,
    /// 8 bits of precision, the range of f32.
    Bf16,
    /// 11 bits of precision, up to 65,504.
    F16,
}

impl FastType {
    /// What `KLEROTERION_GPU_TYPE` asks for (`f32`, `bf16` or `f16`) on an accelerator. A processor is slower in half
    /// precision than in single (candle.md section 3), so there the answer is always [`FastType::F32`], as it is for
    /// an unknown word.
    pub(super) fn on(device: &Device) -> Self {
        if device.is_cpu() {
            return Self::F32;
        }
        match std::env::var("KLEROTERION_GPU_TYPE").as_deref() {
            Ok("bf16") => Self::Bf16,
            Ok("f16") => Self::F16,
            _ => Self::F32,
        }
    }

    pub(super) fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }

    /// The arithmetic in words, for messages.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::F32 => "single precision",
            Self::Bf16 => "half precision (bf16)",
            Self::F16 => "half precision (f16)",
        }
    }
}

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

/// The accelerator on which the fast passes run, in words; `None` where that is the processor. Looked up once.
pub fn accelerator() -> Option<&'static str> {
    static FOUND: LazyLock<Option<&'static str>> = LazyLock::new(|| match best() {
        Device::Cpu => None,
        Device::Cuda(_) => Some("CUDA GPU 0"),
        Device::Metal(_) => Some("Metal GPU 0"),
    });
    *FOUND
}
