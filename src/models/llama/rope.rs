//! Rotary positions (Su et al. 2021, arXiv:2104.09864), with the stretched frequencies of Llama 3.1.

use super::config::LlamaConfig;
use crate::models::training::real::Real;

/// Cosines and sines of every position's angles.
pub(super) struct Rotary {
    /// Pairs turned per head.
    half: usize,
    /// (positions, half) each.
    cos: Vec<f64>,
    sin: Vec<f64>,
}

/// The angle by which each pair of numbers turns from one position to the next.
fn frequencies(config: &LlamaConfig) -> Vec<f64> {
    let width = config.head_width as f64;
    (0..config.head_width / 2)
        .map(|pair| {
            let frequency = config.rope_theta.powf(-2.0 * pair as f64 / width);
            let Some(scaling) = config.rope_scaling else { return frequency };
            let wavelength = std::f64::consts::TAU / frequency;
            let original = scaling.original_positions as f64;
            if wavelength < original / scaling.high_freq_factor {
                frequency
            } else if wavelength > original / scaling.low_freq_factor {
                frequency / scaling.factor
            } else {
                let share = (original / wavelength - scaling.low_freq_factor)
                    / (scaling.high_freq_factor - scaling.low_freq_factor);
                (1.0 - share) * frequency / scaling.factor + share * frequency
            }
        })
        .collect()
}

impl Rotary {
    /// Tables for the first `positions` positions.
    pub(super) fn new(config: &LlamaConfig, positions: usize) -> Self {
        let frequencies = frequencies(config);
        let angles = (0..positions).flat_map(|at| frequencies.iter().map(move |f| at as f64 * f));
        let (cos, sin) = angles.map(|angle| (angle.cos(), angle.sin())).unzip();
        Self { half: frequencies.len(), cos, sin }
    }

    pub(super) fn positions(&self) -> usize {
        self.cos.len() / self.half.max(1)
    }

    /// Turns one head's numbers at `position`; back where `backward`. Number `i` is paired with number `i + half`.
    pub(super) fn turn<T: Real>(&self, head: &mut [T], position: usize, backward: bool) {
        let (cos, sin) = (&self.cos[position * self.half..], &self.sin[position * self.half..]);
        let (first, second) = head.split_at_mut(self.half);
        let sign = if backward { -1.0 } else { 1.0 };
        for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(cos.iter().zip(sin)) {
            let (cos, sin) = (T::from_f64(*cos), T::from_f64(sign * *sin));
            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
        }
    }

    /// The tables of some positions as (positions, half) rows, for accelerators.
    pub(super) fn rows(&self, positions: &[usize]) -> (Vec<f64>, Vec<f64>) {
        let pick =
            |table: &[f64]| positions.iter().flat_map(|at| table[at * self.half..][..self.half].to_vec()).collect();
        (pick(&self.cos), pick(&self.sin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::llama::config::RopeScaling;

    fn config(scaling: Option<RopeScaling>) -> LlamaConfig {
        LlamaConfig {
            vocabulary: 1,
            hidden: 128,
            layers: 1,
            heads: 2,
            kv_heads: 2,
            head_width: 64,
            intermediate: 1,
            positions: 64,
            norm_eps: 1e-5,
            rope_theta: 500_000.0,
            rope_scaling: scaling,
            tied: true,
            bos: None,
            eos: Vec::new(),
        }
    }

    /// Llama 3.2's settings: fast pairs as they were, slow ones 32 times slower, and between them in between.
    #[test]
    fn llama_3_slows_slow_frequencies_only() {
        let scaling =
            RopeScaling { factor: 32.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_positions: 8192 };
        let (plain, scaled) = (frequencies(&config(None)), frequencies(&config(Some(scaling))));
        assert_eq!(plain[0], 1.0);
        assert_eq!(scaled[0], 1.0);
        assert!((scaled[31] - plain[31] / 32.0).abs() < 1e-18);
        for (plain, scaled) in plain.iter().zip(&scaled) {
            assert!(*scaled <= *plain && *scaled >= plain / 32.0);
        }
        assert!(scaled.windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn turning_back_undoes_turning_and_products_see_distances_only() {
        let rotary = Rotary::new(&config(None), 64);
        let start: Vec<f64> = (0..64).map(|i| (i as f64).sin()).collect();
        let mut head = start.clone();
        rotary.turn(&mut head, 17, false);
        let turned = head.clone();
        rotary.turn(&mut head, 17, true);
        assert!(head.iter().zip(&start).all(|(a, b)| (a - b).abs() < 1e-12));
        let at = |position: usize| {
            let mut head = start.clone();
            rotary.turn(&mut head, position, false);
            head
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        assert!((dot(&at(20), &turned) - dot(&at(33), &at(30))).abs() < 1e-12);
    }
}
