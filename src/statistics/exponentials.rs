//! The exponentials of many numbers at once.

/// Numbers handled together: one AVX-512 register, two AVX2 ones, four of the oldest.
const LANES: usize = 8;

/// Turns each `x` into `e^((x - shift) / scale)` and returns their sum, added up in an order that the length alone decides.
///
/// Relative error 4e-16; results below 1e-307 are given as about 1e-307, those above 1e307 as about 1e307. The bits are the same
/// on every processor, whatever its vectors hold: products and sums are rounded one by one.
pub fn exponentials(values: &mut [f64], shift: f64, scale: f64) -> f64 {
    // Calls into wider code do not pay for a few numbers.
    #[cfg(target_arch = "x86_64")]
    if values.len() >= 4 * LANES {
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2")]
        fn widest(values: &mut [f64], shift: f64, scale: f64) -> f64 {
            body(values, shift, scale)
        }
        #[target_feature(enable = "avx2")]
        fn wide(values: &mut [f64], shift: f64, scale: f64) -> f64 {
            body(values, shift, scale)
        }
        if std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512dq")
        {
            // SAFETY: the processor has every feature the function was compiled with.
            return unsafe { widest(values, shift, scale) };
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { wide(values, shift, scale) };
        }
    }
    body(values, shift, scale)
}

#[inline(always)]
fn body(values: &mut [f64], shift: f64, scale: f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (whole, rest) = values.as_chunks_mut::<LANES>();
    for chunk in whole {
        for (value, sum) in chunk.iter_mut().zip(&mut sums) {
            *value = exponential((*value - shift) / scale);
            *sum += *value;
        }
    }
    for (value, sum) in rest.iter_mut().zip(&mut sums) {
        *value = exponential((*value - shift) / scale);
        *sum += *value;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}

#[inline(always)]
fn exponential(x: f64) -> f64 {
    // Adding 1.5 * 2^52 rounds to the nearest whole number, which then stands in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts, the first with so few bits that its products with whole numbers are exact.
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    // 1/k!: the first term left out is below 5e-18 on |r| <= ln 2 / 2.
    const SERIES: [f64; 14] = [
        1.0,
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
        1.0 / 6_227_020_800.0,
    ];
    let x = x.clamp(-707.0, 707.0);
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let mut value = SERIES[13];
    for k in (0..13).rev() {
        value = value * r + SERIES[k];
    }
    value * f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0f64.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_accurate() {
        let arguments: Vec<f64> = (-200_000..=2_000).map(|k| f64::from(k) * 3.3e-3 + 0.1).collect();
        let mut values = arguments.clone();
        let sum = exponentials(&mut values, 0.25, 1.5);
        let mut known = 0.0;
        for (x, got) in arguments.iter().zip(&values) {
            let want = ((x - 0.25) / 1.5).exp();
            known += want;
            assert!((got / want - 1.0).abs() < 4e-16, "x = {x}: {got:e} but {want:e}");
        }
        assert!((sum / known - 1.0).abs() < 1e-14);
        let mut ends = [-1e9, f64::NEG_INFINITY, 0.0, 1e9];
        exponentials(&mut ends, 0.0, 1.0);
        assert!(ends[0] > 0.0 && ends[0] < 2e-307 && ends[1] == ends[0] && ends[2] == 1.0 && ends[3].is_finite());
    }

    #[test]
    fn vectors_change_no_bit() {
        let arguments: Vec<f64> = (0..1003).map(|k| -f64::from(k).sqrt()).collect();
        let (mut wide, mut narrow) = (arguments.clone(), arguments);
        assert_eq!(exponentials(&mut wide, 0.5, 0.7), body(&mut narrow, 0.5, 0.7));
        assert_eq!(wide, narrow);
    }
}
