//! Chances estimated from drawn panels, for rules whose chances have no closed form.

use super::lottery::{TypeLottery, TypePanel};
use super::problem::Problem;
use crate::progress::Cancelled;
use crate::statistics::{Stream, wilson_share};

/// Panels that are kept of a run of draws, so that somebody can look at them or draw from them.
const KEPT: usize = 1000;

/// Chances counted from draws, everybody's with its interval.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SampledChances {
    /// Everybody's estimated chance, by place in the pool. People of one type have one chance and share one estimate.
    pub inclusion: Vec<f64>,
    /// Wilson's interval around each, with the number of draws that the estimate is worth.
    pub interval: Vec<[f64; 2]>,
    /// Confidence of each interval by itself (0.95 for 95 %).
    pub level: f64,
    /// Panels counted.
    pub panels: u64,
    /// Attempts that gave no panel.
    pub failed: u64,
    /// The first panels counted (at most 1000), equally likely: a sample of what the rule draws.
    pub sample: TypeLottery,
}

/// Why a rule that draws panels gave no chances.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// No attempt gave a panel.
    #[error(
        "none of {attempts} attempts gave a panel that meets the quotas: check that they can be met at all, \
         widen them, or use a rule that searches (leximin, maximin, Nash)"
    )]
    NoPanel { attempts: u64 },
    /// The caller asked for the end.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// The rows of [`Problem::rows`] that each type stands in, ascending.
pub(super) fn rows_of_types(problem: &Problem) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); problem.types.len()];
    for (place, row) in problem.rows.iter().enumerate() {
        row.types.iter().for_each(|&t| rows[t as usize].push(place as u32));
    }
    rows
}

/// The types that occur in `counts`, with their counts.
pub(super) fn occurring(counts: &[u32]) -> Vec<(u32, u32)> {
    let pairs = counts.iter().enumerate().map(|(t, &count)| (t as u32, count));
    pairs.filter(|&(_, count)| count > 0).collect()
}

/// People for a panel counted by types: uniformly without replacement within each type; places in the pool, ascending.
pub fn seat(problem: &Problem, counts: &[(u32, u32)], stream: &mut Stream) -> Vec<u32> {
    let mut members = Vec::with_capacity(problem.size as usize);
    for &(t, count) in counts {
        let people = &problem.types[t as usize].members;
        members.extend(stream.distinct(count as usize, people.len()).into_iter().map(|place| people[place]));
    }
    members.sort_unstable();
    members
}

/// What independent draws gave.
pub(super) struct Tally {
    sums: Vec<u64>,
    squares: Vec<u64>,
    panels: u64,
    failed: u64,
    kept: Vec<Vec<(u32, u32)>>,
}

impl Tally {
    pub(super) fn new(types: usize) -> Self {
        Self { sums: vec![0; types], squares: vec![0; types], panels: 0, failed: 0, kept: Vec::new() }
    }

    /// Counts one attempt.
    pub(super) fn add(&mut self, counts: Option<&[u32]>) {
        let Some(counts) = counts else {
            self.failed += 1;
            return;
        };
        self.panels += 1;
        for (t, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            self.sums[t] += u64::from(count);
            self.squares[t] += u64::from(count) * u64::from(count);
        }
        if self.kept.len() < KEPT {
            self.kept.push(occurring(counts));
        }
    }

    /// Everybody's chance among the attempts that gave a panel.
    pub(super) fn finish(self, problem: &Problem, level: f64) -> Result<SampledChances, SampleError> {
        if self.panels == 0 {
            return Err(SampleError::NoPanel { attempts: self.failed });
        }
        let draws = self.panels as f64;
        let estimates: Vec<(f64, f64)> = (0..problem.types.len())
            .map(|t| {
                let m = f64::from(problem.types[t].size());
                let share = self.sums[t] as f64 / (draws * m);
                let spread = self.squares[t] as f64 / (draws * m * m) - share * share;
                // A type's estimate is worth at least one observation a draw, at most one a person and draw.
                let worth = share * (1.0 - share) / spread * (draws - 1.0);
                (share, if worth.is_finite() { worth.clamp(draws, draws * m) } else { draws })
            })
            .collect();
        Ok(chances_of_types(problem, &estimates, level, (self.panels, self.failed), equally(self.kept)))
    }
}

/// Equally likely panels.
pub(super) fn equally(panels: Vec<Vec<(u32, u32)>>) -> TypeLottery {
    let probability = 1.0 / panels.len() as f64;
    TypeLottery { panels: panels.into_iter().map(|counts| TypePanel { counts, probability }).collect() }
}

/// From a chance and its worth in draws for each type to everybody's. An infinite worth is an exact chance.
pub(super) fn chances_of_types(
    problem: &Problem,
    estimates: &[(f64, f64)],
    level: f64,
    (panels, failed): (u64, u64),
    sample: TypeLottery,
) -> SampledChances {
    let mut inclusion = vec![0.0; problem.people()];
    let mut interval = vec![[0.0; 2]; problem.people()];
    for (kind, &(share, worth)) in problem.types.iter().zip(estimates) {
        let own = if worth.is_finite() { wilson_share(share, worth, level) } else { [share; 2] };
        for &person in &kind.members {
            inclusion[person as usize] = share;
            interval[person as usize] = own;
        }
    }
    SampledChances { inclusion, interval, level, panels, failed, sample }
}

/// Instances that the tests of several rules share, written for checks by hand.
#[cfg(test)]
pub(super) mod instances {
    use super::super::pool::{Attribute, Pool};
    use super::super::problem::Problem;
    use super::super::quotas::{AttributeQuotas, Quotas, ValueQuota};

    /// A pool and quotas from one line a value ("gender", "F", min, max) and people as rows of values, repeated.
    pub fn instance(size: u32, bounds: &[(&str, &str, u32, u32)], people: &[(&[&str], usize)]) -> (Pool, Quotas) {
        let mut attributes: Vec<AttributeQuotas> = Vec::new();
        for &(name, value, min, max) in bounds {
            if attributes.last().is_none_or(|last| last.name != name) {
                attributes.push(AttributeQuotas { name: name.into(), values: Vec::new() });
            }
            attributes.last_mut().unwrap().values.push(ValueQuota::bounded(value, min, max));
        }
        let known: Vec<Attribute> = attributes
            .iter()
            .map(|quota| Attribute {
                name: quota.name.clone(),
                values: quota.values.iter().map(|value| value.value.clone()).collect(),
            })
            .collect();
        let mut rows = Vec::new();
        for &(values, times) in people {
            let place = |(attribute, value): (&Attribute, &&str)| {
                attribute.values.iter().position(|known| known == value).unwrap() as u16
            };
            let row: Vec<u16> = known.iter().zip(values).map(place).collect();
            rows.extend(std::iter::repeat_n(row, times));
        }
        let ids = (0..rows.len()).map(|person| format!("p{person}")).collect();
        (Pool::new(known, ids, &rows, Vec::new()).unwrap(), Quotas { size, attributes })
    }

    pub fn problem(size: u32, bounds: &[(&str, &str, u32, u32)], people: &[(&[&str], usize)]) -> Problem {
        let (pool, quotas) = instance(size, bounds, people);
        Problem::new(&pool, &quotas, true).unwrap()
    }

    /// Eleven people, p0 to p10, of whom p0, p4 and p8 live together, and loose quotas for four seats.
    pub fn housed() -> (Pool, Quotas) {
        let people: [(&[&str], usize); 4] = [(&["F", "Y"], 3), (&["M", "O"], 4), (&["F", "O"], 2), (&["M", "Y"], 2)];
        let bounds = [("gender", "F", 2, 3), ("gender", "M", 1, 2), ("age", "Y", 1, 2), ("age", "O", 2, 3)];
        let (pool, quotas) = instance(4, &bounds, &people);
        let rows: Vec<Vec<u16>> = (0..pool.len()).map(|person| pool.values(person).to_vec()).collect();
        let homes = (0..pool.len()).map(|person| if person % 4 == 0 { "h".into() } else { String::new() }).collect();
        (Pool::new(pool.attributes().to_vec(), pool.ids().to_vec(), &rows, homes).unwrap(), quotas)
    }

    pub const SQUARE_BOUNDS: [(&str, &str, u32, u32); 4] =
        [("gender", "F", 1, 1), ("gender", "M", 1, 1), ("age", "Y", 1, 1), ("age", "O", 1, 1)];

    /// One FY, four MO, two FO, two MY; one seat of each gender and each age. Types: FY, FO, MY, MO.
    pub fn square() -> Problem {
        let people: [(&[&str], usize); 4] = [(&["F", "Y"], 1), (&["M", "O"], 4), (&["F", "O"], 2), (&["M", "Y"], 2)];
        problem(2, &SQUARE_BOUNDS, &people)
    }

    /// Every panel of a small problem by counts, with the number of panels of people it stands for.
    pub fn every_panel(problem: &Problem) -> Vec<(Vec<u32>, f64)> {
        let binomial = |m: u32, c: u32| (0..c).fold(1.0, |product, i| product * f64::from(m - i) / f64::from(i + 1));
        let mut panels = vec![(Vec::new(), 1.0)];
        for kind in &problem.types {
            panels = panels
                .into_iter()
                .flat_map(|(counts, weight)| {
                    (0..=kind.size()).map(move |count| {
                        let longer: Vec<u32> = counts.iter().copied().chain([count]).collect();
                        (longer, weight * binomial(kind.size(), count))
                    })
                })
                .filter(|(counts, _)| counts.iter().sum::<u32>() <= problem.size)
                .collect();
        }
        panels.retain(|(counts, _)| problem.admits(counts));
        panels
    }

    /// Expected counts of the uniform law over all panels, by enumeration.
    pub fn uniform_counts(problem: &Problem) -> Vec<f64> {
        let panels = every_panel(problem);
        let total: f64 = panels.iter().map(|(_, weight)| weight).sum();
        (0..problem.types.len())
            .map(|t| panels.iter().map(|(counts, weight)| weight * f64::from(counts[t])).sum::<f64>() / total)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_shares_its_estimate_and_its_precision() {
        let problem = instances::square();
        let mut tally = Tally::new(4);
        for draw in 0..1000 {
            tally.add(Some(if draw % 4 == 0 { &[1, 0, 0, 1] } else { &[0, 1, 1, 0] }));
        }
        tally.add(None);
        let found = tally.finish(&problem, 0.95).unwrap();
        // One FY in a quarter of the draws; four MO share as many seats, seen in four times as many pairs.
        assert_eq!((found.inclusion[0], found.inclusion[1], found.failed), (0.25, 0.0625, 1));
        let width = |person: usize| found.interval[person][1] - found.interval[person][0];
        let plain = crate::statistics::wilson(250, 1000, 0.95);
        assert!((width(0) - (plain[1] - plain[0])).abs() < 1e-12);
        // Never two MO together: worth more than as many separate people, which is all that is claimed.
        let expected = wilson_share(0.0625, 4000.0, 0.95);
        assert!((found.interval[1][0] - expected[0]).abs() < 1e-12);
        assert_eq!(found.sample.panels.len(), 1000);
        assert!(Tally::new(4).finish(&problem, 0.95).is_err());
    }

    #[test]
    fn people_are_seated_within_their_types() {
        let problem = instances::square();
        let mut stream = Stream::new(3, 0);
        let mut seen = [0; 9];
        for _ in 0..900 {
            for person in seat(&problem, &[(1, 1), (3, 2)], &mut stream) {
                seen[person as usize] += 1;
            }
        }
        assert!(seen[0] == 0 && seen[7] == 0 && seen[8] == 0, "{seen:?}");
        assert!((1..5).all(|person| (seen[person] - 450i32).abs() < 75), "{seen:?}");
    }
}
