//! Bradley-Terry: a model beats another with odds of their abilities (Bradley and Terry 1952; dempo.md, section 6.1). A tie
//! is half a win for both.

use super::aggregation::{Aggregation, RankError, separated};
use super::ascent::{Point, maximise};
use super::votes::Wins;

/// Log abilities of mean 0 (geometric mean 1) of greatest likelihood.
///
/// # Errors
/// [`RankError::Separated`] where some models never lost to the others: their abilities would be infinite (Ford 1957).
pub fn bradley_terry(wins: &Wins) -> Result<Aggregation, RankError> {
    separated(wins)?;
    let scores = maximise(&vec![0.0; wins.models()], |abilities| point(wins, abilities)).ok_or(RankError::NoMaximum)?;
    let log_likelihood = Some(point(wins, &scores).value);
    Ok(Aggregation { log_likelihood, ..Aggregation::of(scores) })
}

fn point(wins: &Wins, abilities: &[f64]) -> Point {
    let models = abilities.len();
    let mut point = Point { value: 0.0, gradient: vec![0.0; models], curvature: vec![0.0; models * models] };
    for a in 0..models {
        for b in a + 1..models {
            let met = wins.met(a, b);
            if met == 0.0 {
                continue;
            }
            let gap = abilities[a] - abilities[b];
            // ln(1 + e^-|gap|) without overflow.
            let rest = (-gap.abs()).exp().ln_1p();
            let (lost, won) = (gap.max(0.0) + rest, (-gap).max(0.0) + rest);
            point.value -= wins.of(a, b) * won + wins.of(b, a) * lost;
            let chance = (-won).exp();
            let surplus = wins.of(a, b) - met * chance;
            point.gradient[a] += surplus;
            point.gradient[b] -= surplus;
            let curve = met * chance * (1.0 - chance);
            point.curvature[a * models + a] += curve;
            point.curvature[b * models + b] += curve;
            point.curvature[a * models + b] -= curve;
            point.curvature[b * models + a] -= curve;
        }
    }
    point
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::votes::examples::rankings;
    use proptest::prelude::*;

    #[test]
    fn two_models_stand_apart_by_their_log_odds() {
        let found = bradley_terry(&Wins::of_table(&[vec![0.0, 3.0], vec![1.0, 0.0]])).unwrap();
        assert!((found.scores[0] - found.scores[1] - 3f64.ln()).abs() < 1e-12);
        let known = 3.0 * 0.75f64.ln() + 0.25f64.ln();
        assert!((found.log_likelihood.unwrap() - known).abs() < 1e-12);
    }

    #[test]
    fn models_that_never_lose_are_named() {
        let votes = rankings(&[("ABC", 3), ("BAC", 2)]);
        let error = bradley_terry(&votes.wins(&votes.weights())).unwrap_err();
        assert_eq!(error, RankError::Separated { above: vec![0, 1], below: vec![2] });
    }

    proptest! {
        /// At the maximum every model's wins are what its abilities lead one to expect.
        #[test]
        fn expected_wins_are_the_wins(counts in proptest::collection::vec(1u8..40, 20)) {
            let mut counts = counts.iter();
            let table: Vec<Vec<f64>> = (0..5)
                .map(|row| (0..5).map(|column| if row == column { 0.0 } else { f64::from(*counts.next().unwrap()) }).collect())
                .collect();
            let wins = Wins::of_table(&table);
            let scores = bradley_terry(&wins).unwrap().scores;
            prop_assert!(scores.iter().sum::<f64>().abs() < 1e-9);
            for a in 0..5 {
                let (mut won, mut expected) = (0.0, 0.0);
                for b in (0..5).filter(|b| *b != a) {
                    won += wins.of(a, b);
                    expected += wins.met(a, b) / (1.0 + (scores[b] - scores[a]).exp());
                }
                prop_assert!((won - expected).abs() < 1e-8, "{} {}", won, expected);
            }
        }
    }
}
