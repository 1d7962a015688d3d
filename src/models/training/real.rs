//! Number types, slices of tensors, and the sums that both trainings are made of, on the CPU in f32 and f64.

use candle_core::{CpuStorage, Layout, Result, WithDType, bail};

/// The two precisions the operations are written for.
pub(in crate::models) trait Real: WithDType {
    const ZERO: Self;
    const ONE: Self;
    fn exp(self) -> Self;
    fn sqrt(self) -> Self;
    /// The standard normal distribution function and density.
    fn normal(self) -> (Self, Self);
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn normal(self) -> (Self, Self) {
        let distribution = 0.5 * (1.0 + candle_core::cpu::erf::erf_f64(self * std::f64::consts::FRAC_1_SQRT_2));
        (distribution, (-0.5 * self * self).exp() * 0.398_942_280_401_432_7)
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    /// Cody-Waite reduction by ln 2 and a polynomial of degree 6 (error below 2e-7): no call, so loops of it vectorise.
    #[inline(always)]
    fn exp(self) -> Self {
        // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the mantissa.
        const ROUND: f32 = 12_582_912.0;
        let x = self.clamp(-87.0, 88.0);
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let n = shifted - ROUND;
        let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
        let p = 1.0
            + r * (1.0
                + r * (0.5 + r * (0.166_666_67 + r * (0.041_666_67 + r * (0.008_333_334 + r * 0.001_388_888_9)))));
        p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    /// Abramowitz and Stegun 7.1.26 (error below 1.5e-7).
    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        let z = self.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * z);
        let e = Real::exp(-z * z);
        let tail =
            0.5 * t * (0.254_829_6 + t * (-0.284_496_73 + t * (1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4)))) * e;
        (if self < 0.0 { tail } else { 1.0 - tail }, e * 0.398_942_3)
    }
}

/// The numbers of a contiguous tensor.
pub(in crate::models) fn slice<'a, T: Real>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&T::cpu_storage_as_slice(storage)?[start..end]),
        None => bail!("the training's operations take contiguous tensors"),
    }
}

/// Runs `$body` with `$T` as the number type of the storage `$storage`.
macro_rules! by_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            candle_core::DType::F32 => {
                type $T = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $T = f64;
                $body
            }
            other => candle_core::bail!("the training's operations work in f32 and f64, not in {other:?}"),
        }
    };
}
pub(in crate::models) use by_dtype;

/// The tensors' numbers, for a backward pass that needs several at once.
macro_rules! with_slices {
    ($T:ty; $($name:ident = $tensor:expr),+; $body:expr) => {{
        $(let $name = $tensor.contiguous()?;)+
        $(let $name = $name.storage_and_layout();)+
        $(let $name = match &*$name.0 {
            candle_core::Storage::Cpu(storage) => $crate::models::training::real::slice::<$T>(storage, $name.1)?,
            _ => candle_core::bail!("the training's operations work on the CPU"),
        };)+
        $body
    }};
}
pub(in crate::models) use with_slices;

/// Adds `term` to `total`, number by number.
pub(in crate::models) fn add_into<T: Real>(total: &mut [T], term: &[T]) {
    total.iter_mut().zip(term).for_each(|(total, term)| *total += *term);
}

/// The largest of a row and the sum of exp(x - largest); leaves the terms in `terms`.
pub(in crate::models) fn exponentials<T: Real>(row: &[T], terms: &mut Vec<T>) -> (T, f64) {
    const LANES: usize = 16;
    let largest = row.iter().copied().fold(row[0], |a, b| if b > a { b } else { a });
    terms.clear();
    terms.extend(row.iter().map(|x| Real::exp(*x - largest)));
    let mut lanes = [T::ZERO; LANES];
    for block in terms.chunks(LANES) {
        add_into(&mut lanes[..block.len()], block);
    }
    (largest, lanes.iter().map(|x| x.to_f64()).sum())
}

/// -log softmax(row)\[target\] and whether the target is the row's first largest entry.
pub(in crate::models) fn surprise<T: Real>(row: &[T], target: u32, terms: &mut Vec<T>) -> (f64, bool) {
    let (largest, sum) = exponentials(row, terms);
    let at = row[target as usize];
    let nats = (largest - at).to_f64() + sum.ln();
    (nats, at == largest && row.iter().position(|x| *x == largest) == Some(target as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_exponential_and_normal_are_as_exact_as_they_say() {
        for i in -8000..8000 {
            let x = i as f32 * 0.01;
            let exact = (x as f64).exp();
            assert!(((Real::exp(x) as f64 - exact) / exact).abs() < 3e-7, "exp({x})");
            let (f32s, f64s) = (x.normal(), (x as f64).normal());
            assert!((f32s.0 as f64 - f64s.0).abs() < 2e-7, "distribution at {x}");
            assert!((f32s.1 as f64 - f64s.1).abs() < 2e-7, "density at {x}");
        }
        assert!(Real::exp(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn surprise_is_minus_log_softmax() {
        let row: Vec<f64> = (0..37).map(|i| (i as f64 * 1.7).sin() * 5.0).collect();
        let sum: f64 = row.iter().map(|x| x.exp()).sum();
        let (nats, right) = surprise(&row, 5, &mut Vec::new());
        assert!((nats - (sum.ln() - row[5])).abs() < 1e-12);
        assert!(!right);
        let best = (0..37).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        assert!(surprise(&row, best as u32, &mut Vec::new()).1);
    }
}
