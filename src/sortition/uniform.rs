//! The uniform law over all panels that meet the quotas: the most random of all rules (de Azevedo and Gölz, "Maximally
//! random sortition", 2026).
//!
//! Exactly, where the sums that the quotas look at have few combinations: a dynamic program over types, in which a panel
//! counted by types stands for `prod binom(m_t, c_t)` panels of people. Otherwise by Metropolis chains over all subsets of
//! k people that exchange one person a step and pay for every seat by which quotas are missed; the states that miss
//! none are uniform over the panels, and no panel is cut off from another as it would be for exchanges between panels.

use std::collections::HashMap;

use super::problem::Problem;
use super::sampled::{SampleError, SampledChances, chances_of_types, equally, occurring, rows_of_types};
use crate::progress::Progress;
use crate::statistics::{Stream, effective_size, r_hat};

/// A sum that can no longer miss its bounds and need not be told apart.
const FREE: u16 = u16::MAX;

/// Panels kept of a chain's feasible states, and drawn of the exact law.
const KEPT: u64 = 1000;

/// Sizes of the computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UniformSettings {
    /// Most transitions of the dynamic program, at 12 bytes each; 0 goes straight to the chains.
    pub transitions: usize,
    /// Chains, at least 2, that start apart.
    pub chains: u32,
    /// Sweeps of each chain, one exchange a seat each, after a fifth as many that are thrown away.
    pub sweeps: u64,
}

impl Default for UniformSettings {
    fn default() -> Self {
        Self { transitions: 500_000, chains: 4, sweeps: 10_000 }
    }
}

/// How far the chains can be believed.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ChainDiagnostics {
    /// Share of sweeps that ended in a panel meeting all quotas.
    pub feasible: f64,
    /// What a missed seat multiplies a state's weight by.
    pub penalty: f64,
    /// Largest R-hat of the sums that quotas look at (Gelman and Rubin 1992); above 1.01 the chains disagree. `None`
    /// where no sum varies.
    pub r_hat: Option<f64>,
    /// Fewest effective sweeps of such a sum, of all chains together.
    pub effective: f64,
    /// Sweeps of all chains that were counted.
    pub sweeps: u64,
}

/// Everybody's chance under the uniform law.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Uniform {
    /// The chances, with intervals of width 0 where they are exact.
    pub chances: SampledChances,
    /// Natural logarithm of the number of panels; `None` from chains.
    pub log_panels: Option<f64>,
    /// `None` where the chances are exact.
    pub chain: Option<ChainDiagnostics>,
}

/// The uniform law by dynamic programming.
pub struct ExactUniform<'a> {
    problem: &'a Problem,
    layers: Vec<Layer>,
    /// For each layer of states, the share of completions, up to a common factor.
    completions: Vec<Vec<f64>>,
    log_panels: f64,
}

/// The ways to take people of one type.
struct Layer {
    /// For each state before, where its transitions start.
    starts: Vec<u32>,
    /// State after, and people taken.
    transitions: Vec<(u32, u32)>,
    /// Relative number of ways to take 0, 1, ... people.
    ways: Vec<f64>,
}

impl<'a> ExactUniform<'a> {
    /// The law, or `None` where it takes more than `limit` transitions; an error where no panel exists.
    pub fn new(problem: &'a Problem, limit: usize, progress: &dyn Progress) -> Result<Option<Self>, SampleError> {
        progress.stage("counting panels");
        let rows_of = rows_of_types(problem);
        let size = problem.size;
        let mut ahead: Vec<u32> =
            problem.rows.iter().map(|row| row.types.iter().map(|&t| problem.types[t as usize].size()).sum()).collect();
        let mut people_ahead = problem.people() as u32;
        // A state: seats taken in all, then in every row that still matters.
        let settle = |sums: &mut [u16], ahead: &[u32], people_ahead: u32| {
            let taken = u32::from(sums[0]);
            if taken > size || taken + people_ahead < size {
                return false;
            }
            problem.rows.iter().zip(ahead).zip(&mut sums[1..]).all(|((row, &ahead), sum)| {
                if *sum == FREE {
                    return true;
                }
                let (low, high) = (u32::from(*sum), u32::from(*sum) + ahead.min(size - taken));
                if low >= row.min && high <= row.max {
                    *sum = FREE;
                }
                low <= row.max && high >= row.min
            })
        };
        let mut start = vec![0; problem.rows.len() + 1];
        let mut states: Vec<Box<[u16]>> = Vec::new();
        if settle(&mut start, &ahead, people_ahead) {
            states.push(start.into());
        }
        let mut layers = Vec::with_capacity(problem.types.len());
        let (mut total, mut scale) = (0, 0.0);
        for (t, kind) in problem.types.iter().enumerate() {
            progress.checkpoint()?;
            progress.report(t as u64, problem.types.len() as u64);
            rows_of[t].iter().for_each(|&row| ahead[row as usize] -= kind.size());
            people_ahead -= kind.size();
            let mut known: HashMap<Box<[u16]>, u32> = HashMap::new();
            let mut next = Vec::new();
            let (mut starts, mut transitions) = (vec![0], Vec::new());
            for state in &states {
                for count in 0..=kind.size().min(size - u32::from(state[0])) {
                    let mut sums = state.clone();
                    sums[0] += count as u16;
                    for &row in &rows_of[t] {
                        let sum = &mut sums[row as usize + 1];
                        *sum = if *sum == FREE { FREE } else { *sum + count as u16 };
                    }
                    if !settle(&mut sums, &ahead, people_ahead) {
                        continue;
                    }
                    let place = *known.entry(sums).or_insert_with_key(|sums| {
                        next.push(sums.clone());
                        next.len() as u32 - 1
                    });
                    transitions.push((place, count));
                }
                if total + transitions.len() > limit {
                    return Ok(None);
                }
                starts.push(transitions.len() as u32);
            }
            total += transitions.len();
            let (ways, log_scale) = relative_binomials(kind.size(), size);
            scale += log_scale;
            layers.push(Layer { starts, transitions, ways });
            states = next;
        }
        if states.is_empty() {
            return Err(SampleError::NoPanel { attempts: 0 });
        }
        let mut completions = vec![vec![1.0; states.len()]];
        for layer in layers.iter().rev() {
            let later = &completions[completions.len() - 1];
            let sum = |ends: &[u32]| {
                let own = &layer.transitions[ends[0] as usize..ends[1] as usize];
                own.iter().map(|&(to, count)| layer.ways[count as usize] * later[to as usize]).sum::<f64>()
            };
            let mut here: Vec<f64> = layer.starts.windows(2).map(sum).collect();
            let largest = here.iter().copied().fold(0.0, f64::max);
            here.iter_mut().for_each(|value| *value /= largest);
            scale += largest.ln();
            completions.push(here);
        }
        completions.reverse();
        Ok(Some(Self { problem, layers, completions, log_panels: scale }))
    }

    /// Natural logarithm of the number of panels of people.
    pub fn log_panels(&self) -> f64 {
        self.log_panels
    }

    /// The expected count of each type.
    pub fn expected_counts(&self) -> Vec<f64> {
        let mut reached = vec![1.0];
        let mut expected = Vec::with_capacity(self.layers.len());
        for t in 0..self.layers.len() {
            let later = &self.completions[t + 1];
            let mut next = vec![0.0; later.len()];
            let mut mean = 0.0;
            for (state, &probability) in reached.iter().enumerate().filter(|(_, share)| **share > 0.0) {
                for (to, count, share) in self.choices(t, state) {
                    next[to] += probability * share;
                    mean += probability * share * f64::from(count);
                }
            }
            expected.push(mean);
            reached = next;
        }
        expected
    }

    /// From `state` before type `t`, one from which panels are reached: states after, people taken, probabilities.
    fn choices(&self, t: usize, state: usize) -> impl Iterator<Item = (usize, u32, f64)> {
        let (layer, later) = (&self.layers[t], &self.completions[t + 1]);
        let own = &layer.transitions[layer.starts[state] as usize..layer.starts[state + 1] as usize];
        let weigh = |&(to, count): &(u32, u32)| layer.ways[count as usize] * later[to as usize];
        let total: f64 = own.iter().map(weigh).sum();
        own.iter().map(move |choice| (choice.0 as usize, choice.1, weigh(choice) / total))
    }

    /// One panel, uniformly: counts of the types that occur.
    pub fn draw(&self, stream: &mut Stream) -> Vec<(u32, u32)> {
        let mut state = 0;
        let mut counts = Vec::new();
        for t in 0..self.problem.types.len() {
            let choices: Vec<(usize, u32, f64)> = self.choices(t, state).collect();
            let weights: Vec<f64> = choices.iter().map(|choice| choice.2).collect();
            let (to, count, _) = choices[stream.weighted(&weights)];
            state = to;
            counts.push(count);
        }
        occurring(&counts)
    }
}

/// `binom(m, c)` for `c` up to `min(m, k)`, divided by the largest of them, and the logarithm of that.
fn relative_binomials(m: u32, k: u32) -> (Vec<f64>, f64) {
    let mut logs = vec![0.0];
    for c in 0..m.min(k) {
        logs.push(logs[c as usize] + f64::from(m - c).ln() - f64::from(c + 1).ln());
    }
    let largest = logs.iter().copied().fold(0.0, f64::max);
    (logs.into_iter().map(|log| (log - largest).exp()).collect(), largest)
}

/// Everybody's chance under the uniform law: exactly within the limit of `settings`, else by chains with intervals of
/// confidence `level` each.
pub fn chances(
    problem: &Problem,
    settings: UniformSettings,
    seed: u64,
    level: f64,
    progress: &dyn Progress,
) -> Result<Uniform, SampleError> {
    let Some(exact) = ExactUniform::new(problem, settings.transitions, progress)? else {
        return by_chains(problem, settings, seed, level, progress);
    };
    let kinds = exact.expected_counts().into_iter().zip(&problem.types);
    let estimates: Vec<(f64, f64)> = kinds.map(|(mean, kind)| (mean / f64::from(kind.size()), f64::INFINITY)).collect();
    let sample = equally((0..KEPT).map(|number| exact.draw(&mut Stream::new(seed, number))).collect());
    let chances = chances_of_types(problem, &estimates, level, (0, 0), sample);
    Ok(Uniform { chances, log_panels: Some(exact.log_panels()), chain: None })
}

/// One chain over subsets of k people, by types.
struct Chain<'a> {
    problem: &'a Problem,
    rows_of: &'a [Vec<u32>],
    /// Types of the people inside and outside.
    inside: Vec<u32>,
    outside: Vec<u32>,
    sums: Vec<u32>,
    /// Seats by which rows miss their bounds, of all rows.
    missed: u32,
    /// Weight factors of 0, 1, ... more missed seats.
    factors: Vec<f64>,
    stream: Stream,
}

impl<'a> Chain<'a> {
    fn new(problem: &'a Problem, rows_of: &'a [Vec<u32>], mut stream: Stream) -> Self {
        let kinds: Vec<u32> = (0..problem.types.len())
            .flat_map(|t| std::iter::repeat_n(t as u32, problem.types[t].members.len()))
            .collect();
        let order = stream.distinct(kinds.len(), kinds.len());
        let mut inside: Vec<u32> = order.into_iter().map(|person| kinds[person]).collect();
        let outside = inside.split_off(problem.size as usize);
        let mut sums = vec![0; problem.rows.len()];
        inside.iter().flat_map(|&t| &rows_of[t as usize]).for_each(|&row| sums[row as usize] += 1);
        let missed = sums.iter().zip(&problem.rows).map(|(&sum, row)| missing(sum, row.min, row.max)).sum();
        Self { problem, rows_of, inside, outside, sums, missed, factors: Vec::new(), stream }
    }

    /// Sets what a missed seat multiplies weights by; powers by products, which are the same on every platform.
    fn set_penalty(&mut self, penalty: f64) {
        let most = 2 * self.rows_of.iter().map(Vec::len).max().unwrap_or(0);
        self.factors = std::iter::successors(Some(1.0), |factor| Some(factor * penalty)).take(most + 1).collect();
    }

    /// One exchange a seat.
    fn sweep(&mut self) {
        if self.outside.is_empty() {
            return;
        }
        for _ in 0..self.inside.len() {
            let leaves = self.stream.below(self.inside.len() as u64) as usize;
            let enters = self.stream.below(self.outside.len() as u64) as usize;
            let (from, to) = (self.inside[leaves] as usize, self.outside[enters] as usize);
            if from == to {
                continue;
            }
            let (less, more) = (&self.rows_of[from], &self.rows_of[to]);
            let mut change = 0;
            let mut moves = |rows: &[u32], others: &[u32], step: i32| {
                for &place in rows.iter().filter(|place| !others.contains(place)) {
                    let (row, sum) = (&self.problem.rows[place as usize], self.sums[place as usize]);
                    change += missing(sum.wrapping_add_signed(step), row.min, row.max) as i32
                        - missing(sum, row.min, row.max) as i32;
                }
            };
            moves(less, more, -1);
            moves(more, less, 1);
            if change > 0 && self.stream.unit() >= self.factors[change as usize] {
                continue;
            }
            less.iter().for_each(|&row| self.sums[row as usize] -= 1);
            more.iter().for_each(|&row| self.sums[row as usize] += 1);
            self.missed = self.missed.wrapping_add_signed(change);
            (self.inside[leaves], self.outside[enters]) = (to as u32, from as u32);
        }
    }

    fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.problem.types.len()];
        self.inside.iter().for_each(|&t| counts[t as usize] += 1);
        counts
    }
}

/// Seats by which `sum` misses its bounds.
fn missing(sum: u32, min: u32, max: u32) -> u32 {
    min.saturating_sub(sum) + sum.saturating_sub(max)
}

/// Parts that a chain is cut into for its variance.
const BATCHES: u64 = 50;

/// What a chain met in one part of its run.
#[derive(Clone)]
struct Batch {
    panels: u64,
    sums: Vec<u64>,
}

fn by_chains(
    problem: &Problem,
    settings: UniformSettings,
    seed: u64,
    level: f64,
    progress: &dyn Progress,
) -> Result<Uniform, SampleError> {
    progress.stage("exchanging people at random");
    let rows_of = rows_of_types(problem);
    let chains = u64::from(settings.chains.max(2));
    let length = (settings.sweeps / BATCHES).max(1);
    let sweeps = length * BATCHES;
    let mut first = Chain::new(problem, &rows_of, Stream::new(seed, 0));
    let penalty = suitable_penalty(&mut first, progress)?;
    let mut batches: Vec<Vec<Batch>> = Vec::new();
    let mut kept = Vec::new();
    let (mut feasible, every) = (0, (chains * sweeps / KEPT).max(1));
    // For each quota, the history of its sum in each chain.
    let watched: Vec<usize> = (0..problem.rows.len()).collect();
    let mut histories: Vec<Vec<Vec<f64>>> = vec![Vec::new(); watched.len()];
    for number in 0..chains {
        // Stream 0 tuned the penalty.
        let mut chain = Chain::new(problem, &rows_of, Stream::new(seed, number + 1));
        chain.set_penalty(penalty);
        for sweep in 0..sweeps / 5 {
            chain.sweep();
            if sweep % 16 == 0 {
                progress.checkpoint()?;
            }
        }
        let mut own = vec![Batch { panels: 0, sums: vec![0; problem.types.len()] }; BATCHES as usize];
        let mut history = vec![Vec::with_capacity(sweeps as usize); watched.len()];
        for sweep in 0..sweeps {
            chain.sweep();
            if sweep % 16 == 0 {
                progress.checkpoint()?;
                progress.report(number * sweeps + sweep, chains * sweeps);
            }
            for (series, &row) in history.iter_mut().zip(&watched) {
                series.push(f64::from(chain.sums[row]));
            }
            if chain.missed == 0 {
                let batch = &mut own[(sweep / length) as usize];
                batch.panels += 1;
                chain.inside.iter().for_each(|&t| batch.sums[t as usize] += 1);
                if feasible % every == 0 && (kept.len() as u64) < KEPT {
                    kept.push(occurring(&chain.counts()));
                }
                feasible += 1;
            }
        }
        batches.push(own);
        histories.iter_mut().zip(history).for_each(|(all, own)| all.push(own));
    }
    if feasible == 0 {
        return Err(SampleError::NoPanel { attempts: chains * sweeps });
    }
    let sizes: Vec<Option<f64>> = histories.iter().map(|series| effective_size(series)).collect();
    let effective = sizes.into_iter().flatten().fold((chains * sweeps) as f64, f64::min);
    let worst = histories.iter().filter_map(|series| r_hat(series)).reduce(f64::max);
    let share = feasible as f64 / (chains * sweeps) as f64;
    let estimates: Vec<(f64, f64)> = (0..problem.types.len())
        .map(|t| {
            let m = f64::from(problem.types[t].size());
            let sums: u64 = batches.iter().flatten().map(|batch| batch.sums[t]).sum();
            let chance = sums as f64 / (feasible as f64 * m);
            let variance = ratio_variance(&batches, t, m, chance, 1).max(ratio_variance(&batches, t, m, chance, 5));
            let worth = chance * (1.0 - chance) / variance;
            // What never changed is worth no more than the worst of the sums watched.
            (chance, if worth.is_finite() && worth > 0.0 { worth } else { (effective * share).max(1.0) })
        })
        .collect();
    let counted = (feasible, chains * sweeps - feasible);
    let chances = chances_of_types(problem, &estimates, level, counted, equally(kept));
    let chain = ChainDiagnostics { feasible: share, penalty, r_hat: worst, effective, sweeps: chains * sweeps };
    Ok(Uniform { chances, log_panels: None, chain: Some(chain) })
}

/// Variance of the ratio of sums over batches, with `merged` neighbours taken together.
fn ratio_variance(batches: &[Vec<Batch>], t: usize, m: f64, chance: f64, merged: usize) -> f64 {
    let (mut squares, mut panels, mut parts) = (0.0, 0.0, 0.0);
    for group in batches.iter().flat_map(|chain| chain.chunks(merged)) {
        let count: u64 = group.iter().map(|batch| batch.panels).sum();
        let sum: u64 = group.iter().map(|batch| batch.sums[t]).sum();
        let residual = sum as f64 / m - chance * count as f64;
        squares += residual * residual;
        panels += count as f64;
        parts += 1.0;
    }
    squares / (panels * panels) * parts / (parts - 1.0)
}

/// The mildest penalty under which a fifth of the sweeps end in a panel, or the one with most.
fn suitable_penalty(chain: &mut Chain, progress: &dyn Progress) -> Result<f64, SampleError> {
    let mut best = (0.0, 0);
    for penalty in [0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02] {
        chain.set_penalty(penalty);
        let mut met = 0;
        for sweep in 0..300 {
            if sweep % 16 == 0 {
                progress.checkpoint()?;
            }
            chain.sweep();
            met += u32::from(sweep >= 100 && chain.missed == 0);
        }
        if best.0 == 0.0 || met > best.1 {
            best = (penalty, met);
        }
        if met >= 40 {
            break;
        }
    }
    Ok(best.0)
}

#[cfg(test)]
mod tests {
    use super::super::sampled::instances::{self, every_panel, square, uniform_counts};
    use super::*;
    use crate::progress::Silent;

    /// Two attributes of three values under loose quotas, and one address shared by two people.
    fn medium() -> Problem {
        let bounds = [
            ("a", "x", 1, 2),
            ("a", "y", 0, 3),
            ("a", "z", 1, 2),
            ("b", "u", 1, 3),
            ("b", "v", 0, 4),
            ("b", "w", 1, 2),
        ];
        let people: [(&[&str], usize); 6] = [
            (&["x", "u"], 3),
            (&["x", "w"], 1),
            (&["y", "u"], 2),
            (&["y", "v"], 2),
            (&["z", "v"], 2),
            (&["z", "w"], 2),
        ];
        let (pool, quotas) = instances::instance(4, &bounds, &people);
        let homes = (0..pool.len()).map(|person| if person % 5 == 1 { "h".into() } else { String::new() }).collect();
        let rows: Vec<Vec<u16>> = (0..pool.len()).map(|person| pool.values(person).to_vec()).collect();
        let pool =
            super::super::pool::Pool::new(pool.attributes().to_vec(), pool.ids().to_vec(), &rows, homes).unwrap();
        Problem::new(&pool, &quotas, true).unwrap()
    }

    #[test]
    fn the_program_counts_what_enumeration_counts() {
        for problem in [square(), medium()] {
            let exact = ExactUniform::new(&problem, 1_000_000, &Silent).unwrap().unwrap();
            let total: f64 = every_panel(&problem).iter().map(|(_, weight)| weight).sum();
            assert!((exact.log_panels() - total.ln()).abs() < 1e-12);
            for (found, known) in exact.expected_counts().iter().zip(uniform_counts(&problem)) {
                assert!((found - known).abs() < 1e-12, "{found} {known}");
            }
            let counts = exact.draw(&mut Stream::new(1, 1));
            let mut full = vec![0; problem.types.len()];
            counts.iter().for_each(|&(t, count)| full[t as usize] = count);
            assert!(problem.admits(&full));
        }
        assert!(ExactUniform::new(&medium(), 10, &Silent).unwrap().is_none());
    }

    #[test]
    fn chains_agree_with_enumeration() {
        // In the square no exchange of one person leads from one panel to another.
        for problem in [square(), medium()] {
            let settings = UniformSettings { transitions: 0, chains: 4, sweeps: 10_000 };
            let found = chances(&problem, settings, 3, 0.9999, &Silent).unwrap();
            for (kind, known) in problem.types.iter().zip(uniform_counts(&problem)) {
                let person = kind.members[0] as usize;
                let [low, high] = found.chances.interval[person];
                let known = known / f64::from(kind.size());
                assert!(low <= known && known <= high, "{known} outside {low} {high}");
                assert!(high - low < 0.06, "{low} {high}");
            }
            let chain = found.chain.clone().unwrap();
            assert!(chain.feasible > 0.05 && chain.r_hat.unwrap() < 1.01, "{chain:?}");
            assert!((found.chances.inclusion.iter().sum::<f64>() - f64::from(problem.size)).abs() < 1e-9);
            assert_eq!(chances(&problem, settings, 3, 0.9999, &Silent).unwrap(), found);
        }
    }

    #[test]
    fn large_pools_of_few_types_stay_exact() {
        let bounds = [("a", "x", 90, 110), ("a", "y", 40, 60), ("a", "z", 40, 60)];
        let people: [(&[&str], usize); 3] = [(&["x"], 800), (&["y"], 700), (&["z"], 500)];
        let problem = instances::problem(200, &bounds, &people);
        let found = chances(&problem, UniformSettings::default(), 1, 0.95, &Silent).unwrap();
        assert!(found.chain.is_none() && found.log_panels.unwrap().is_finite());
        assert!((found.chances.inclusion.iter().sum::<f64>() - 200.0).abs() < 1e-9);
    }

    #[test]
    fn no_panel_at_all() {
        let people: [(&[&str], usize); 2] = [(&["F"], 1), (&["M"], 3)];
        let problem = instances::problem(2, &[("gender", "F", 2, 2), ("gender", "M", 0, 0)], &people);
        for transitions in [0, 1000] {
            let settings = UniformSettings { transitions, chains: 2, sweeps: 100 };
            assert!(matches!(chances(&problem, settings, 1, 0.95, &Silent), Err(SampleError::NoPanel { .. })));
        }
    }
}
