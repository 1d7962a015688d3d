//! Lotteries built panel by panel, for problems whose relaxation promises more than whole panels can keep: a linear
//! program over the panels found so far prices the types, an integer program finds the panel that these prices value
//! most (Flanigan, Gölz, Gupta, Hennig and Procaccia, Nature 2021, in the space of types; dempo.md, section 3.2).

use super::lottery::{TypeLottery, TypePanel};
use super::problem::Problem;
use super::program::{Effort, Program, Unsolved};
use super::sampled::occurring;
use crate::progress::Progress;

/// A panel worth at most this more than the best known ones does not change a chance that anybody sees.
const WORTH: f64 = 1e-8;
/// Share of the price of a stage at which a type counts as unable to do better.
const BINDING: f64 = 1e-6;

/// Panels found so far.
pub(super) struct Columns<'a> {
    problem: &'a Problem,
    panels: Vec<Vec<(u32, u32)>>,
}

/// What a leximin by columns reached.
pub(super) struct Reached {
    pub lottery: TypeLottery,
    /// Chance of each type as fixed by the stages.
    pub chances: Vec<f64>,
    /// Of each stage its chance and the bound that its last prices give, if the solver's proof is right that no panel is
    /// worth more.
    pub stages: Vec<(f64, f64)>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(problem: &'a Problem, known: &TypeLottery) -> Self {
        Self { problem, panels: known.panels.iter().map(|panel| panel.counts.clone()).collect() }
    }

    /// The panel worth most at `prices` (one a type and seat), with its worth; `None` where there is no panel at all.
    fn best(&self, prices: &[f64], progress: &dyn Progress) -> Result<Option<(Vec<u32>, f64)>, Unsolved> {
        let largest = prices.iter().fold(0.0, |most: f64, price| most.max(price.abs()));
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let mut program = Program::default();
        for (kind, price) in self.problem.types.iter().zip(prices) {
            program.whole(-price / scale, 0.0, f64::from(kind.size()));
        }
        for row in &self.problem.rows {
            let terms = row.types.iter().map(|&t| (t as usize, 1.0)).collect();
            program.constrain(terms, f64::from(row.min), f64::from(row.max));
        }
        let k = f64::from(self.problem.size);
        program.constrain((0..prices.len()).map(|t| (t, 1.0)).collect(), k, k);
        let found = match program.solve(Effort::EXACT, progress) {
            Ok(found) => found,
            Err(Unsolved::Infeasible) => return Ok(None),
            Err(other) => return Err(other),
        };
        let counts: Vec<u32> = found.values.iter().map(|&count| count as u32).collect();
        if !self.problem.admits(&counts) {
            return Err(Unsolved::Failed("a panel of the solver breaks the quotas".into()));
        }
        let worth = counts.iter().zip(prices).map(|(&count, price)| f64::from(count) * price).sum();
        Ok(Some((counts, worth)))
    }

    /// Adds panels until everybody who can be in one is in one; returns the types of all others, or `None` where there is
    /// no panel at all.
    pub(super) fn cover(&mut self, progress: &dyn Progress) -> Result<Option<Vec<bool>>, Unsolved> {
        progress.stage("looking for a panel for everybody");
        let mut missing = vec![true; self.problem.types.len()];
        self.panels.iter().flatten().for_each(|&(t, _)| missing[t as usize] = false);
        let all = missing.len() as u64;
        loop {
            let without = missing.iter().filter(|&&missing| missing).count();
            progress.report(all - without as u64, all);
            if without == 0 && !self.panels.is_empty() {
                return Ok(Some(missing));
            }
            let prices: Vec<f64> = missing.iter().map(|&missing| f64::from(u8::from(missing))).collect();
            let Some((counts, worth)) = self.best(&prices, progress)? else { return Ok(None) };
            if worth < 0.5 && !self.panels.is_empty() {
                return Ok(Some(missing));
            }
            let panel = occurring(&counts);
            panel.iter().for_each(|&(t, _)| missing[t as usize] = false);
            self.panels.push(panel);
        }
    }

    /// A linear program over the panels: their probabilities, then one more column; rows "the chance of a type minus
    /// `share` of that column is at least `floor`" after the row that makes probabilities sum to 1.
    fn program(&self, cost: f64, floors: &[Option<(f64, f64)>]) -> Program {
        let mut program = Program::default();
        for _ in &self.panels {
            program.column(0.0, 0.0, 1.0);
        }
        let last = program.column(cost, 0.0, 1.0);
        program.constrain((0..last).map(|panel| (panel, 1.0)).collect(), 1.0, 1.0);
        let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new(); floors.len()];
        for (panel, counts) in self.panels.iter().enumerate() {
            for &(t, count) in counts {
                rows[t as usize].push((panel, f64::from(count) / f64::from(self.problem.types[t as usize].size())));
            }
        }
        for (mut row, floor) in rows.into_iter().zip(floors) {
            if let Some((floor, share)) = floor {
                if *share != 0.0 {
                    row.push((last, *share));
                }
                program.constrain(row, *floor, f64::INFINITY);
            }
        }
        program
    }

    fn lottery(&self, weights: &[f64]) -> TypeLottery {
        let kept = |weight: f64| weight > 1e-10;
        let total: f64 = weights.iter().filter(|&&weight| kept(weight)).sum();
        let panels = self.panels.iter().zip(weights).filter(|&(_, &weight)| kept(weight));
        let panel = |(counts, weight): (&Vec<(u32, u32)>, &f64)| TypePanel {
            counts: counts.clone(),
            probability: weight / total,
        };
        TypeLottery { panels: panels.map(panel).collect() }
    }

    /// One price a seat of each type, from prices of rows that only some types have.
    fn prices(&self, floors: &[Option<(f64, f64)>], rows: &[f64]) -> Vec<f64> {
        let mut rows = rows.iter();
        let price = |(kind, floor): (&super::problem::PersonType, &Option<(f64, f64)>)| match floor {
            Some(_) => rows.next().map_or(0.0, |price| price.max(0.0) / f64::from(kind.size())),
            None => 0.0,
        };
        self.problem.types.iter().zip(floors).map(price).collect()
    }

    /// Adds panels until no other brings the lottery closer to `chances`: everybody has at least that less the returned
    /// amount, and no lottery does better than that by more than [`WORTH`].
    pub(super) fn approach(
        &mut self,
        chances: &[f64],
        progress: &dyn Progress,
    ) -> Result<(TypeLottery, f64), Unsolved> {
        progress.stage("looking for panels that give these chances");
        let floors: Vec<Option<(f64, f64)>> =
            chances.iter().map(|&chance| (chance > 0.0).then_some((chance, 1.0))).collect();
        loop {
            progress.report(self.panels.len() as u64, 0);
            let found = self.program(1.0, &floors).solve_interior(progress)?;
            let short = found.values[self.panels.len()];
            let prices = self.prices(&floors, &found.multipliers[1..]);
            let known = self.worth_of_known(&prices);
            let (counts, worth) = self.best(&prices, progress)?.ok_or(Unsolved::Infeasible)?;
            if worth <= known + WORTH || short <= WORTH {
                return Ok((self.lottery(&found.values[..self.panels.len()]), short));
            }
            self.panels.push(occurring(&counts));
        }
    }

    fn worth_of_known(&self, prices: &[f64]) -> f64 {
        let worth = |panel: &Vec<(u32, u32)>| -> f64 {
            panel.iter().map(|&(t, count)| f64::from(count) * prices[t as usize]).sum()
        };
        self.panels.iter().map(worth).fold(0.0, f64::max)
    }

    /// Leximin over whole panels; types marked `unreachable` keep chance 0. Ends after `last` stages.
    pub(super) fn leximin(
        &mut self,
        unreachable: &[bool],
        last: usize,
        progress: &dyn Progress,
    ) -> Result<Reached, Unsolved> {
        progress.stage("finding the fairest lottery panel by panel");
        let mut fixed: Vec<Option<f64>> = unreachable.iter().map(|&out| out.then_some(0.0)).collect();
        let mut stages = Vec::new();
        let mut weights = Vec::new();
        while stages.len() < last && fixed.iter().any(Option::is_none) {
            let done = fixed.iter().filter(|chance| chance.is_some()).count();
            progress.report(done as u64, fixed.len() as u64);
            let (chance, bound, binding, found) = self.stage(&fixed, progress)?;
            for t in binding {
                fixed[t] = Some(chance);
            }
            stages.push((chance, bound));
            weights = found;
        }
        let lowest = stages.last().map_or(0.0, |&(chance, _)| chance);
        let chances = fixed.iter().map(|chance| chance.unwrap_or(lowest)).collect();
        Ok(Reached { lottery: self.lottery(&weights), chances, stages })
    }

    /// One stage: its chance, its bound, the types that it fixes and the probabilities of the panels.
    fn stage(
        &mut self,
        fixed: &[Option<f64>],
        progress: &dyn Progress,
    ) -> Result<(f64, f64, Vec<usize>, Vec<f64>), Unsolved> {
        let mut slack = 1e-9;
        loop {
            let floors: Vec<Option<(f64, f64)>> = fixed
                .iter()
                .map(|chance| match chance {
                    Some(0.0) => None,
                    Some(chance) => Some((chance - slack, 0.0)),
                    None => Some((0.0, -1.0)),
                })
                .collect();
            let found = match self.program(-1.0, &floors).solve_interior(progress) {
                Ok(found) => found,
                // Floors that leave no interior: lower them by a hair more.
                Err(Unsolved::Infeasible | Unsolved::Failed(_)) if slack < 1e-6 => {
                    slack *= 10.0;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut rows = found.multipliers[1..].iter();
            let shares: Vec<f64> = floors
                .iter()
                .map(|floor| if floor.is_some() { rows.next().map_or(0.0, |p| p.max(0.0)) } else { 0.0 })
                .collect();
            let open: f64 = shares.iter().zip(fixed).filter(|(_, fixed)| fixed.is_none()).map(|(share, _)| share).sum();
            if open.is_nan() || open <= 0.0 {
                return Err(Unsolved::Failed("a stage of leximin came without prices".into()));
            }
            let prices = self.prices(&floors, &found.multipliers[1..]);
            let (counts, worth) = self.best(&prices, progress)?.ok_or(Unsolved::Infeasible)?;
            if worth > self.worth_of_known(&prices) + WORTH * open {
                self.panels.push(occurring(&counts));
                continue;
            }
            let chance = found.values[self.panels.len()].clamp(0.0, 1.0);
            let held: f64 = shares.iter().zip(fixed).map(|(share, fixed)| share * fixed.unwrap_or(0.0)).sum();
            let bound = (worth - held) / open;
            let most = shares.iter().zip(fixed).filter(|(_, fixed)| fixed.is_none()).map(|(share, _)| share / open);
            let limit = most.fold(0.0, f64::max).min(BINDING);
            let binding = (0..fixed.len()).filter(|&t| fixed[t].is_none() && shares[t] / open >= limit).collect();
            return Ok((chance, bound, binding, found.values[..self.panels.len()].to_vec()));
        }
    }
}
