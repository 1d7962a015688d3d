//! Independence of irrelevant alternatives (dempo.md, section 6.1): whether the scores of models stand alike when one of the
//! others had never been shown. Plackett-Luce assumes it; where it does not hold, scores depend on who else took part.
//!
//! Each model in turn is taken out of all rankings and Plackett-Luce is fitted to what is left. Under its assumption the
//! differences between the other models' scores stay what they were, but for chance. How large chance is comes from fitting
//! both again to the same resampled questions, whose difference has a covariance by construction. The classical test (Hausman
//! and McFadden 1984) takes the covariance of one fit less that of the other instead. That is one only if the likelihood is
//! exactly right and the fit to all rankings the best possible: passes on one question are not independent, so it is neither,
//! and the subtraction can come out not positive semidefinite, with a statistic below 0.

use super::aggregation::RankError;
use super::bootstrap::BootstrapError;
use super::comparison::holm;
use super::plackett_luce::Choices;
use super::resampling::{LEVEL, interval, times};
use super::votes::Votes;
use crate::progress::Progress;
use crate::statistics::{chi_square_survival, log_normal_survival, solve_positive};

/// A difference of two scores with and without a third model.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Change {
    /// Places in [`Votes::models`].
    pub models: [usize; 2],
    /// The first model's log ability less the second's, fitted to all rankings.
    pub with: f64,
    /// The same without the third model.
    pub without: f64,
    /// 95 % interval of `without - with`, of the resamples.
    pub interval: [f64; 2],
    /// Standard deviation of `without - with` over the resamples.
    pub standard_error: f64,
    /// Two-sided, by the normal law: a share of resamples cannot fall below 2 / (resamples + 1), which a correction for so
    /// many pairs would lift above any level.
    pub p_value: f64,
    /// After Holm's correction for all pairs of all models left out.
    pub holm: f64,
}

/// What became of the others when one model was left out.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LeftOut {
    /// Place in [`Votes::models`].
    pub model: usize,
    /// All pairs of the others.
    pub changes: Vec<Change>,
    /// Of no change in any of them: the changes in units of their covariance over the resamples, which has the law of
    /// chi-square with (number of others - 1) degrees of freedom.
    pub chi_square: f64,
    pub degrees: usize,
    /// `None` where the resamples leave no covariance.
    pub p_value: Option<f64>,
    /// After Holm's correction for all models left out.
    pub holm: Option<f64>,
}

/// One row a model.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Independence {
    pub left_out: Vec<LeftOut>,
    /// Resamples that all fits had an answer to.
    pub resamples: usize,
    /// Resamples in which some fit had none.
    pub failed: usize,
}

/// Why there is no test.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndependenceError {
    /// With two models there is nothing left to compare.
    #[error("independence of irrelevant alternatives needs three models or more")]
    TooFew,
    /// Plackett-Luce has no answer to the rankings, or to what is left of them without one model.
    #[error("Plackett-Luce has no fit{}", without.map_or(String::new(), |_| " once a model is left out".to_owned()))]
    NoFit {
        /// The model left out, and then the places in `error` are among the others.
        without: Option<usize>,
        error: RankError,
    },
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

impl IndependenceError {
    /// The reason with the names of the models and a way out.
    pub fn words(&self, models: &[String]) -> String {
        match self {
            Self::TooFew => self.to_string(),
            Self::NoFit { without: None, error } => error.words(models),
            Self::NoFit { without: Some(model), error } => {
                let others = models.iter().enumerate().filter(|(place, _)| place != model);
                let others: Vec<String> = others.map(|(_, name)| name.clone()).collect();
                format!("without {}, {}", models[*model], error.words(&others))
            }
            Self::Bootstrap(error) => error.words(models),
        }
    }
}

/// Leaves each model out in turn.
///
/// # Errors
/// [`IndependenceError`].
pub fn independence(
    votes: &Votes,
    resamples: usize,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Independence, IndependenceError> {
    let models = votes.models.len();
    if models < 3 {
        return Err(IndependenceError::TooFew);
    }
    if votes.groups.len() < 2 {
        return Err(BootstrapError::OneGroup.into());
    }
    let whole = Fit::new(None, votes.clone())?;
    let parts = (0..models).map(|model| Fit::new(Some(model), votes.without(model))).collect::<Result<Vec<_>, _>>()?;
    let pairs = pairs(models);
    let changes = |with: &[f64], without: &[Vec<f64>]| -> Vec<f64> {
        let of = |&[dropped, a, b]: &[usize; 3]| {
            let place = |model: usize| without[dropped][model - usize::from(model > dropped)];
            (place(a) - place(b)) - (with[a] - with[b])
        };
        pairs.iter().map(of).collect()
    };
    let mut drawn: Vec<Vec<f64>> = Vec::with_capacity(resamples);
    for resample in 0..resamples {
        progress.report(resample as u64, resamples as u64);
        progress.checkpoint().map_err(BootstrapError::from)?;
        let times = times(votes.groups.len(), seed, resample);
        let Ok(with) = whole.again(&times) else { continue };
        let Ok(without) = parts.iter().map(|part| part.again(&times)).collect::<Result<Vec<_>, _>>() else { continue };
        drawn.push(changes(&with, &without));
    }
    if drawn.len() < 2 {
        return Err(BootstrapError::NoAnswer(RankError::NoMaximum).into());
    }
    let scores: Vec<Vec<f64>> = parts.iter().map(|part| part.scores.clone()).collect();
    let found = changes(&whole.scores, &scores);
    let mut all: Vec<Change> = pairs
        .iter()
        .enumerate()
        .map(|(at, &[_, a, b])| {
            let standard_error = covariance(&drawn, at, at).sqrt();
            let with = whole.scores[a] - whole.scores[b];
            let z = (found[at] / standard_error).abs();
            Change {
                models: [a, b],
                with,
                without: with + found[at],
                interval: interval(drawn.iter().map(|row| row[at]), LEVEL),
                standard_error,
                // Without any spread there is nothing to test.
                p_value: if standard_error > 0.0 { (2.0 * log_normal_survival(z).exp()).min(1.0) } else { 1.0 },
                holm: 1.0,
            }
        })
        .collect();
    let adjusted = holm(&all.iter().map(|change| change.p_value).collect::<Vec<f64>>());
    all.iter_mut().zip(adjusted).for_each(|(change, adjusted)| change.holm = adjusted);
    let mut left_out: Vec<LeftOut> = all
        .chunks(all.len() / models)
        .enumerate()
        .map(|(model, changes)| joint(model, changes, &pairs, &found, &drawn))
        .collect();
    let tested: Vec<f64> = left_out.iter().filter_map(|row| row.p_value).collect();
    let mut adjusted = holm(&tested).into_iter();
    left_out.iter_mut().filter(|row| row.p_value.is_some()).for_each(|row| row.holm = adjusted.next());
    Ok(Independence { left_out, resamples: drawn.len(), failed: resamples - drawn.len() })
}

/// A model left out with each pair of the others.
fn pairs(models: usize) -> Vec<[usize; 3]> {
    let mut all = Vec::new();
    for dropped in 0..models {
        let others: Vec<usize> = (0..models).filter(|model| *model != dropped).collect();
        for (place, &a) in others.iter().enumerate() {
            all.extend(others[place + 1..].iter().map(|&b| [dropped, a, b]));
        }
    }
    all
}

fn covariance(drawn: &[Vec<f64>], a: usize, b: usize) -> f64 {
    let n = drawn.len() as f64;
    let mean = |at: usize| drawn.iter().map(|row| row[at]).sum::<f64>() / n;
    let (of_a, of_b) = (mean(a), mean(b));
    drawn.iter().map(|row| (row[a] - of_a) * (row[b] - of_b)).sum::<f64>() / (n - 1.0)
}

/// All changes of one model left out together. Those against the first of the others determine the rest.
fn joint(model: usize, changes: &[Change], pairs: &[[usize; 3]], found: &[f64], drawn: &[Vec<f64>]) -> LeftOut {
    let first = changes[0].models[0];
    let basis: Vec<usize> = (0..pairs.len()).filter(|&at| pairs[at][0] == model && pairs[at][1] == first).collect();
    let spread: Vec<f64> = basis.iter().flat_map(|&a| basis.iter().map(move |&b| covariance(drawn, a, b))).collect();
    let values: Vec<f64> = basis.iter().map(|&at| found[at]).collect();
    let solved = solve_positive(&spread, &values);
    let chi_square =
        solved.as_ref().map_or(f64::NAN, |solved| solved.iter().zip(&values).map(|(x, value)| x * value).sum());
    let p_value = solved.map(|_| chi_square_survival(chi_square, basis.len() as f64));
    LeftOut { model, changes: changes.to_vec(), chi_square, degrees: basis.len(), p_value, holm: None }
}

/// Plackett-Luce of all votes, ready to be fitted to others near them.
struct Fit {
    votes: Votes,
    choices: Choices,
    scores: Vec<f64>,
}

impl Fit {
    fn new(without: Option<usize>, votes: Votes) -> Result<Self, IndependenceError> {
        let choices = Choices::new(&votes);
        let scores = choices
            .fit(&votes, &votes.weights(), &vec![0.0; votes.models.len()])
            .map_err(|error| IndependenceError::NoFit { without, error })?;
        Ok(Self { votes, choices, scores })
    }

    /// Scores of resampled groups, looked for from those of all.
    fn again(&self, times: &[u32]) -> Result<Vec<f64>, RankError> {
        self.choices.fit(&self.votes, &self.votes.weights_of(times), &self.scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::ranking::verdicts::Cluster;
    use crate::ranking::verdicts::examples::{drawn, relabelled};
    use crate::ranking::votes::examples::rankings;

    #[test]
    fn each_fit_without_a_model_is_one_of_the_others() {
        let votes = rankings(&[("ABC", 5), ("ACB", 2), ("BAC", 2), ("CBA", 1)]);
        let found = independence(&votes, 200, 1, &Silent).unwrap();
        assert_eq!(found.left_out.len(), 3);
        // Of two models the log odds of wins: B over C 7 to 3, A over C 9 to 1, A over B 7 to 3.
        for (row, odds) in found.left_out.iter().zip([7.0 / 3.0, 9.0, 7.0f64 / 3.0]) {
            assert!((row.changes[0].without - odds.ln()).abs() < 1e-10, "{row:?}");
        }
        // dempo.md, section 12, check 12, for the fit to all.
        let with = found.left_out[2].changes[0].with;
        assert!((with - (0.967586 - 0.031391)).abs() < 2e-6);
        for row in &found.left_out {
            let change = &row.changes[0];
            let z = (change.without - change.with) / change.standard_error;
            assert!((row.chi_square - z * z).abs() < 1e-9, "one degree of freedom: the square of z");
            assert!((row.p_value.unwrap() - change.p_value).abs() < 1e-9);
        }
    }

    /// Data from Plackett-Luce itself, 60 times: about one p-value in twenty is below 0.05, and none is far below.
    #[test]
    fn the_law_that_assumes_it_passes() {
        let (mut below, mut all, mut sum) = (0, 0, 0.0);
        for seed in 0..60 {
            let votes = drawn(&[0.6, 0.1, -0.2, -0.5], 120, 2, 0.0, seed).votes(Cluster::Question);
            let found = independence(&votes, 100, seed, &Silent).unwrap();
            for row in &found.left_out {
                below += u32::from(row.p_value.unwrap() < 0.05);
                all += 1;
                sum += row.changes.iter().map(|change| change.without - change.with).sum::<f64>();
            }
        }
        let share = f64::from(below) / f64::from(all);
        assert!(share > 0.01 && share < 0.11, "{share}");
        assert!((sum / f64::from(all)).abs() < 0.02, "{}", sum / f64::from(all));
    }

    /// B is a copy of A that beats it slightly less often than a coin; C loses to A and B only where D is there to be beaten.
    #[test]
    fn a_law_without_it_is_found_out() {
        let votes = rankings(&[("ABCD", 120), ("BACD", 120), ("CDAB", 100), ("CDBA", 100), ("DABC", 30), ("ADBC", 30)]);
        let found = independence(&votes, 300, 5, &Silent).unwrap();
        assert!(found.left_out.iter().any(|row| row.holm.unwrap() < 0.001), "{found:?}");
        assert_eq!((found.resamples, found.failed), (300, 0));
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        let two = rankings(&[("AB", 3), ("BA", 1)]);
        assert_eq!(independence(&two, 10, 1, &Silent), Err(IndependenceError::TooFew));
        let above = rankings(&[("ABC", 3), ("ACB", 3)]);
        let error = RankError::Separated { above: vec![0], below: vec![1, 2] };
        assert_eq!(independence(&above, 10, 1, &Silent), Err(IndependenceError::NoFit { without: None, error }));
        // A loses to C alone: without C it never loses.
        let circle = rankings(&[("ABC", 3), ("CAB", 3)]);
        let error = RankError::Separated { above: vec![0], below: vec![1] };
        assert_eq!(independence(&circle, 10, 1, &Silent), Err(IndependenceError::NoFit { without: Some(2), error }));
    }

    #[test]
    fn models_by_other_places_have_the_same_test() {
        let all = drawn(&[0.6, 0.0, -0.2, -0.4], 60, 2, 0.4, 9);
        let places = [2u16, 0, 3, 1];
        let one = independence(&all.votes(Cluster::Question), 60, 3, &Silent).unwrap();
        let other = independence(&relabelled(&all, &places).votes(Cluster::Question), 60, 3, &Silent).unwrap();
        for row in &one.left_out {
            let turned = &other.left_out[usize::from(places[row.model])];
            assert!((row.chi_square - turned.chi_square).abs() < 1e-6 * row.chi_square, "{row:?} {turned:?}");
            for change in &row.changes {
                let [a, b] = change.models.map(|model| usize::from(places[model]));
                let same =
                    turned.changes.iter().find(|other| other.models == [a, b] || other.models == [b, a]).unwrap();
                let sign = if same.models == [a, b] { 1.0 } else { -1.0 };
                assert!((change.without - sign * same.without).abs() < 1e-9);
                assert!((change.p_value - same.p_value).abs() < 1e-6);
            }
        }
    }
}
