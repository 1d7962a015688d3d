//! What loosening a quota buys: the lowest chance of anybody, were each bound moved by one person.

use super::census::{Bound, Census, Rule};
use super::quotas::Quotas;
use super::simplex::{Simplex, Status};
use crate::progress::{Cancelled, Progress};

/// Gains below this are none.
const NOTHING: f64 = 1e-9;

/// What one place more buys.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RowSensitivity {
    /// The bound that moves by one.
    pub rule: Rule,
    /// What the lowest chance rises by for each person, as long as the same rules bind: the bound's dual price.
    pub price: f64,
    /// The lowest chance after the move is at most this, by the price.
    pub at_most: f64,
    /// The largest lowest chance after the move on average over fractions of panels, solved again: an upper bound on
    /// that of any lottery, and at most `at_most`.
    pub relaxed: f64,
    /// All of it for people.
    pub sentence: String,
}

/// The lowest chance, and what would raise it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sensitivity {
    /// The largest lowest chance of anybody under the quotas as they are (an upper bound on that of any lottery).
    pub chance: f64,
    /// Bounds that would raise it, the best first.
    pub rows: Vec<RowSensitivity>,
}

/// Largest `z` with `c_t = m_t z + d_t`, `d_t >= 0`, the quotas for `c`; the last column is `z`. That no `c_t` exceeds
/// `m_t` and the households' rows join as they are violated. Types of the `left_out` have count 0.
fn program(census: &Census, limits: &[(u32, u32)], size: u32, left_out: &[bool]) -> Simplex {
    let of = |&(min, max): &(u32, u32)| (f64::from(min), f64::from(max));
    let seats = f64::from(size);
    let mut simplex = Simplex::new(limits.iter().map(of).chain([(seats, seats)]).collect());
    let mut sums = vec![0.0; limits.len() + 1];
    let kinds = &census.skeleton().types;
    for (t, kind) in kinds.iter().enumerate() {
        let people = f64::from(kind.size());
        let upper = if left_out[t] { 0.0 } else { people };
        let terms: Vec<(u32, f64)> = census.rows_of(t).chain([limits.len()]).map(|row| (row as u32, 1.0)).collect();
        terms.iter().for_each(|&(row, _)| sums[row as usize] += upper);
        simplex.column(terms, 0.0, 0.0, upper);
    }
    let terms = sums.iter().enumerate().map(|(row, &sum)| (row as u32, sum)).collect();
    let lowest = simplex.column(terms, -1.0, 0.0, 1.0);
    for (t, kind) in kinds.iter().enumerate().filter(|(t, _)| !left_out[*t]) {
        let people = f64::from(kind.size());
        simplex.lazy_row(vec![(t, 1.0), (lowest, people)], 0.0, people);
    }
    for types in census.households() {
        let mut terms: Vec<(usize, f64)> = types.iter().map(|&t| (t as usize, 1.0)).collect();
        let in_reach = types.iter().filter(|&&t| !left_out[t as usize]).count();
        terms.push((lowest, in_reach as f64));
        simplex.lazy_row(terms, 0.0, 1.0);
    }
    simplex
}

/// What moving each bound by one does to the lowest chance of anybody but the `unreachable` (places in the pool, as
/// [`super::reach::unreachable`] finds them: their chance is 0 whatever the lottery). `None` where the quotas cannot be
/// met, or the solver gave up.
pub fn sensitivity(
    census: &Census,
    quotas: &Quotas,
    unreachable: &[u32],
    progress: &dyn Progress,
) -> Result<Option<Sensitivity>, Cancelled> {
    progress.stage("what loosening each quota would buy");
    let barred = |members: &[u32]| members.iter().any(|person| unreachable.contains(person));
    let left_out: Vec<bool> = match unreachable.is_empty() {
        true => vec![false; census.types()],
        false => census.skeleton().types.iter().map(|kind| barred(&kind.members)).collect(),
    };
    let limits = census.limits(quotas);
    let mut simplex = program(census, &limits, quotas.size, &left_out);
    if simplex.solve(progress)? != Status::Solved {
        return Ok(None);
    }
    let chance = -simplex.cost();
    let values = quotas.attributes.iter().flat_map(|attribute| &attribute.values);
    let slack: Vec<bool> = values.map(|quota| quota.slack).collect();
    // The least of -z rises by the price for one unit more of a lower bound, falls for one more of an upper one.
    let prices: Vec<f64> = (0..limits.len()).map(|row| simplex.price(row)).collect();
    let mut rows = Vec::new();
    for (row, &price) in prices.iter().enumerate() {
        progress.report(row as u64, prices.len() as u64);
        let (min, max) = limits[row];
        let bound = if price > 0.0 { Bound::Min } else { Bound::Max };
        let price = price.abs();
        if price < NOTHING || slack[row] || (bound == Bound::Min && min == 0) {
            continue;
        }
        let (looser, to) = match bound {
            Bound::Min => ((min - 1, max), min - 1),
            Bound::Max => ((min, max + 1), max + 1),
        };
        simplex.set_limits(row, f64::from(looser.0), f64::from(looser.1));
        let status = simplex.solve(progress)?;
        simplex.set_limits(row, f64::from(min), f64::from(max));
        if status != Status::Solved {
            return Ok(None);
        }
        let relaxed = (-simplex.cost()).max(chance);
        let at_most = (chance + price).min(1.0).max(relaxed);
        let rule = census.rule(row, bound);
        let Rule::Quota { attribute, value, .. } = &rule else { continue };
        let (word, from) = if bound == Bound::Min { ("at least", min) } else { ("at most", max) };
        let sentence = format!(
            "{attribute}: {value} {word} {to} instead of {from} raises the lowest chance from {:.2} % to at most {:.2} %.",
            100.0 * chance,
            100.0 * relaxed
        );
        rows.push(RowSensitivity { rule, price, at_most, relaxed, sentence });
    }
    rows.retain(|row| row.relaxed > chance + NOTHING);
    rows.sort_by(|a, b| b.relaxed.total_cmp(&a.relaxed).then_with(|| a.rule.cmp(&b.rule)));
    Ok(Some(Sensitivity { chance, rows }))
}
