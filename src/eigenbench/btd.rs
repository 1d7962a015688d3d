//! The Bradley-Terry-Davidson model with judge lenses and its fit (eigenbench.md, section 4).
//!
//! Judge `i` sees model `j` at `s_ij = u_i . v_j`; it chooses between `j` and `k` in proportion to `exp(s_ij)`,
//! `exp(s_ik)` and, for a tie, `lambda_i exp((s_ij + s_ik) / 2)`.

use super::comparisons::Cell;
use super::trust::trust_matrix;
use crate::progress::{Cancelled, Progress};
use crate::statistics::{Stream, minimise, normal_quantile};

/// Largest entry of the gradient of the mean at a fit's end.
const SLOPE: f64 = 1e-9;
/// Steps that a descent may take.
const STEPS: usize = 5_000;
/// Standard deviation of the entries that a descent starts from.
const START: f64 = 0.1;
/// Trust matrices closer than this in every entry are one.
const SAME_TRUST: f64 = 1e-6;

/// Lenses of judges, dispositions of models, propensities to ties. The first judges are the models themselves, in their order;
/// others (people, say) may follow, who judge and are not judged.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Btd {
    /// Dimension of lenses (d).
    pub dimension: usize,
    /// Judges' lenses (u), `[judges, d]` by rows.
    pub lenses: Vec<f64>,
    /// Models' dispositions (v), `[models, d]` by rows.
    pub dispositions: Vec<f64>,
    /// `ln lambda` of each judge; minus infinity for one that never tied.
    pub log_ties: Vec<f64>,
}

/// What to fit.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct FitSpec {
    /// Dimension of lenses.
    pub dimension: usize,
    /// Weight of half the sum of squared parameters, added to the mean negative log-likelihood.
    pub ridge: f64,
    /// Descents from different starts.
    pub starts: u32,
    /// Seed of the starts.
    pub seed: u64,
}

/// The best of several descents.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The model.
    pub model: Btd,
    /// Mean negative log-likelihood of a row, without the ridge.
    pub mean_nll: f64,
    /// The same with the ridge: what was made small.
    pub objective: f64,
    /// Largest entry of its gradient.
    pub slope: f64,
    /// Starts whose trust matrix is the best one's.
    pub starts_agreeing: u32,
}

impl Btd {
    /// How many models there are.
    pub fn models(&self) -> usize {
        self.dispositions.len() / self.dimension.max(1)
    }

    /// How many judges there are, the models among them.
    pub fn judges(&self) -> usize {
        self.log_ties.len()
    }

    /// `s_ij`, `[judges, models]` by rows.
    pub fn scores(&self) -> Vec<f64> {
        let (judges, n, d) = (self.judges(), self.models(), self.dimension);
        let mut scores = Vec::with_capacity(judges * n);
        for judge in 0..judges {
            for model in 0..n {
                let lens = &self.lenses[judge * d..][..d];
                scores.push(dot(lens, &self.dispositions[model * d..][..d]));
            }
        }
        scores
    }

    fn of(parameters: &[f64], models: usize, dimension: usize, ties: &[bool]) -> Self {
        let (lenses, rest) = parameters.split_at(ties.len() * dimension);
        let (dispositions, log_ties) = rest.split_at(models * dimension);
        let of = |(&log, &ever): (&f64, &bool)| if ever { log } else { f64::NEG_INFINITY };
        Self {
            dimension,
            lenses: lenses.to_vec(),
            dispositions: dispositions.to_vec(),
            log_ties: log_ties.iter().zip(ties).map(of).collect(),
        }
    }

    fn parameters(&self) -> Vec<f64> {
        let finite = |log: &f64| if log.is_finite() { *log } else { 0.0 };
        let mut all = self.lenses.clone();
        all.extend(&self.dispositions);
        all.extend(self.log_ties.iter().map(finite));
        all
    }

    /// Mean negative log-likelihood of a row of these cells.
    pub fn mean_nll(&self, cells: &[Cell]) -> f64 {
        let ties: Vec<bool> = self.log_ties.iter().map(|log| log.is_finite()).collect();
        let mut gradient = vec![0.0; (self.judges() + self.models()) * self.dimension + self.judges()];
        objective(&folded(cells), self.models(), self.dimension, &ties, 0.0, &self.parameters(), &mut gradient)
    }
}

/// Fits from `spec.starts` seeded starts, and from `warm` where there is one. Judges from place `models` on are outside the
/// population; there are as many as the cells, or `warm`, know. A judge without rows prefers nobody.
///
/// # Errors
/// When the caller asks for the end.
pub fn fit(
    models: usize,
    cells: &[Cell],
    spec: FitSpec,
    warm: Option<&Btd>,
    progress: &dyn Progress,
) -> Result<Fit, Cancelled> {
    // A judge that never tied has no tie to explain: its tie class goes, which is where its likelihood leads. A ridge keeps
    // the class.
    let known = cells.iter().map(|cell| usize::from(cell.judge) + 1).max().unwrap_or(0);
    let judges = models.max(known).max(warm.map_or(0, Btd::judges));
    let mut ties = vec![spec.ridge > 0.0; judges];
    for cell in cells {
        ties[usize::from(cell.judge)] |= cell.counts[0] > 0.0;
    }
    let d = spec.dimension;
    let size = (judges + models) * d + judges;
    let mut judged = vec![false; judges];
    cells.iter().for_each(|cell| judged[usize::from(cell.judge)] = true);
    let both_orders = folded(cells);
    let mut ended = Vec::new();
    let starts = warm.map(Btd::parameters).into_iter().chain((0..spec.starts).map(|start| {
        let mut stream = Stream::new(spec.seed, u64::from(start));
        let normal = |_| START * normal_quantile((stream.unit() + 0.5 / (1u64 << 53) as f64).clamp(1e-16, 1.0 - 1e-16));
        let mut parameters: Vec<f64> = (0..(judges + models) * d).map(normal).collect();
        parameters.resize(size, 0.0);
        parameters
    }));
    let all = u64::from(spec.starts) + u64::from(warm.is_some());
    for (done, mut start) in starts.enumerate() {
        // Nothing moves the lens of a judge without rows: it begins, and stays, at no preference.
        for judge in (0..judges).filter(|&judge| !judged[judge]) {
            start[judge * d..][..d].fill(0.0);
        }
        progress.report(done as u64, all);
        progress.checkpoint()?;
        ended.push(minimise(start, SLOPE, STEPS, |at, gradient| {
            objective(&both_orders, models, d, &ties, spec.ridge, at, gradient)
        }));
    }
    let best = (0..ended.len()).min_by(|&a, &b| ended[a].value.total_cmp(&ended[b].value)).unwrap_or_default();
    let model = |at: &[f64]| Btd::of(at, models, d, &ties);
    let chosen = model(&ended[best].at);
    let trust = trust_matrix(&chosen);
    let near = |other: &crate::statistics::Minimum| {
        let own = trust_matrix(&model(&other.at));
        own.iter().zip(&trust).all(|(a, b)| (a - b).abs() < SAME_TRUST)
    };
    let starts_agreeing = ended.iter().filter(|ended| near(ended)).count() as u32;
    let mean_nll = chosen.mean_nll(cells);
    let (objective, slope) = (ended[best].value, ended[best].slope);
    Ok(Fit { model: chosen, mean_nll, objective, slope, starts_agreeing })
}

/// Counts with both orders of a pair together: the model does not care who came first.
struct Folded {
    judge: usize,
    /// `first` and `second` of the first order that was met.
    pair: [usize; 2],
    /// Ties, first, second.
    counts: [f64; 3],
    rows: f64,
}

/// Cells by judge and pair. Cells of one judge follow one another.
fn folded(cells: &[Cell]) -> Vec<Folded> {
    let key = |cell: &Cell| (cell.judge, cell.first.min(cell.second), cell.first.max(cell.second));
    let mut sorted: Vec<&Cell> = cells.iter().collect();
    sorted.sort_by_key(|cell| key(cell));
    let mut all: Vec<Folded> = Vec::with_capacity(sorted.len());
    for same in sorted.chunk_by(|a, b| key(a) == key(b)) {
        let mut counts = [0.0; 3];
        for cell in same {
            let [tie, first, second] = cell.counts;
            let own = if cell.first == same[0].first { [tie, first, second] } else { [tie, second, first] };
            counts.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        all.push(Folded {
            judge: usize::from(same[0].judge),
            pair: [usize::from(same[0].first), usize::from(same[0].second)],
            counts,
            rows: counts.iter().sum(),
        });
    }
    all
}

/// Mean negative log-likelihood with the ridge, and its gradient (section 4.1).
fn objective(
    cells: &[Folded],
    models: usize,
    d: usize,
    ties: &[bool],
    ridge: f64,
    at: &[f64],
    gradient: &mut [f64],
) -> f64 {
    gradient.fill(0.0);
    let judges = ties.len();
    let (lenses, rest) = at.split_at(judges * d);
    let (dispositions, log_ties) = rest.split_at(models * d);
    let (of_lenses, of_rest) = gradient.split_at_mut(judges * d);
    let (of_dispositions, of_ties) = of_rest.split_at_mut(models * d);
    let (mut sum, mut rows) = (0.0, 0.0);
    for own in cells.chunk_by(|a, b| a.judge == b.judge) {
        let i = own[0].judge;
        let (log_tie, lambda) = if ties[i] { (log_ties[i], log_ties[i].exp()) } else { (f64::NEG_INFINITY, 0.0) };
        let lens = &lenses[i * d..][..d];
        let of_lens = &mut of_lenses[i * d..][..d];
        for cell in own {
            let [j, k] = cell.pair;
            let (first, second) = (&dispositions[j * d..][..d], &dispositions[k * d..][..d]);
            // Half of how much higher the first scores. In units of the higher of both, the other has the size e^-2|half| and a
            // tie lambda e^-|half|, which no score makes overflow.
            let half = 0.5 * (dot(lens, first) - dot(lens, second));
            let less = half.abs();
            let root = (-less).exp();
            let (tie, lower) = (lambda * root, root * root);
            let all = 1.0 + lower + tie;
            let sizes = if half >= 0.0 { [tie, 1.0, lower] } else { [tie, lower, 1.0] };
            let below = if half >= 0.0 { cell.counts[2] } else { cell.counts[1] };
            sum += cell.rows * all.ln() + 2.0 * less * below;
            if cell.counts[0] > 0.0 {
                sum += cell.counts[0] * (less - log_tie);
            }
            rows += cell.rows;
            let share = cell.rows / all;
            let [tied, won, lost] = [0, 1, 2].map(|r| share * sizes[r] - cell.counts[r]);
            let (of_first, of_second) = (won + 0.5 * tied, lost + 0.5 * tied);
            for c in 0..d {
                of_lens[c] += of_first * first[c] + of_second * second[c];
                of_dispositions[j * d + c] += of_first * lens[c];
                of_dispositions[k * d + c] += of_second * lens[c];
            }
            of_ties[i] += if ties[i] { tied } else { 0.0 };
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

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    /// eigenbench.md, section 14, check 14.
    #[test]
    fn the_gradient_is_that_of_central_differences() {
        let cells: Vec<Cell> = (0..3u16)
            .flat_map(|judge| {
                [(0, 1), (1, 2), (2, 0)].map(|(first, second)| {
                    let by = f64::from(judge + first);
                    Cell { judge, first, second, counts: [1.0 + by, 2.0, 3.0 * by] }
                })
            })
            .collect();
        let at: Vec<f64> = (0..15).map(|k| -0.3 + 0.05 * f64::from(k)).collect();
        let ties = [true; 3];
        let cells = folded(&cells);
        let mut gradient = vec![0.0; 15];
        objective(&cells, 3, 2, &ties, 0.01, &at, &mut gradient);
        for k in 0..15 {
            let value = |by: f64| {
                let mut other = at.clone();
                other[k] += by;
                objective(&cells, 3, 2, &ties, 0.01, &other, &mut [0.0; 15])
            };
            let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
            assert!((difference - gradient[k]).abs() < 1e-7, "{k}: {difference} {}", gradient[k]);
        }
    }

    /// Check 14: scores far apart neither overflow nor lose the likelihood.
    #[test]
    fn scores_of_hundreds_stay_finite_and_both_orders_count_together() {
        let (tie, first, second) = (1.0, 2.0, 3.0);
        let cells = [
            Cell { judge: 0, first: 0, second: 1, counts: [tie, first, 0.0] },
            Cell { judge: 0, first: 1, second: 0, counts: [0.0, second, 0.0] },
        ];
        let model = |score: f64| Btd {
            dimension: 1,
            lenses: vec![1.0, 0.0],
            dispositions: vec![score, -score],
            log_ties: vec![0.5, 0.0],
        };
        for score in [-800.0, 800.0, 1.5] {
            let nll = model(score).mean_nll(&cells);
            // Logits of a tie, the first and the second, with the largest taken out.
            let logits = [0.5, score, -score];
            let largest = logits.into_iter().fold(f64::NEG_INFINITY, f64::max);
            let all = largest + logits.iter().map(|logit| (logit - largest).exp()).sum::<f64>().ln();
            let known = [tie, first, second].iter().zip(logits).map(|(n, logit)| n * (all - logit)).sum::<f64>() / 6.0;
            assert!((nll - known).abs() < 1e-12 * (1.0 + known), "{score}: {nll} {known}");
        }
    }

    #[test]
    fn a_judge_outside_the_population_has_a_row_of_its_own() {
        let cells = [
            Cell { judge: 0, first: 0, second: 1, counts: [4.0, 8.0, 2.0] },
            Cell { judge: 1, first: 0, second: 1, counts: [4.0, 2.0, 8.0] },
            Cell { judge: 3, first: 0, second: 1, counts: [0.0, 6.0, 2.0] },
        ];
        let spec = FitSpec { dimension: 1, ridge: 0.0, starts: 5, seed: 0 };
        let model = fit(2, &cells, spec, None, &Silent).unwrap().model;
        assert_eq!((model.judges(), model.models()), (4, 2));
        let trust = trust_matrix(&model);
        let known = [5.0 / 7.0, 2.0 / 7.0, 2.0 / 7.0, 5.0 / 7.0, 0.5, 0.5, 0.75, 0.25];
        assert!(trust.iter().zip(known).all(|(a, b)| (a - b).abs() < 1e-6), "{trust:?}");
        // It stays where a resample has none of its rows.
        assert_eq!(fit(2, &cells[..2], spec, Some(&model), &Silent).unwrap().model.judges(), 4);
    }

    #[test]
    fn a_judge_without_rows_trusts_all_alike() {
        let cells = [Cell { judge: 0, first: 0, second: 1, counts: [4.0, 8.0, 2.0] }];
        let spec = FitSpec { dimension: 2, ridge: 0.0, starts: 3, seed: 1 };
        let trust = trust_matrix(&fit(2, &cells, spec, None, &Silent).unwrap().model);
        assert_eq!(trust[2..], [0.5, 0.5]);
    }

    /// Check 2: one judge, two models, 8 wins, 2 losses, 4 ties.
    #[test]
    fn two_models_and_one_judge() {
        let cells = [Cell { judge: 0, first: 0, second: 1, counts: [4.0, 8.0, 2.0] }];
        let spec = FitSpec { dimension: 1, ridge: 0.0, starts: 10, seed: 0 };
        let fit = fit(2, &cells, spec, None, &Silent).unwrap();
        assert!((fit.mean_nll - 0.9556998911125343).abs() < 1e-12, "{}", fit.mean_nll);
        let scores = fit.model.scores();
        assert!((scores[0] - scores[1] - 4f64.ln()).abs() < 1e-6);
        assert!(fit.model.log_ties[0].abs() < 1e-6);
        let trust = trust_matrix(&fit.model);
        assert!((trust[0] - 5.0 / 7.0).abs() < 1e-7 && (trust[1] - 2.0 / 7.0).abs() < 1e-7, "{trust:?}");
    }
}
