//! In which order pairs are visited: a function of seed and step alone, so that a run resumes from its step.
//!
//! A window of `B` visits has the loss `1/B sum w l` with `B` fixed ([`window_loss`]). Dividing by the window's own sum of
//! weights instead would cancel them: with `B = 1` every scheme would train alike.

use super::scheme::WeightedSet;
use crate::statistics::Counter;

/// How weights act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Every pair once an epoch, in a new order each epoch, its loss times its weight.
    Weighted,
    /// A rater by share, then one of the rater's pairs, each alike, with replacement; all losses count alike. Unbiased for
    /// the same objective, without spikes of large weights.
    ImportanceSampling,
}

/// How much is trained.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// So many windows, whatever the number of pairs: a small panel's pairs are visited more often.
    EqualSteps(u64),
    /// So many times the number of pairs that count.
    EqualEpochs(f64),
    /// So many visits.
    EqualVisits(u64),
}

/// One pair in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit {
    /// Place of the pair among all pairs.
    pub pair: usize,
    /// What its loss is multiplied by.
    pub weight: f64,
    /// Place of its rater.
    pub rater: u32,
}

/// Why there is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    #[error("a window of 0 pairs trains nothing: give a batch of at least 1")]
    EmptyWindow,
    #[error("the budget {0:?} trains nothing: give a positive number of steps, epochs or visits")]
    NoBudget(Budget),
}

/// The windows of a run.
#[derive(Clone, Debug)]
pub struct Schedule {
    mode: Mode,
    set: WeightedSet,
    /// Raters with pairs, the running sums of their shares, and where their pairs stand in `by_rater`.
    raters: Vec<u32>,
    cumulative: Vec<f64>,
    starts: Vec<usize>,
    /// Places in `set.pairs()`, grouped by rater.
    by_rater: Vec<u32>,
    visits: u64,
    batch: u64,
    seed: u64,
}

impl Schedule {
    /// The schedule of a set under a budget, in windows of `batch` pairs.
    ///
    /// # Errors
    /// [`ScheduleError`] for an empty window or budget.
    pub fn new(set: &WeightedSet, mode: Mode, budget: Budget, batch: usize, seed: u64) -> Result<Self, ScheduleError> {
        let batch = batch as u64;
        if batch == 0 {
            return Err(ScheduleError::EmptyWindow);
        }
        let visits = match budget {
            Budget::EqualSteps(steps) => steps.saturating_mul(batch),
            Budget::EqualEpochs(epochs) if epochs.is_finite() => (epochs * set.len() as f64).round().max(0.0) as u64,
            Budget::EqualEpochs(_) => 0,
            Budget::EqualVisits(visits) => visits,
        };
        if visits == 0 {
            return Err(ScheduleError::NoBudget(budget));
        }
        let mut by_rater: Vec<u32> = (0..set.len() as u32).collect();
        by_rater.sort_by_key(|&place| (set.pairs()[place as usize].rater, place));
        let (mut raters, mut cumulative, mut starts, mut sum) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
        for (at, &place) in by_rater.iter().enumerate() {
            let rater = set.pairs()[place as usize].rater;
            if raters.last() != Some(&rater) {
                raters.push(rater);
                starts.push(at);
                sum += set.shares()[rater as usize];
                cumulative.push(sum);
            }
        }
        starts.push(by_rater.len());
        Ok(Self { mode, set: set.clone(), raters, cumulative, starts, by_rater, visits, batch, seed })
    }

    /// Windows of the run.
    pub fn steps(&self) -> u64 {
        self.visits.div_ceil(self.batch)
    }

    /// Visits of the run. The last window has fewer than the others where they do not divide evenly; its loss is still
    /// divided by [`Schedule::window`].
    pub fn total_visits(&self) -> u64 {
        self.visits
    }

    /// Pairs of a whole window (B), which every window's loss is divided by.
    pub fn window(&self) -> usize {
        self.batch as usize
    }

    /// The set that is visited.
    pub fn set(&self) -> &WeightedSet {
        &self.set
    }

    /// The visits of window `step`, from 0; none after the last.
    pub fn batch(&self, step: u64) -> Vec<Visit> {
        let first = step.saturating_mul(self.batch).min(self.visits);
        let last = first.saturating_add(self.batch).min(self.visits);
        match self.mode {
            Mode::Weighted => self.in_order(first, last),
            Mode::ImportanceSampling => (first..last).map(|number| self.drawn(number)).collect(),
        }
    }

    /// How often each rater was visited in the first `steps` windows, one entry for every rater.
    pub fn visits(&self, steps: u64) -> Vec<u64> {
        let mut counts = vec![0; self.set.shares().len()];
        let last = steps.saturating_mul(self.batch).min(self.visits);
        let pairs = self.set.len() as u64;
        let mut first = 0;
        if self.mode == Mode::Weighted {
            let epochs = last / pairs;
            self.set.pairs().iter().for_each(|pair| counts[pair.rater as usize] += epochs);
            first = epochs * pairs;
        }
        for step in first / self.batch..last.div_ceil(self.batch) {
            // The window may begin in the epoch that was counted whole.
            let skipped = first.saturating_sub(step * self.batch) as usize;
            self.batch(step)[skipped..].iter().for_each(|visit| counts[visit.rater as usize] += 1);
        }
        counts
    }

    /// Visits `first` to `last` of epochs that visit every pair once.
    fn in_order(&self, first: u64, last: u64) -> Vec<Visit> {
        let pairs = self.set.len() as u64;
        let mut order: Option<(u64, Order)> = None;
        let visit = |number: u64| {
            let epoch = number / pairs;
            if order.as_ref().is_none_or(|(known, _)| *known != epoch) {
                order = Some((epoch, Order::new(self.seed, epoch, pairs as u32)));
            }
            let place = order.as_ref().map_or(0, |(_, order)| order.place((number % pairs) as u32));
            let pair = self.set.pairs()[place as usize];
            Visit { pair: pair.pair, weight: pair.weight, rater: pair.rater }
        };
        (first..last).map(visit).collect()
    }

    fn drawn(&self, number: u64) -> Visit {
        let moment = Counter::new(self.seed).at(0, number);
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let point = moment.units(0)[0] * total;
        let rater = self.cumulative.partition_point(|&sum| sum <= point).min(self.raters.len() - 1);
        let own = &self.by_rater[self.starts[rater]..self.starts[rater + 1]];
        let place = own[moment.below(1, own.len() as u64) as usize];
        Visit { pair: self.set.pairs()[place as usize].pair, weight: 1.0, rater: self.raters[rater] }
    }
}

/// The loss of a window of `window` visits (B), of which the last of a run may have fewer: `1/B sum w l`.
pub fn window_loss(visits: &[Visit], losses: &[f64], window: usize) -> f64 {
    visits.iter().zip(losses).map(|(visit, loss)| visit.weight * loss).sum::<f64>() / window as f64
}

/// The order of one epoch as a permutation that needs no list: the swap-or-not shuffle of Hoang, Morris and Rogaway
/// (CRYPTO 2012). In each round a key pairs every place `x` with `key - x`, and one random bit for both says whether they
/// change places.
struct Order {
    pairs: u32,
    keys: Vec<u32>,
    bits: Vec<crate::statistics::Moment>,
}

impl Order {
    fn new(seed: u64, epoch: u64, pairs: u32) -> Self {
        // Six rounds a bit are enough in theory for any list; small ones cost nothing.
        let rounds = 8 * u64::from(32 - pairs.leading_zeros()) + 16;
        let counter = Counter::new(seed);
        let moment = |round| counter.at(1 + epoch, round);
        let keys = (0..rounds).map(|round| moment(2 * round).below(0, u64::from(pairs)) as u32).collect();
        Self { pairs, keys, bits: (0..rounds).map(|round| moment(2 * round + 1)).collect() }
    }

    fn place(&self, start: u32) -> u32 {
        self.keys.iter().zip(&self.bits).fold(start, |place, (&key, bits)| {
            let other = ((u64::from(key) + u64::from(self.pairs) - u64::from(place)) % u64::from(self.pairs)) as u32;
            if bits.units(place.max(other))[0] < 0.5 { other } else { place }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scheme::{Scheme, Transform};
    use super::*;
    use proptest::prelude::*;

    fn set(rater_of: &[u32], inclusion: &[f64]) -> WeightedSet {
        let soft = Scheme::Soft { inclusion: inclusion.to_vec() };
        WeightedSet::new(rater_of, inclusion.len(), &soft, Transform::None).unwrap()
    }

    fn all(schedule: &Schedule) -> Vec<Visit> {
        (0..schedule.steps()).flat_map(|step| schedule.batch(step)).collect()
    }

    #[test]
    fn budgets_are_kept_to_the_visit() {
        let set = set(&[0, 0, 1, 1, 1], &[0.5, 0.5]);
        let with = |budget| Schedule::new(&set, Mode::Weighted, budget, 4, 1).unwrap();
        let numbers = |schedule: &Schedule| (schedule.steps(), schedule.total_visits(), all(schedule).len());
        assert_eq!(numbers(&with(Budget::EqualSteps(3))), (3, 12, 12));
        assert_eq!(numbers(&with(Budget::EqualEpochs(2.0))), (3, 10, 10));
        assert_eq!(numbers(&with(Budget::EqualVisits(9))), (3, 9, 9));
        assert_eq!((with(Budget::EqualVisits(9)).batch(2).len(), with(Budget::EqualVisits(9)).batch(3).len()), (1, 0));
        for budget in [Budget::EqualSteps(0), Budget::EqualEpochs(f64::NAN), Budget::EqualEpochs(-1.0)] {
            assert!(matches!(Schedule::new(&set, Mode::Weighted, budget, 4, 1), Err(ScheduleError::NoBudget(_))));
        }
        let refused = Schedule::new(&set, Mode::Weighted, Budget::EqualSteps(1), 0, 1);
        assert!(matches!(refused, Err(ScheduleError::EmptyWindow)));
    }

    #[test]
    fn every_order_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..24_000 {
            let order = Order::new(5, epoch, 4);
            *counts.entry([0, 1, 2, 3].map(|place| order.place(place))).or_insert(0u32) += 1;
        }
        // Chi-square with 23 degrees of freedom: 99.99 % quantile 59.
        let chi: f64 = counts.values().map(|&c| (f64::from(c) - 1000.0).powi(2) / 1000.0).sum();
        assert!(counts.len() == 24 && chi < 59.0, "{chi} {}", counts.len());
    }

    #[test]
    fn importance_sampling_draws_raters_by_share() {
        // Shares 0.6, 0.3 and 0.1 with 1, 3 and 6 pairs.
        let set = set(&[2, 0, 1, 1, 2, 2, 1, 2, 2, 2], &[0.6, 0.3, 0.1]);
        let draws = 60_000u64;
        let schedule = Schedule::new(&set, Mode::ImportanceSampling, Budget::EqualVisits(draws), 32, 9).unwrap();
        let mut pairs = [0u64; 10];
        for visit in all(&schedule) {
            pairs[visit.pair] += 1;
            assert_eq!(visit.weight, 1.0);
        }
        for (pair, &count) in pairs.iter().enumerate() {
            let chance = [0.1 / 6.0, 0.6, 0.1, 0.1, 0.1 / 6.0, 0.1 / 6.0, 0.1, 0.1 / 6.0, 0.1 / 6.0, 0.1 / 6.0][pair];
            let sd = (draws as f64 * chance * (1.0 - chance)).sqrt();
            assert!((count as f64 - draws as f64 * chance).abs() < 5.0 * sd, "pair {pair}: {count}");
        }
        let visits = schedule.visits(schedule.steps());
        assert_eq!(
            visits,
            [pairs[1], pairs[2] + pairs[3] + pairs[6], draws - pairs[1] - pairs[2] - pairs[3] - pairs[6]]
        );
    }

    #[test]
    fn a_panel_alone_is_never_left() {
        let hard = WeightedSet::new(&[0, 1, 2, 2], 3, &Scheme::Hard { panel: vec![0, 2] }, Transform::None).unwrap();
        let schedule = Schedule::new(&hard, Mode::ImportanceSampling, Budget::EqualSteps(500), 4, 3).unwrap();
        let visits = schedule.visits(500);
        assert!(visits[1] == 0 && visits[0] + visits[2] == 2000 && visits[0].abs_diff(1000) < 112, "{visits:?}");
    }

    /// Loss of pair `x` for the parameters `at`: `-log sigma(at . f_x)`, and its gradient.
    fn loss(at: [f64; 2], pair: usize) -> (f64, [f64; 2]) {
        let features = [(pair as f64 * 0.7).sin(), (pair as f64 * 1.3).cos()];
        let margin = at[0] * features[0] + at[1] * features[1];
        let share = 1.0 / (1.0 + margin.exp());
        ((1.0 + (-margin).exp()).ln(), features.map(|feature| -share * feature))
    }

    /// dempo.md, section 12, check 11.
    #[test]
    fn weights_act_unless_a_window_normalises_them_away() {
        let rater_of = [0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 3];
        let inclusion = [0.9, 0.05, 0.6, 0.45];
        let set = set(&rater_of, &inclusion);
        let at = [0.4, -0.8];
        // The closed form: sum over raters of pi_i / k times the rater's mean gradient.
        let counts = [3.0, 2.0, 1.0, 5.0];
        let k: f64 = inclusion.iter().sum();
        let mut soft = [0.0; 2];
        for (pair, &rater) in rater_of.iter().enumerate() {
            let gradient = loss(at, pair).1;
            (0..2).for_each(|d| soft[d] += inclusion[rater as usize] / k / counts[rater as usize] * gradient[d]);
        }
        for batch in [1, 4] {
            let schedule = Schedule::new(&set, Mode::Weighted, Budget::EqualEpochs(1.0), batch, 2).unwrap();
            let mut ours = [0.0; 2];
            let (mut normalised, mut plain) = ([0.0; 2], [0.0; 2]);
            for step in 0..schedule.steps() {
                let visits = schedule.batch(step);
                let sum: f64 = visits.iter().map(|visit| visit.weight).sum();
                for visit in &visits {
                    let gradient = loss(at, visit.pair).1;
                    for d in 0..2 {
                        ours[d] += visit.weight * gradient[d] / schedule.window() as f64;
                        normalised[d] += visit.weight / sum * gradient[d];
                        plain[d] += gradient[d] / visits.len() as f64;
                    }
                }
            }
            let pairs = set.len() as f64;
            for d in 0..2 {
                let summed = ours[d] * batch as f64 / pairs;
                assert!((summed / soft[d] - 1.0).abs() < 1e-6, "{summed} {}", soft[d]);
                if batch == 1 {
                    assert!((normalised[d] - plain[d]).abs() < 1e-12, "the weights have cancelled");
                    assert!((plain[d] / pairs / soft[d] - 1.0).abs() > 0.05, "the weights would not have mattered");
                }
            }
        }
    }

    #[test]
    fn a_short_last_window_is_divided_by_the_whole() {
        let visit = |weight| Visit { pair: 0, weight, rater: 0 };
        assert_eq!(window_loss(&[visit(2.0), visit(0.5)], &[1.0, 4.0], 8), 0.5);
    }

    proptest! {
        #[test]
        fn epochs_visit_every_pair_once(
            rater_of in proptest::collection::vec(0u32..5, 1..150),
            batch in 1..40usize,
            seed in 0..1000u64,
        ) {
            let set = WeightedSet::new(&rater_of, 5, &Scheme::Full, Transform::None).unwrap();
            let schedule = Schedule::new(&set, Mode::Weighted, Budget::EqualEpochs(2.0), batch, seed).unwrap();
            let visits = all(&schedule);
            for epoch in visits.chunks(rater_of.len()) {
                let mut pairs: Vec<usize> = epoch.iter().map(|visit| visit.pair).collect();
                pairs.sort_unstable();
                prop_assert_eq!(pairs, (0..rater_of.len()).collect::<Vec<_>>());
            }
            // Any prefix is counted, and a window is the same when asked for alone.
            let steps = schedule.steps() / 2 + 1;
            let mut counts = vec![0; 5];
            (0..steps).flat_map(|step| schedule.batch(step)).for_each(|visit| counts[visit.rater as usize] += 1);
            prop_assert_eq!(schedule.visits(steps), counts);
            let again = Schedule::new(&set, Mode::Weighted, Budget::EqualEpochs(2.0), batch, seed).unwrap();
            prop_assert_eq!(again.batch(steps - 1), schedule.batch(steps - 1));
        }
    }
}
