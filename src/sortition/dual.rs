//! The dual simplex with long steps on a [`Simplex`]: from any basis whose variables rest at the bounds that their costs
//! ask for, it repairs one violated bound after the other. After a change of bounds or of a few costs that takes a few
//! exchanges where the other way round takes hundreds. Where it ends in doubt it says so, and the primal method goes on.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::simplex::{FLAT, NEAR, PIVOT, REFRESH, Simplex, Status};
use crate::progress::{Cancelled, Progress};

/// A variable that could enter the basis; the first in order is the one whose costs turn first.
struct Candidate {
    variable: usize,
    /// How far the costs may turn before it improves by leaving its bound.
    ratio: f64,
    /// The size of its entry in the row of the leaving variable.
    size: f64,
}

impl Ord for Candidate {
    /// Of equal ratios the largest entry comes first: the safest pivot. The heap gives the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        let turn = other.ratio.total_cmp(&self.ratio).then(self.size.total_cmp(&other.size));
        turn.then(other.variable.cmp(&self.variable))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

/// What each variable outside the basis costs beyond what its rows are worth, and its entry in the row of the variable that
/// is leaving. Variables that cannot move are left out.
struct Reduced {
    movable: Vec<usize>,
    costs: Vec<f64>,
    entries: Vec<f64>,
}

impl Simplex {
    /// From the present basis towards a vertex of least cost. `None` where it gave up: the basis is then as good as any.
    pub(super) fn solve_dual(&mut self, progress: &dyn Progress) -> Result<Option<Status>, Cancelled> {
        let mut reduced = self.rest_where_costs_ask();
        self.evaluate();
        let limit = 100 + 6 * self.rows() as u64;
        for iteration in 1..=limit {
            if iteration % REFRESH == 0 {
                progress.checkpoint()?;
                self.invert();
                reduced = self.rest_where_costs_ask();
                self.evaluate();
            }
            let Some((leaving, above)) = self.most_violated() else { return Ok(Some(Status::Solved)) };
            let (lower, upper) = self.range(self.basis[leaving]);
            let value = self.values[leaving];
            let (bound, violation) = if above { (upper, value - upper) } else { (lower, lower - value) };
            let mut candidates = self.candidates(leaving, above, &mut reduced);
            let mut left = violation;
            let mut passed = Vec::new();
            let mut found = None;
            while let Some(candidate) = candidates.pop() {
                let (low, high) = self.range(candidate.variable);
                left -= candidate.size * (high - low);
                if left < 0.0 {
                    found = Some(candidate);
                    break;
                }
                passed.push(candidate.variable);
            }
            let Some(Candidate { variable: entering, size, .. }) = found else {
                if left <= NEAR {
                    return Ok(None);
                }
                // All variables of the row at their best do not reach the bound: its multipliers show that.
                let rows = self.rows();
                let sign = if above { 1.0 } else { -1.0 };
                self.multipliers = self.inverse[leaving * rows..][..rows].iter().map(|by| sign * by).collect();
                return Ok(Some(Status::Infeasible));
            };
            if size < PIVOT {
                return Ok(None);
            }
            self.pass(&passed);
            let column = self.transformed(entering);
            let distance = (self.values[leaving] - bound) / column[leaving];
            for (value, by) in self.values.iter_mut().zip(&column) {
                *value -= by * distance;
            }
            let start = self.resting(entering);
            let out = self.basis[leaving];
            self.exchange(entering, leaving, above, &column);
            self.values[leaving] = start + distance;
            reduced.turn(entering, out);
        }
        Ok(None)
    }

    /// Lets every variable outside the basis rest at the bound where its costs are least.
    fn rest_where_costs_ask(&mut self) -> Reduced {
        let prices = self.prices_of_costs();
        let all = self.width() + self.rows();
        let mut reduced = Reduced { movable: Vec::new(), costs: vec![0.0; all], entries: vec![0.0; all] };
        for variable in 0..all {
            let (lower, upper) = self.range(variable);
            if lower != upper {
                reduced.movable.push(variable);
            }
            if self.place[variable] == usize::MAX {
                let cost = self.reduced_cost(variable, &prices);
                reduced.costs[variable] = cost;
                if cost.abs() > FLAT {
                    self.at_upper[variable] = cost < 0.0;
                }
            }
        }
        reduced
    }

    /// The basic variable farthest beyond a bound, and whether it lies above.
    fn most_violated(&self) -> Option<(usize, bool)> {
        let mut worst = None;
        let mut most = NEAR;
        for (place, (&variable, &value)) in self.basis.iter().zip(&self.values).enumerate() {
            let (lower, upper) = self.range(variable);
            let (violation, above) = if value > upper { (value - upper, true) } else { (lower - value, false) };
            if violation > most {
                (most, worst) = (violation, Some((place, above)));
            }
        }
        worst
    }

    /// The variables that move the leaving one towards its bound.
    fn candidates(&self, leaving: usize, above: bool, reduced: &mut Reduced) -> BinaryHeap<Candidate> {
        let rows = self.rows();
        let row = &self.inverse[leaving * rows..][..rows];
        let sign = if above { 1.0 } else { -1.0 };
        let mut candidates = Vec::new();
        for &variable in &reduced.movable {
            if self.place[variable] != usize::MAX {
                continue;
            }
            let entry = match variable.checked_sub(self.width()) {
                None => self.columns[variable].iter().map(|&(place, by)| row[place as usize] * by).sum(),
                Some(own) => -row[own],
            };
            reduced.entries[variable] = entry;
            let towards = if self.at_upper[variable] { -sign * entry } else { sign * entry };
            if towards > FLAT {
                candidates.push(Candidate { variable, ratio: reduced.costs[variable].abs() / towards, size: towards });
            }
        }
        candidates.into()
    }

    /// Moves variables outside the basis to their other bounds.
    fn pass(&mut self, variables: &[usize]) {
        if variables.is_empty() {
            return;
        }
        let rows = self.rows();
        let mut sums = vec![0.0; rows];
        for &variable in variables {
            let before = self.resting(variable);
            self.at_upper[variable] = !self.at_upper[variable];
            let moved = self.resting(variable) - before;
            match variable.checked_sub(self.width()) {
                None => self.columns[variable].iter().for_each(|&(row, by)| sums[row as usize] += by * moved),
                Some(row) => sums[row] -= moved,
            }
        }
        for (value, inverse) in self.values.iter_mut().zip(self.inverse.chunks_exact(rows)) {
            *value -= inverse.iter().zip(&sums).map(|(by, sum)| by * sum).sum::<f64>();
        }
    }
}

impl Reduced {
    /// After an exchange: the costs turn until the entering variable's are none.
    fn turn(&mut self, entering: usize, out: usize) {
        let by = self.costs[entering] / self.entries[entering];
        for &variable in &self.movable {
            self.costs[variable] -= by * self.entries[variable];
        }
        self.costs[out] = -by;
        self.costs[entering] = 0.0;
        self.entries[entering] = 0.0;
        self.entries[out] = 0.0;
    }
}
