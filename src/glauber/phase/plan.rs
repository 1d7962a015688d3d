//! Which cells to run, in which order, and when a cell is known well enough.

use crate::glauber::temperature::Temperature;
use crate::statistics::{KaplanMeier, Lifetime, crossing_estimate};

/// Temperatures and lengths to run, and how long.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Grid {
    pub temperatures: Vec<Temperature>,
    /// Numbers of free sites n.
    pub lengths: Vec<u32>,
    /// Cap in sweeps, the same for all cells.
    pub cap_sweeps: u64,
}

impl Default for Grid {
    /// The grid of glauber.md section 5.3, capped at 500 sweeps.
    fn default() -> Self {
        let temperatures = [0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0];
        Self {
            temperatures: temperatures.into_iter().filter_map(Temperature::new).collect(),
            lengths: vec![4, 6, 8, 12, 16, 24, 32, 48, 64],
            cap_sweeps: 500,
        }
    }
}

impl Grid {
    /// Cap of a cell of `n` sites in steps.
    pub fn cap(&self, n: u32) -> u64 {
        self.cap_sweeps.saturating_mul(u64::from(n))
    }
}

/// When a cell has enough pairs.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Policy {
    /// eps of `t_couple(eps)`.
    pub level: f64,
    /// A cell is finished once its interval is narrower than this share of its `t_couple`.
    pub relative_width: f64,
    /// Pairs before any decision, and fewest to add.
    pub batch: u64,
    /// Most pairs of a cell.
    pub most: u64,
    pub resamples: u32,
    pub seed: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { level: 0.25, relative_width: 0.2, batch: 64, most: 4096, resamples: 400, seed: 1 }
    }
}

/// Why a cell needs no more pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finished {
    /// The interval is narrow enough.
    Precise,
    /// Survival at the cap is above the level beyond doubt: only a larger cap could tell more.
    Capped,
    /// The most pairs have been run.
    PairsSpent,
}

/// What to do with a cell next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decision {
    Finished { because: Finished },
    More { pairs: u64 },
}

impl Policy {
    /// Decides from the pairs of a cell so far. The same pairs always give the same decision.
    pub fn decide(&self, pairs: &[Lifetime]) -> Decision {
        let (have, batch) = (pairs.len() as u64, self.batch.max(1));
        let more = |wanted: u64| Decision::More { pairs: wanted.clamp(batch, self.most - have) };
        if have >= self.most {
            return Decision::Finished { because: Finished::PairsSpent };
        }
        if have + batch > self.most {
            return Decision::More { pairs: self.most - have };
        }
        if have < batch {
            return Decision::More { pairs: batch - have };
        }
        let Some(found) = crossing_estimate(pairs, self.level, self.resamples.max(1), self.seed) else {
            return more(batch);
        };
        match found.relative_width() {
            Some(width) if width < self.relative_width => Decision::Finished { because: Finished::Precise },
            // A width shrinks with the root of the number; never more than doubled on the word of one interval.
            Some(width) => {
                let needed = have as f64 * (width / self.relative_width.max(1e-3)).powi(2);
                more((needed.min(2.0 * have as f64) as u64).saturating_sub(have))
            }
            None if found.estimate.time() == Some(0) => Decision::Finished { because: Finished::Precise },
            None => {
                let last = KaplanMeier::new(pairs).points.last().map_or(1.0, |p| p.lower);
                if last > self.level { Decision::Finished { because: Finished::Capped } } else { more(have) }
            }
        }
    }
}

/// Where a cell stands in the order of work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Places of its temperature and length on the grid, and how many there are.
    pub place: [usize; 2],
    pub shape: [usize; 2],
    /// Pairs so far.
    pub pairs: u64,
    pub decision: Decision,
    /// Relative width of its interval where known.
    pub width: Option<f64>,
}

/// Halvings of `0..size` until `place` is met; 0 for the two ends.
fn coarseness(place: usize, size: usize) -> u32 {
    let (mut low, mut high, mut depth) = (0, size.saturating_sub(1), 0);
    while place != low && place != high {
        depth += 1;
        let middle = low.midpoint(high);
        if place == middle {
            break;
        }
        if place < middle { high = middle } else { low = middle }
    }
    depth
}

/// Indices of unfinished cells, the next first: empty cells from a coarse picture to a fine one, short lengths before
/// long ones; then the least well known. Ties by index.
pub fn order_of_work(cells: &[Work]) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..cells.len()).filter(|&k| matches!(cells[k].decision, Decision::More { .. })).collect();
    let level = |work: &Work| {
        let [tau, n] = [0, 1].map(|axis| coarseness(work.place[axis], work.shape[axis]));
        tau.max(n)
    };
    order.sort_by(|&a, &b| {
        let (x, y) = (&cells[a], &cells[b]);
        let begun = (x.pairs > 0).cmp(&(y.pairs > 0));
        let fine = if x.pairs == 0 {
            (level(x), x.place[1], x.place[0]).cmp(&(level(y), y.place[1], y.place[0]))
        } else {
            let width = |work: &Work| work.width.unwrap_or(f64::INFINITY);
            width(y).total_cmp(&width(x))
        };
        begun.then(fine).then(a.cmp(&b))
    });
    order
}
