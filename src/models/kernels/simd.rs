//! Loops compiled several times, for the vector units a processor may have, and chosen when they run.
//!
//! Rust compiles for the oldest x86-64 by default, whose vectors hold four numbers. `vectorised!` compiles the same body for
//! AVX2 and AVX-512 too. Bodies take a constant `FMA`: a fused multiply-add is one instruction where there is one, and a slow
//! library call elsewhere.

/// Numbers handled together: one AVX-512 register, two AVX2 ones, four NEON or SSE ones.
pub(super) const LANES: usize = 16;

/// `a * b + c`, fused where that is one instruction.
#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The sum of all lanes, in a fixed order.
#[inline(always)]
pub(super) fn sum_lanes(lanes: [f32; LANES]) -> f32 {
    let mut lanes = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// e^x to 3e-7 for x in [-87, 88]; arguments outside are moved to the ends.
#[inline(always)]
pub(super) fn exponential<const FMA: bool>(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to the nearest whole number, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Least-squares fit of e^r on |r| <= ln 2 / 2 with the relative error as weight; 2e-9.
    const FIT: [f32; 7] = [1.0, 1.0, 0.499_999_9, 0.166_664_21, 0.041_668_36, 0.008_374_771, 0.001_382_942_1];
    let x = x.clamp(-87.0, 88.0);
    let shifted = multiply_add::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let r = multiply_add::<FMA>(whole, -LN_2_LOW, multiply_add::<FMA>(whole, -LN_2_HIGH, x));
    let mut value = FIT[6];
    for k in (0..6).rev() {
        value = multiply_add::<FMA>(value, r, FIT[k]);
    }
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    value * power
}

/// The error function to 4e-7: a rational function of x^2 times x, fitted on [0, 4] with the relative error as weight.
#[inline(always)]
pub(super) fn error_function<const FMA: bool>(x: f32) -> f32 {
    const ABOVE: [f32; 6] = [
        std::f32::consts::FRAC_2_SQRT_PI,
        0.193_544_86,
        0.053_101_722,
        0.003_883_336_7,
        2.845_659_6e-4,
        1.986_786_9e-6,
    ];
    const BELOW: [f32; 6] = [1.0, 0.504_857_24, 0.115_349_92, 0.015_207_236, 0.001_185_569_8, 3.742_022_5e-5];
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let (mut above, mut below) = (ABOVE[5], BELOW[5]);
    for k in (0..5).rev() {
        above = multiply_add::<FMA>(above, square, ABOVE[k]);
        below = multiply_add::<FMA>(below, square, BELOW[k]);
    }
    x * above / below
}

/// tanh by the exponential, to 3e-7 absolutely.
#[inline(always)]
pub(super) fn hyperbolic_tangent<const FMA: bool>(x: f32) -> f32 {
    1.0 - 2.0 / (exponential::<FMA>(2.0 * x) + 1.0)
}

/// Defines a function that runs `$body` compiled for the best vector unit of this processor.
macro_rules! vectorised {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) = $body:ident) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        pub(super) fn $name($($argument: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
                fn widest($($argument: $kind),*) {
                    $body::<true>($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn wide($($argument: $kind),*) {
                    $body::<true>($($argument),*)
                }
                if std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("fma")
                {
                    // SAFETY: the processor has every feature the function was compiled with.
                    return unsafe { widest($($argument),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                    // SAFETY: as above.
                    return unsafe { wide($($argument),*) };
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($argument),*)
        }
    };
}
pub(super) use vectorised;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elementary_functions_are_accurate() {
        for k in -60_000..=60_000 {
            let x = k as f32 / 10_000.0;
            let exact = f64::from(x);
            for (got, want) in [
                (exponential::<true>(x) / exact.exp() as f32, 1.0),
                (exponential::<false>(x) / exact.exp() as f32, 1.0),
                (error_function::<true>(x), candle_core::cpu::erf::erf_f64(exact)),
                (error_function::<false>(x), candle_core::cpu::erf::erf_f64(exact)),
                (hyperbolic_tangent::<true>(x), exact.tanh()),
            ] {
                assert!((f64::from(got) - want).abs() < 6e-7, "x = {x}: {got} but {want}");
            }
        }
        assert!(exponential::<true>(-1e9) < 2e-38 && exponential::<false>(1e9).is_finite());
    }
}
