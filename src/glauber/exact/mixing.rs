//! Distance to stationarity d(t) and the mixing time (glauber.md 5.4; Levin, Peres and Wilmer ch. 4).

use faer::{Mat, MatRef};

use super::super::conditionals::ConditionalsError;
use super::chain::ExactChain;
use super::spectrum::product;
use super::stationary::total_variation;
use crate::progress::Progress;

/// Mixing is reached at `d(t) <= 1/4`; this hair keeps rounding from deciding where d(t) is 1/4 exactly.
const QUARTER: f64 = 0.25 + 1e-13;
/// Steps followed one by one before the doubling.
const SINGLE_STEPS: u64 = 32;
/// The curve ends once d(t) is below this.
const CURVE_END: f64 = 0.01;
/// Largest k of a power `P^(2^k)`.
const MOST_DOUBLINGS: u32 = 62;

/// One point of the curve d(t).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Distance {
    /// Single-site steps.
    pub t: u64,
    /// `max_x TV(P^t(x, .), pi)` over the starts followed.
    pub d: f64,
}

/// What a curve of distances says about the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starts {
    /// All starts: d(t) and the mixing time are exact.
    All,
    /// Some starts: each d is a lower bound on d(t), each time a lower bound on the mixing time.
    Chosen,
}

/// The curve and the times at which it falls to 1/4.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mixing {
    pub(super) starts: Starts,
    pub(super) curve: Vec<Distance>,
    /// First t with d <= 1/4 over the starts followed; `None` where that lies beyond `followed`.
    pub(super) quarter: Option<u64>,
    /// Largest t at which d was still above 1/4.
    pub(super) above_at: Option<u64>,
    /// State numbers of the starts; empty where all are followed.
    pub(super) from: Vec<usize>,
}

/// TV of each row from `law`.
fn distances(rows: MatRef<'_, f64>, law: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; rows.nrows()];
    for (column, &p) in law.iter().enumerate() {
        for (row, sum) in sums.iter_mut().enumerate() {
            *sum += (rows[(row, column)] - p).abs() / 2.0;
        }
    }
    sums
}

fn largest(distances: &[f64]) -> f64 {
    distances.iter().copied().fold(0.0, f64::max)
}

/// Powers `P^(2^k)`; every `stride`-th is kept, those between are squared again when asked for.
struct Powers {
    kept: Vec<Mat<f64>>,
    stride: usize,
}

impl Powers {
    fn new(kernel: Mat<f64>) -> Self {
        // All 62 powers of 512 states take 130 MB; of 2,048 states one takes 34 MB.
        let stride = if kernel.nrows() <= 512 { 1 } else { 4 };
        Self { kept: vec![kernel], stride }
    }

    /// Rows of a power sum to one. Dividing by the sum keeps small entries relatively accurate, so rounding does not
    /// double with the exponent and slow leaks between parts of the chain survive 2^62 steps.
    fn square(power: &Mat<f64>) -> Mat<f64> {
        let mut square = product(power.as_ref(), power.as_ref());
        let size = square.nrows();
        let mut sums = vec![0.0; size];
        for column in 0..size {
            sums.iter_mut().enumerate().for_each(|(row, sum)| *sum += square[(row, column)]);
        }
        for column in 0..size {
            sums.iter().enumerate().for_each(|(row, sum)| square[(row, column)] /= sum);
        }
        square
    }

    fn at(&mut self, k: usize) -> Mat<f64> {
        let nearest = (k / self.stride).min(self.kept.len() - 1);
        let mut power = self.kept[nearest].clone();
        for level in nearest * self.stride + 1..=k {
            power = Self::square(&power);
            if level == self.kept.len() * self.stride {
                self.kept.push(power.clone());
            }
        }
        power
    }
}

/// d(t) over all starts: single steps, then doubling until `CURVE_END`, then a binary descent to the mixing time.
pub(super) fn over_all_starts(
    chain: &ExactChain,
    law: &[f64],
    progress: &dyn Progress,
) -> Result<Mixing, ConditionalsError> {
    progress.stage("distance to stationarity from every start");
    let size = chain.states();
    let (mut curve, mut quarter, mut above_at) = (Vec::new(), None, None);
    let mut note = |curve: &mut Vec<Distance>, t: u64, d: f64| {
        curve.push(Distance { t, d });
        if d > QUARTER {
            above_at = above_at.max(Some(t));
        }
        d <= QUARTER
    };
    let mut laws = vec![0.0; size * size];
    (0..size).for_each(|x| laws[x * size + x] = 1.0);
    let mut after = vec![0.0; size];
    for t in 0..=SINGLE_STEPS {
        let mut d = 0.0f64;
        for start in laws.chunks_exact_mut(size) {
            if t > 0 {
                chain.step(start, &mut after);
                start.copy_from_slice(&after);
            }
            d = d.max(total_variation(start, law));
        }
        progress.checkpoint()?;
        progress.report(t, SINGLE_STEPS + u64::from(MOST_DOUBLINGS));
        if note(&mut curve, t, d) && quarter.is_none() {
            quarter = Some(t);
        }
        if d <= CURVE_END {
            return Ok(Mixing { starts: Starts::All, curve, quarter, above_at, from: Vec::new() });
        }
    }
    drop(laws);
    let kernel = chain.kernel();
    let mut powers = Powers::new(MatRef::from_row_major_slice(&kernel, size, size).to_owned());
    drop(kernel);
    let first = SINGLE_STEPS.ilog2() as usize + 1;
    let mut crossing = None;
    for k in first..=MOST_DOUBLINGS as usize {
        progress.checkpoint()?;
        progress.report(SINGLE_STEPS + k as u64, SINGLE_STEPS + u64::from(MOST_DOUBLINGS));
        let power = powers.at(k);
        let d = largest(&distances(power.as_ref(), law));
        if note(&mut curve, 1 << k, d) && quarter.is_none() && crossing.is_none() {
            crossing = Some(k);
        }
        if d <= CURVE_END {
            break;
        }
    }
    if let Some(k) = crossing {
        // TV from each start never rises, so starts already within 1/4 need not be followed further.
        let mut t = 1u64 << (k - 1);
        let mut rows = powers.at(k - 1);
        for level in (0..k - 1).rev() {
            progress.checkpoint()?;
            let far: Vec<usize> = distances(rows.as_ref(), law)
                .iter()
                .enumerate()
                .filter(|(_, d)| **d > QUARTER)
                .map(|(k, _)| k)
                .collect();
            let followed = Mat::from_fn(far.len(), size, |row, column| rows[(far[row], column)]);
            let further = product(followed.as_ref(), powers.at(level).as_ref());
            let d = largest(&distances(further.as_ref(), law));
            let ahead = t + (1 << level);
            if note(&mut curve, ahead, d) {
                rows = followed;
            } else {
                (rows, t) = (further, ahead);
            }
        }
        quarter = Some(t + 1);
    }
    curve.sort_by_key(|point| point.t);
    Ok(Mixing { starts: Starts::All, curve, quarter, above_at, from: Vec::new() })
}

/// Lower bounds on d(t) from the starts `from`, followed step by step for at most `most_steps`.
pub(super) fn over_chosen_starts(
    chain: &ExactChain,
    law: &[f64],
    from: Vec<usize>,
    most_steps: u64,
    progress: &dyn Progress,
) -> Result<Mixing, ConditionalsError> {
    progress.stage("distance to stationarity from chosen starts");
    let mut laws: Vec<Vec<f64>> = from.iter().map(|&state| unit(chain.states(), state)).collect();
    let mut after = vec![0.0; chain.states()];
    let mut mixing = Mixing { starts: Starts::Chosen, curve: Vec::new(), quarter: None, above_at: None, from };
    for t in 0..=most_steps {
        progress.checkpoint()?;
        progress.report(t, most_steps);
        let mut d = 0.0f64;
        for start in &mut laws {
            if t > 0 {
                chain.step(start, &mut after);
                std::mem::swap(start, &mut after);
            }
            d = d.max(total_variation(start, law));
        }
        // Every step at first, then about 64 an octave.
        let spacing = 1u64 << t.checked_ilog2().unwrap_or(0).saturating_sub(6);
        let reached = d <= QUARTER && mixing.quarter.is_none();
        if t % spacing == 0 || reached || t == most_steps {
            mixing.curve.push(Distance { t, d });
        }
        if reached {
            mixing.quarter = Some(t);
        }
        if d > QUARTER {
            mixing.above_at = Some(t);
        }
        if d <= CURVE_END {
            break;
        }
    }
    Ok(mixing)
}

fn unit(size: usize, state: usize) -> Vec<f64> {
    let mut law = vec![0.0; size];
    law[state] = 1.0;
    law
}
