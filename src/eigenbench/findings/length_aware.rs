//! Judges who like long responses: the fit with a term for the length of a response beside the other one's (eigenbench.md,
//! section 4): `s_ij += a_i n_j / (n_j + n_k + 1)` with words n.

use std::collections::BTreeMap;

use crate::eigenbench::btd::{Btd, FitSpec};
use crate::eigenbench::comparisons::Comparison;
use crate::progress::{Cancelled, Progress};
use crate::statistics::{Stream, minimise, normal_quantile};

const SLOPE: f64 = 1e-8;
const STEPS: usize = 5_000;
const START: f64 = 0.1;

/// Judgements of one judge on one pair whose lengths are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LengthCell {
    judge: usize,
    first: usize,
    second: usize,
    /// `n / (n + n' + 1)` of the first and of the second.
    shares: [f64; 2],
    /// Ties, first, second.
    counts: [f64; 3],
}

/// The fit, and what it says of each judge.
#[derive(Clone, Debug, PartialEq)]
pub struct LengthAware {
    /// Lenses, dispositions and ties with the effect of length taken out.
    pub model: Btd,
    /// Each judge's effect of length (a); positive where it likes the longer.
    pub effects: Vec<f64>,
    pub mean_nll: f64,
    /// Of the same rows without the term.
    pub mean_nll_without: f64,
    /// Rows whose lengths are known, which the fit rests on.
    pub rows: usize,
}

fn cells(rows: &[Comparison], lengths: &[Vec<Option<u32>>]) -> (Vec<LengthCell>, usize) {
    let length = |scenario: u32, model: u16| *lengths.get(scenario as usize)?.get(usize::from(model))?;
    let mut found: BTreeMap<(u16, u16, u16, u32, u32), [f64; 3]> = BTreeMap::new();
    let mut known = 0;
    for row in rows {
        let Some((a, b)) = length(row.scenario, row.first).zip(length(row.scenario, row.second)) else { continue };
        found.entry((row.judge, row.first, row.second, a, b)).or_default()[row.choice as usize] += 1.0;
        known += 1;
    }
    let cell = |((judge, first, second, a, b), counts): ((u16, u16, u16, u32, u32), [f64; 3])| {
        let all = f64::from(a) + f64::from(b) + 1.0;
        LengthCell {
            judge: usize::from(judge),
            first: usize::from(first),
            second: usize::from(second),
            shares: [f64::from(a) / all, f64::from(b) / all],
            counts,
        }
    };
    (found.into_iter().map(cell).collect(), known)
}

/// Fits lenses, dispositions, ties and effects of length together; effects start at 0. `None` where no length is known.
///
/// # Errors
/// When the caller asks for the end.
pub fn fit_length_aware(
    models: usize,
    rows: &[Comparison],
    lengths: &[Vec<Option<u32>>],
    spec: FitSpec,
    progress: &dyn Progress,
) -> Result<Option<LengthAware>, Cancelled> {
    let (cells, known) = cells(rows, lengths);
    let Some(last) = cells.iter().map(|cell| cell.judge).max() else { return Ok(None) };
    let judges = models.max(last + 1);
    let d = spec.dimension;
    let shape = Shape { judges, models, d, ridge: spec.ridge.max(1e-9), effects: true };
    let best = |shape: Shape| -> Result<Option<crate::statistics::Minimum>, Cancelled> {
        let mut best: Option<crate::statistics::Minimum> = None;
        for start in 0..spec.starts.max(1) {
            progress.checkpoint()?;
            let mut stream = Stream::new(spec.seed, u64::from(start));
            let normal = |_| START * normal_quantile(stream.unit().clamp(1e-16, 1.0 - 1e-16));
            let mut at: Vec<f64> = (0..(judges + models) * d).map(normal).collect();
            at.resize(shape.size(), 0.0);
            let ended = minimise(at, SLOPE, STEPS, |at, gradient| shape.objective(&cells, at, gradient));
            if best.as_ref().is_none_or(|best| ended.value < best.value) {
                best = Some(ended);
            }
        }
        Ok(best)
    };
    let (Some(with), Some(without)) = (best(shape)?, best(Shape { effects: false, ..shape })?) else { return Ok(None) };
    let nll = |shape: Shape, at: &[f64]| Shape { ridge: 0.0, ..shape }.objective(&cells, at, &mut vec![0.0; at.len()]);
    let (lenses, rest) = with.at.split_at(judges * d);
    let (dispositions, rest) = rest.split_at(models * d);
    let (log_ties, effects) = rest.split_at(judges);
    Ok(Some(LengthAware {
        mean_nll: nll(shape, &with.at),
        mean_nll_without: nll(Shape { effects: false, ..shape }, &without.at),
        model: Btd {
            dimension: d,
            lenses: lenses.to_vec(),
            dispositions: dispositions.to_vec(),
            log_ties: log_ties.to_vec(),
        },
        effects: effects.to_vec(),
        rows: known,
    }))
}

/// What is fitted: lenses, dispositions, ties, and effects where they are wanted, one after the other.
#[derive(Clone, Copy)]
struct Shape {
    judges: usize,
    models: usize,
    d: usize,
    ridge: f64,
    effects: bool,
}

impl Shape {
    fn size(self) -> usize {
        (self.judges + self.models) * self.d + self.judges * if self.effects { 2 } else { 1 }
    }

    /// Mean negative log-likelihood with the ridge, and its gradient.
    fn objective(self, cells: &[LengthCell], at: &[f64], gradient: &mut [f64]) -> f64 {
        let Self { judges, models, d, ridge, effects } = self;
        gradient.fill(0.0);
        let (v, l) = (judges * d, (judges + models) * d);
        let a = l + judges;
        let dot = |i: usize, j: usize| (0..d).map(|c| at[i * d + c] * at[v + j * d + c]).sum::<f64>();
        let (mut sum, mut rows) = (0.0, 0.0);
        for cell in cells {
            let LengthCell { judge: i, first: j, second: k, shares, counts } = *cell;
            let effect = if effects { at[a + i] } else { 0.0 };
            let scores = [dot(i, j) + effect * shares[0], dot(i, k) + effect * shares[1]];
            let logits = [at[l + i] + 0.5 * (scores[0] + scores[1]), scores[0], scores[1]];
            let largest = logits.into_iter().fold(f64::NEG_INFINITY, f64::max);
            let sizes = logits.map(|logit| (logit - largest).exp());
            let all: f64 = sizes.iter().sum();
            let m: f64 = counts.iter().sum();
            rows += m;
            let mut surplus = [0.0; 3];
            for r in 0..3 {
                sum -= counts[r] * (logits[r] - largest - all.ln());
                surplus[r] = m * sizes[r] / all - counts[r];
            }
            let of = [surplus[1] + 0.5 * surplus[0], surplus[2] + 0.5 * surplus[0]];
            for c in 0..d {
                gradient[i * d + c] += of[0] * at[v + j * d + c] + of[1] * at[v + k * d + c];
                gradient[v + j * d + c] += of[0] * at[i * d + c];
                gradient[v + k * d + c] += of[1] * at[i * d + c];
            }
            gradient[l + i] += surplus[0];
            if effects {
                gradient[a + i] += of[0] * shares[0] + of[1] * shares[1];
            }
        }
        let rows = f64::max(rows, 1.0);
        let mut penalty = 0.0;
        for (g, &x) in gradient.iter_mut().zip(at) {
            *g = *g / rows + ridge * x;
            penalty += x * x;
        }
        sum / rows + 0.5 * ridge * penalty
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eigenbench::comparisons::Choice;
    use crate::eigenbench::trust::{Settling, elo, trust_matrix};
    use crate::progress::Silent;

    #[test]
    fn the_gradient_is_that_of_central_differences() {
        let shape = Shape { judges: 3, models: 2, d: 2, ridge: 0.01, effects: true };
        let cell = |judge, first, second, shares, counts| LengthCell { judge, first, second, shares, counts };
        let cells = [
            cell(0, 0, 1, [0.3, 0.6], [1.0, 4.0, 2.0]),
            cell(1, 1, 0, [0.5, 0.4], [2.0, 1.0, 3.0]),
            cell(2, 0, 1, [0.1, 0.8], [0.0, 2.0, 5.0]),
        ];
        let at: Vec<f64> = (0..shape.size()).map(|k| 0.4 - 0.07 * k as f64).collect();
        let mut gradient = vec![0.0; at.len()];
        shape.objective(&cells, &at, &mut gradient);
        for k in 0..at.len() {
            let value = |by: f64| {
                let mut other = at.clone();
                other[k] += by;
                shape.objective(&cells, &other, &mut vec![0.0; at.len()])
            };
            assert!(((value(1e-5) - value(-1e-5)) / 2e-5 - gradient[k]).abs() < 1e-8, "{k}");
        }
    }

    /// Two judges who like length alike much, on three models of which one is long-winded: the term finds the effect, and
    /// takes it out of the leaderboard.
    #[test]
    fn a_planted_effect_is_found_and_taken_out() {
        const EFFECT: f64 = 1.5;
        let scenarios = 3_000_u32;
        let mut stream = Stream::new(8, 0);
        let lengths: Vec<Vec<Option<u32>>> = (0..scenarios)
            .map(|_| [30, 60, 160].map(|mean| Some((mean / 2 + stream.below(mean)) as u32)).to_vec())
            .collect();
        let abilities: [f64; 3] = [0.4, 0.0, -0.4];
        let mut rows = Vec::new();
        for scenario in 0..scenarios {
            for (first, second) in [(0_u16, 1_u16), (1, 2), (2, 0), (1, 0)] {
                let words = |model: u16| f64::from(lengths[scenario as usize][usize::from(model)].unwrap());
                let all = words(first) + words(second) + 1.0;
                let score = |model: u16| abilities[usize::from(model)] + EFFECT * words(model) / all;
                let (a, b) = (score(first), score(second));
                let sizes = [0.5 * (0.5 * (a + b)).exp(), a.exp(), b.exp()];
                let choice = [Choice::Tie, Choice::First, Choice::Second][stream.weighted(&sizes)];
                rows.push(Comparison {
                    scenario,
                    criterion: 0,
                    pass: 0,
                    judge: (scenario % 2) as u16,
                    first,
                    second,
                    choice,
                });
            }
        }
        let spec = FitSpec { dimension: 1, ridge: 0.0, starts: 3, seed: 1 };
        let found = fit_length_aware(3, &rows, &lengths, spec, &Silent).unwrap().unwrap();
        assert_eq!(found.rows, rows.len());
        for effect in &found.effects[..2] {
            assert!((effect - EFFECT).abs() < 0.35, "{:?}", found.effects);
        }
        // The likelihood ratio of two parameters that are there for a reason.
        assert!(2.0 * found.rows as f64 * (found.mean_nll_without - found.mean_nll) > 20.0);
        let board = elo(&Settling::default().settle(&trust_matrix(&found.model), 3).unwrap().trust);
        assert!(board[0] > board[1] && board[1] > board[2], "{board:?}");
        assert_eq!(fit_length_aware(3, &rows, &[], spec, &Silent).unwrap(), None);
    }
}
