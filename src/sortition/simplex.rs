//! A simplex for programs with few rows and many columns that are solved again and again after small changes: quotas
//! while they are edited, branches of a search. Every bound is finite, the inverse of the basis is dense, and a basis
//! stays good whatever the bounds become. That nothing meets the rows is never taken from the arithmetic of the
//! solver: [`Simplex::proof`] makes multipliers of whole numbers that show it in exact arithmetic (Farkas).

use crate::progress::{Cancelled, Progress};

/// Distance from a bound that counts as none.
const NEAR: f64 = 1e-7;
/// Reduced costs below this are none.
const FLAT: f64 = 1e-9;
/// Entries of the inverse below this are no pivots.
const PIVOT: f64 = 1e-7;
/// Pivots between two fresh inverses.
const REFRESH: u64 = 60;
/// Steps without progress after which the choice of columns becomes careful (Bland's rule).
const PATIENCE: u32 = 40;

/// How a solve ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// At a vertex of least cost.
    Solved,
    /// Nothing meets the rows, as far as the solver can tell.
    Infeasible,
    /// The solver gave up.
    Stalled,
}

/// A row that joins the program once a solution violates it.
#[derive(Clone, Debug)]
struct Lazy {
    terms: Vec<(usize, f64)>,
    limits: (f64, f64),
    /// Its row, once it has joined.
    row: Option<usize>,
}

/// Minimise the costs of columns between bounds, rows between limits. The variable of a row is its sum: column
/// `columns.len() + row`, with the matrix -1.
#[derive(Clone, Debug)]
pub(super) struct Simplex {
    columns: Vec<Vec<(u32, f64)>>,
    costs: Vec<f64>,
    bounds: Vec<(f64, f64)>,
    limits: Vec<(f64, f64)>,
    lazy: Vec<Lazy>,
    at_upper: Vec<bool>,
    /// Place in the basis, or `usize::MAX`.
    place: Vec<usize>,
    basis: Vec<usize>,
    /// Row-major inverse of the basis matrix.
    inverse: Vec<f64>,
    values: Vec<f64>,
    multipliers: Vec<f64>,
}

impl Simplex {
    /// A program with the given limits of its rows and no columns yet.
    pub(super) fn new(limits: Vec<(f64, f64)>) -> Self {
        let rows = limits.len();
        let mut inverse = vec![0.0; rows * rows];
        (0..rows).for_each(|row| inverse[row * rows + row] = -1.0);
        Self {
            columns: Vec::new(),
            costs: Vec::new(),
            bounds: Vec::new(),
            limits,
            lazy: Vec::new(),
            at_upper: vec![false; rows],
            place: (0..rows).collect(),
            basis: (0..rows).collect(),
            inverse,
            values: vec![0.0; rows],
            multipliers: vec![0.0; rows],
        }
    }

    /// Adds a column and returns its number. All columns come before the first solve.
    pub(super) fn column(&mut self, terms: Vec<(u32, f64)>, cost: f64, lower: f64, upper: f64) -> usize {
        let number = self.columns.len();
        self.columns.push(terms);
        self.costs.push(cost);
        self.bounds.push((lower, upper));
        self.at_upper.insert(number, false);
        self.place.insert(number, usize::MAX);
        self.basis.iter_mut().for_each(|variable| *variable += 1);
        number
    }

    /// Counts these columns once each in a row. Like all columns, before the first solve.
    pub(super) fn count_in(&mut self, columns: &[usize], row: usize) {
        columns.iter().for_each(|&column| self.columns[column].push((row as u32, 1.0)));
    }

    /// A row that is looked at only once a solution violates it.
    pub(super) fn lazy_row(&mut self, terms: Vec<(usize, f64)>, lower: f64, upper: f64) {
        self.lazy.push(Lazy { terms, limits: (lower, upper), row: None });
    }

    /// The rows of those that waited and have joined, with their numbers among those that waited.
    pub(super) fn joined(&self) -> impl Iterator<Item = (usize, usize)> {
        self.lazy.iter().enumerate().filter_map(|(waiting, lazy)| lazy.row.map(|row| (row, waiting)))
    }

    pub(super) fn bounds(&self, column: usize) -> (f64, f64) {
        self.bounds[column]
    }

    pub(super) fn set_bounds(&mut self, column: usize, lower: f64, upper: f64) {
        self.bounds[column] = (lower, upper);
    }

    pub(super) fn set_limits(&mut self, row: usize, lower: f64, upper: f64) {
        self.limits[row] = (lower, upper);
    }

    pub(super) fn set_cost(&mut self, column: usize, cost: f64) {
        self.costs[column] = cost;
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The value of a column.
    pub(super) fn value(&self, column: usize) -> f64 {
        match self.place[column] {
            usize::MAX => self.resting(column),
            place => self.values[place],
        }
    }

    /// The costs of the present solution.
    pub(super) fn cost(&self) -> f64 {
        let worth = |(column, &cost): (usize, &f64)| if cost == 0.0 { 0.0 } else { cost * self.value(column) };
        self.costs.iter().enumerate().map(worth).sum()
    }

    /// What the least cost changes by for one unit more of a row's binding limit, after a solve that ended at a vertex.
    pub(super) fn price(&self, row: usize) -> f64 {
        self.multipliers[row]
    }

    fn range(&self, variable: usize) -> (f64, f64) {
        match variable.checked_sub(self.columns.len()) {
            None => self.bounds[variable],
            Some(row) => self.limits[row],
        }
    }

    fn resting(&self, variable: usize) -> f64 {
        let (lower, upper) = self.range(variable);
        if self.at_upper[variable] { upper } else { lower }
    }

    /// From the present basis to a vertex of least cost; rows that wait join as they are violated.
    pub(super) fn solve(&mut self, progress: &dyn Progress) -> Result<Status, Cancelled> {
        loop {
            let status = self.solve_joined(progress)?;
            if status != Status::Solved || !self.join_violated() {
                return Ok(status);
            }
        }
    }

    /// Lets every waiting row join that the present solution violates; whether there was one.
    fn join_violated(&mut self) -> bool {
        let mut joined = false;
        for waiting in 0..self.lazy.len() {
            let Lazy { terms, limits, row } = &self.lazy[waiting];
            let sum: f64 = terms.iter().map(|&(column, by)| by * self.value(column)).sum();
            if row.is_some() || (sum >= limits.0 - NEAR && sum <= limits.1 + NEAR) {
                continue;
            }
            let row = self.limits.len();
            let limits = *limits;
            for (column, by) in self.lazy[waiting].terms.clone() {
                self.columns[column].push((row as u32, by));
            }
            self.lazy[waiting].row = Some(row);
            self.limits.push(limits);
            self.at_upper.push(false);
            self.place.push(row);
            self.basis.push(self.columns.len() + row);
            self.values.push(0.0);
            self.multipliers.push(0.0);
            joined = true;
        }
        if joined {
            self.invert();
        }
        joined
    }

    fn solve_joined(&mut self, progress: &dyn Progress) -> Result<Status, Cancelled> {
        let rows = self.limits.len();
        self.evaluate();
        let mut idle = 0;
        let mut fresh = false;
        let limit = 2_000 + 40 * rows as u64;
        for iteration in 1..=limit {
            if iteration % REFRESH == 0 {
                progress.checkpoint()?;
                self.invert();
                self.evaluate();
                fresh = true;
            }
            let (mut gradient, feasible) = self.violations();
            if feasible {
                let cost = |&variable: &usize| self.costs.get(variable).copied().unwrap_or(0.0);
                gradient = self.basis.iter().map(cost).collect();
            }
            let prices = self.prices(&gradient);
            let Some((entering, direction, slope)) = self.entering(&prices, feasible, idle > PATIENCE) else {
                if !fresh {
                    self.invert();
                    self.evaluate();
                    fresh = true;
                    continue;
                }
                self.multipliers = prices;
                return Ok(if feasible { Status::Solved } else { Status::Infeasible });
            };
            fresh = false;
            let moved = self.step(entering, direction, slope, feasible, idle > PATIENCE);
            idle = if moved { 0 } else { idle + 1 };
        }
        Ok(Status::Stalled)
    }

    /// The slope of the sum of violations by each basic variable, and whether there are none.
    fn violations(&self) -> (Vec<f64>, bool) {
        let mut feasible = true;
        let slope = |(&variable, &value): (&usize, &f64)| {
            let (lower, upper) = self.range(variable);
            let slope = f64::from(i8::from(value > upper + NEAR) - i8::from(value < lower - NEAR));
            feasible &= slope == 0.0;
            slope
        };
        let gradient = self.basis.iter().zip(&self.values).map(slope).collect();
        (gradient, feasible)
    }

    /// `gradient` times the inverse: one price a row.
    fn prices(&self, gradient: &[f64]) -> Vec<f64> {
        let rows = self.limits.len();
        let mut prices = vec![0.0; rows];
        for (place, &slope) in gradient.iter().enumerate().filter(|(_, slope)| **slope != 0.0) {
            let inverse = &self.inverse[place * rows..][..rows];
            prices.iter_mut().zip(inverse).for_each(|(price, by)| *price += slope * by);
        }
        prices
    }

    /// The variable that improves most by leaving its bound, with its direction and slope; the first one that improves
    /// where `careful`.
    fn entering(&self, prices: &[f64], costly: bool, careful: bool) -> Option<(usize, f64, f64)> {
        let mut best: Option<(usize, f64, f64)> = None;
        let width = self.columns.len();
        let mut consider = |variable: usize, reduced: f64| {
            let direction = if self.at_upper[variable] { -1.0 } else { 1.0 };
            let slope = reduced * direction;
            if slope < -FLAT && best.is_none_or(|(_, _, steepest)| slope < steepest) {
                best = Some((variable, direction, slope));
                return careful;
            }
            false
        };
        for variable in 0..width {
            let (lower, upper) = self.bounds[variable];
            if self.place[variable] != usize::MAX || lower == upper {
                continue;
            }
            let cost = if costly { self.costs[variable] } else { 0.0 };
            let paid: f64 = self.columns[variable].iter().map(|&(row, by)| prices[row as usize] * by).sum();
            if consider(variable, cost - paid) {
                return best;
            }
        }
        for (row, &price) in prices.iter().enumerate() {
            let fixed = self.limits[row].0 == self.limits[row].1;
            if self.place[width + row] == usize::MAX && !fixed && consider(width + row, price) {
                return best;
            }
        }
        best
    }

    /// Moves the entering variable as far as it improves, and exchanges it with the variable that stops it; whether it
    /// moved at all.
    fn step(&mut self, entering: usize, direction: f64, slope: f64, feasible: bool, careful: bool) -> bool {
        let rows = self.limits.len();
        let column = self.transformed(entering);
        // Where the slope changes: the distance, by how much, the place, whether at its upper bound.
        let mut turns: Vec<(f64, f64, usize, bool)> = Vec::new();
        for (place, &by) in column.iter().enumerate() {
            let rate = -by * direction;
            if rate.abs() < PIVOT {
                continue;
            }
            let (lower, upper) = self.range(self.basis[place]);
            let value = self.values[place];
            let (below, above) = (value < lower - NEAR, value > upper + NEAR);
            let change = if feasible { f64::INFINITY } else { rate.abs() };
            let mut turn = |bound: f64, at_upper| {
                turns.push((((bound - value) / rate).max(0.0), change, place, at_upper));
            };
            match rate > 0.0 {
                true if above => {}
                true => {
                    if below {
                        turn(lower, false);
                    }
                    turn(upper, true);
                }
                false if below => {}
                false => {
                    if above {
                        turn(upper, true);
                    }
                    turn(lower, false);
                }
            }
        }
        let by_distance = |a: &(f64, f64, usize, bool), b: &(f64, f64, usize, bool)| {
            let size = |turn: &(f64, f64, usize, bool)| column[turn.2].abs();
            let variable = |turn: &(f64, f64, usize, bool)| self.basis[turn.2];
            let tie = if careful { variable(a).cmp(&variable(b)) } else { size(b).total_cmp(&size(a)) };
            a.0.total_cmp(&b.0).then(tie).then(a.2.cmp(&b.2))
        };
        turns.sort_by(by_distance);
        let (lower, upper) = self.range(entering);
        let span = upper - lower;
        let mut slope = slope;
        let mut stop = None;
        for &(distance, change, place, at_upper) in &turns {
            if distance >= span {
                break;
            }
            slope += change;
            if slope >= -FLAT {
                stop = Some((distance, place, at_upper));
                break;
            }
        }
        let distance = stop.map_or(span, |(distance, ..)| distance);
        for (value, by) in self.values.iter_mut().zip(&column) {
            *value -= by * direction * distance;
        }
        let Some((_, leaving, at_upper)) = stop else {
            self.at_upper[entering] = direction > 0.0;
            return span > NEAR;
        };
        let start = self.resting(entering);
        let out = self.basis[leaving];
        self.place[out] = usize::MAX;
        self.at_upper[out] = at_upper;
        self.place[entering] = leaving;
        self.basis[leaving] = entering;
        self.values[leaving] = start + direction * distance;
        let pivot = column[leaving];
        let (before, rest) = self.inverse.split_at_mut(leaving * rows);
        let (row, after) = rest.split_at_mut(rows);
        row.iter_mut().for_each(|entry| *entry /= pivot);
        let others = before.chunks_exact_mut(rows).chain(after.chunks_exact_mut(rows));
        let sizes = column[..leaving].iter().chain(&column[leaving + 1..]);
        for (other, &by) in others.zip(sizes).filter(|(_, by)| **by != 0.0) {
            other.iter_mut().zip(row.iter()).for_each(|(entry, pivoted)| *entry -= by * pivoted);
        }
        distance > NEAR
    }

    /// The inverse times the matrix column of a variable.
    fn transformed(&self, variable: usize) -> Vec<f64> {
        let rows = self.limits.len();
        let entry = |place: usize| {
            let inverse = &self.inverse[place * rows..][..rows];
            match variable.checked_sub(self.columns.len()) {
                None => self.columns[variable].iter().map(|&(row, by)| inverse[row as usize] * by).sum(),
                Some(row) => -inverse[row],
            }
        };
        (0..rows).map(entry).collect()
    }

    /// The values of the basic variables, from those that rest at their bounds.
    fn evaluate(&mut self) {
        let rows = self.limits.len();
        let mut sums = vec![0.0; rows];
        for (variable, column) in self.columns.iter().enumerate() {
            if self.place[variable] == usize::MAX {
                let value = self.resting(variable);
                if value != 0.0 {
                    column.iter().for_each(|&(row, by)| sums[row as usize] -= by * value);
                }
            }
        }
        for (row, sum) in sums.iter_mut().enumerate() {
            if self.place[self.columns.len() + row] == usize::MAX {
                *sum += self.resting(self.columns.len() + row);
            }
        }
        for place in 0..rows {
            let inverse = &self.inverse[place * rows..][..rows];
            self.values[place] = inverse.iter().zip(&sums).map(|(by, sum)| by * sum).sum();
        }
    }

    /// A fresh inverse by elimination; a basis that has become singular is given up for the rows' own variables.
    fn invert(&mut self) {
        let rows = self.limits.len();
        let mut matrix = vec![0.0; rows * rows];
        for (place, &variable) in self.basis.iter().enumerate() {
            match variable.checked_sub(self.columns.len()) {
                None => self.columns[variable].iter().for_each(|&(row, by)| matrix[row as usize * rows + place] = by),
                Some(row) => matrix[row * rows + place] = -1.0,
            }
        }
        if let Some(inverse) = inverted(matrix, rows) {
            self.inverse = inverse;
            return;
        }
        for &variable in &self.basis {
            self.place[variable] = usize::MAX;
        }
        self.basis = (self.columns.len()..self.columns.len() + rows).collect();
        for (place, &variable) in self.basis.iter().enumerate() {
            self.place[variable] = place;
        }
        self.inverse = vec![0.0; rows * rows];
        (0..rows).for_each(|row| self.inverse[row * rows + row] = -1.0);
    }

    /// After a solve that ended infeasible: whole multipliers of the rows that show it in exact arithmetic. For all
    /// columns within their bounds, the weighted sum of the rows (upper limits where the multiplier is positive, lower
    /// ones where it is negative) stays below what the columns make of it. Bounds and coefficients must be whole.
    pub(super) fn proof(&self) -> Option<Vec<i64>> {
        let scales = (1..=24).chain([30, 36, 48, 60, 120, 1_000, 100_000, 10_000_000]);
        for scale in scales {
            for sign in [1.0, -1.0] {
                let scaled = |price: &f64| (price * sign * f64::from(scale)).round() as i64;
                let weights: Vec<i64> = self.multipliers.iter().map(scaled).collect();
                if self.proves(&weights) {
                    return Some(weights);
                }
            }
        }
        None
    }

    /// Whether the weighted rows cannot be met by columns within their bounds, in exact arithmetic.
    fn proves(&self, weights: &[i64]) -> bool {
        let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i128);
        let extreme = |weight: i128, (lower, upper): (f64, f64)| {
            let bound = if weight > 0 { whole(upper)? } else { whole(lower)? };
            weight.checked_mul(bound)
        };
        let mut most: i128 = 0;
        for (&weight, &limits) in weights.iter().zip(&self.limits) {
            if weight != 0 {
                let Some(term) = extreme(i128::from(weight), limits) else { return false };
                most += term;
            }
        }
        for (column, &bounds) in self.columns.iter().zip(&self.bounds) {
            let mut weight: i128 = 0;
            for &(row, by) in column {
                let Some(by) = whole(by) else { return false };
                weight -= i128::from(weights[row as usize]) * by;
            }
            if weight != 0 {
                let Some(term) = extreme(weight, bounds) else { return false };
                most += term;
            }
        }
        most < 0
    }
}

/// The inverse of a square row-major matrix, unless it is singular.
fn inverted(mut matrix: Vec<f64>, rows: usize) -> Option<Vec<f64>> {
    let mut inverse = vec![0.0; rows * rows];
    (0..rows).for_each(|row| inverse[row * rows + row] = 1.0);
    for column in 0..rows {
        let size = |row: &usize| matrix[row * rows + column].abs();
        let pivot = (column..rows).max_by(|a, b| size(a).total_cmp(&size(b)).then(b.cmp(a)))?;
        if size(&pivot) < 1e-9 {
            return None;
        }
        if pivot != column {
            for entry in 0..rows {
                matrix.swap(pivot * rows + entry, column * rows + entry);
                inverse.swap(pivot * rows + entry, column * rows + entry);
            }
        }
        let scale = 1.0 / matrix[column * rows + column];
        let mut own = matrix[column * rows..][..rows].to_vec();
        let mut own_inverse = inverse[column * rows..][..rows].to_vec();
        own.iter_mut().chain(&mut own_inverse).for_each(|entry| *entry *= scale);
        for row in 0..rows {
            let by = matrix[row * rows + column];
            if row == column || by == 0.0 {
                continue;
            }
            let target = &mut matrix[row * rows..][..rows];
            target[column..].iter_mut().zip(&own[column..]).for_each(|(entry, own)| *entry -= by * own);
            let target = &mut inverse[row * rows..][..rows];
            target.iter_mut().zip(&own_inverse).for_each(|(entry, own)| *entry -= by * own);
        }
        matrix[column * rows..][..rows].copy_from_slice(&own);
        inverse[column * rows..][..rows].copy_from_slice(&own_inverse);
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::super::program::{Effort, Program, Unsolved};
    use super::*;
    use crate::progress::Silent;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        /// The same answers as the other simplex, also after the bounds were changed, and proofs of what is infeasible.
        #[test]
        fn agrees_with_the_other_simplex(
            entries in proptest::collection::vec(-2i8..3, 24),
            costs in proptest::collection::vec(-3i8..4, 6),
            ranges in proptest::collection::vec((0u8..3, 0u8..4), 6),
            limits in proptest::collection::vec((-4i8..8, 0u8..5), 4),
            other in proptest::collection::vec((-4i8..8, 0u8..5), 4),
            waiting in 0usize..4,
        ) {
            let limit = |&(low, span): &(i8, u8)| (f64::from(low), f64::from(low) + f64::from(span));
            let now: Vec<(f64, f64)> = limits.iter().map(limit).collect();
            // The last rows wait until they are violated.
            let kept = 4 - waiting;
            let mut simplex = Simplex::new(now[..kept].to_vec());
            for column in 0..6 {
                let terms = (0..kept).map(|row| (row as u32, f64::from(entries[row * 6 + column]))).collect();
                let (low, span) = ranges[column];
                simplex.column(terms, f64::from(costs[column]), f64::from(low), f64::from(low + span));
            }
            for row in kept..4 {
                let terms = (0..6).map(|column| (column, f64::from(entries[row * 6 + column]))).collect();
                simplex.lazy_row(terms, now[row].0, now[row].1);
            }
            let compare = |simplex: &mut Simplex, limits: &[(f64, f64)]| {
                let mut program = Program::default();
                for column in 0..6 {
                    let (low, span) = ranges[column];
                    program.column(f64::from(costs[column]), f64::from(low), f64::from(low + span));
                }
                for (row, limit) in limits.iter().enumerate() {
                    let terms = (0..6).map(|column| (column, f64::from(entries[row * 6 + column]))).collect();
                    program.constrain(terms, limit.0, limit.1);
                }
                let status = simplex.solve(&Silent).unwrap();
                match program.solve(Effort::EXACT, &Silent) {
                    Ok(vertex) => {
                        prop_assert_eq!(status, Status::Solved);
                        prop_assert!((simplex.cost() - vertex.cost).abs() < 1e-6);
                    }
                    Err(Unsolved::Infeasible) => {
                        prop_assert_eq!(status, Status::Infeasible);
                        prop_assert!(simplex.proof().is_some());
                    }
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
                Ok(())
            };
            compare(&mut simplex, &now)?;
            if waiting == 0 {
                let then: Vec<(f64, f64)> = other.iter().map(limit).collect();
                then.iter().enumerate().for_each(|(row, limit)| simplex.set_limits(row, limit.0, limit.1));
                compare(&mut simplex, &then)?;
            }
        }
    }

    #[test]
    fn prices_are_what_a_limit_is_worth() {
        // Most of x + 2 y with x + y <= 4, x + 3 y <= 6.
        let mut simplex = Simplex::new(vec![(0.0, 4.0), (0.0, 6.0)]);
        simplex.column(vec![(0, 1.0), (1, 1.0)], -1.0, 0.0, 9.0);
        simplex.column(vec![(0, 1.0), (1, 3.0)], -2.0, 0.0, 9.0);
        assert_eq!(simplex.solve(&Silent).unwrap(), Status::Solved);
        assert!((simplex.cost() + 5.0).abs() < 1e-9);
        assert!((simplex.price(0) + 0.5).abs() < 1e-9 && (simplex.price(1) + 0.5).abs() < 1e-9);
    }
}
