//! Whether the judges of one question agree with one another (dempo.md, section 6). Passes of one model agree with itself,
//! not with other judges.

use super::votes::{Ballot, Votes};

/// Agreement of complete rankings within groups of at least two.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Reliability {
    /// Groups with two or more complete rankings.
    pub groups: usize,
    /// Kendall's tau between two rankings of one group, averaged over pairs within groups and then over groups.
    pub kendall_tau: f64,
    /// The share of a group's rankings that have its most frequent first model first, averaged over groups.
    pub top_agreement: f64,
    /// Fleiss' kappa of the first models; `None` where groups differ in size or all firsts are the same model.
    pub fleiss_kappa: Option<f64>,
}

/// `None` where no group has two complete rankings.
pub fn reliability(votes: &Votes) -> Option<Reliability> {
    let models = votes.models.len();
    let mut groups = 0;
    let (mut tau, mut top, mut agreement) = (0.0, 0.0, 0.0);
    let mut firsts = vec![0.0; models];
    let mut sizes: Vec<u32> = Vec::new();
    for group in &votes.groups {
        let order = |&(ballot, times): &(u32, u32)| match &votes.ballots[ballot as usize] {
            Ballot::Order(order) if order.len() == models => Some((order, times)),
            _ => None,
        };
        let cast: Vec<(&Vec<u16>, u32)> = group.cast.iter().filter_map(order).collect();
        let size: u32 = cast.iter().map(|(_, times)| times).sum();
        if size < 2 {
            continue;
        }
        let pairs = f64::from(size) * f64::from(size - 1) / 2.0;
        let mut sum = 0.0;
        for (place, &(a, times)) in cast.iter().enumerate() {
            sum += f64::from(times) * f64::from(times - 1) / 2.0;
            for &(b, others) in &cast[place + 1..] {
                sum += f64::from(times * others) * kendall_tau(a, b);
            }
        }
        tau += sum / pairs;
        let mut counts = vec![0u32; models];
        cast.iter().for_each(|&(order, times)| counts[usize::from(order[0])] += times);
        top += f64::from(counts.iter().copied().max().unwrap_or(0)) / f64::from(size);
        agreement += counts.iter().map(|&count| f64::from(count) * (f64::from(count) - 1.0) / 2.0).sum::<f64>() / pairs;
        firsts.iter_mut().zip(&counts).for_each(|(all, &count)| *all += f64::from(count));
        sizes.push(size);
        groups += 1;
    }
    if groups == 0 {
        return None;
    }
    let n = groups as f64;
    let total: f64 = firsts.iter().sum();
    let chance: f64 = firsts.iter().map(|count| (count / total).powi(2)).sum();
    let even = sizes.iter().all(|size| *size == sizes[0]);
    let fleiss_kappa = (even && chance < 1.0).then(|| (agreement / n - chance) / (1.0 - chance));
    Some(Reliability { groups, kendall_tau: tau / n, top_agreement: top / n, fleiss_kappa })
}

/// Kendall's tau of two orders of the same models.
fn kendall_tau(a: &[u16], b: &[u16]) -> f64 {
    let mut place = vec![0; a.len()];
    b.iter().enumerate().for_each(|(at, &model)| place[usize::from(model)] = at);
    let mut kept = 0i64;
    for (at, &above) in a.iter().enumerate() {
        for &below in &a[at + 1..] {
            kept += if place[usize::from(above)] < place[usize::from(below)] { 1 } else { -1 };
        }
    }
    let pairs = (a.len() * (a.len() - 1) / 2) as f64;
    kept as f64 / pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::votes::Collector;

    #[test]
    fn two_questions_of_three_passes() {
        let mut collector = Collector::default();
        let (a, b, c) = (collector.model("a"), collector.model("b"), collector.model("c"));
        collector.cast("agreed", Ballot::Order(vec![a, b, c]), 3);
        collector.cast("split", Ballot::Order(vec![a, b, c]), 2);
        collector.cast("split", Ballot::Order(vec![c, b, a]), 1);
        let found = reliability(&collector.votes()).unwrap();
        assert_eq!(found.groups, 2);
        // Split: of three pairs of passes one has tau 1, two have tau -1.
        assert!((found.kendall_tau - (1.0 - 1.0 / 3.0) / 2.0).abs() < 1e-12);
        assert!((found.top_agreement - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        // Agreement (1 + 1/3) / 2; by chance (5/6)^2 + (1/6)^2.
        let (agreed, chance) = (2.0 / 3.0, 26.0 / 36.0);
        assert!((found.fleiss_kappa.unwrap() - (agreed - chance) / (1.0 - chance)).abs() < 1e-12);
    }
}
