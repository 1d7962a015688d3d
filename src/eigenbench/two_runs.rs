//! Two leaderboards beside each other: other criteria, other scenarios, other judges, or one more model. Since trust sums to 1
//! in each, only differences among the models that both have can be compared (eigenbench.md, section 5).

use super::btd::fit;
use super::comparisons::{Comparison, counted};
use super::leaderboard::{LeaderboardError, LeaderboardSpec, leaderboard};
use super::reconcile::reconcile;
use super::uncertainty::bootstrap;
use crate::progress::Progress;
use crate::statistics::{quantile, sorted, spearman};

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub models: &'a [String],
    /// Judges outside the population, at places from the number of models on.
    pub outside: &'a [String],
    pub rows: &'a [Comparison],
}

/// A model that both have.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CommonModel {
    pub name: String,
    /// Elo in each, with the mean of all common models at 1500.
    pub elo: [f64; 2],
    /// Ranks among the common models, 1 being the top.
    pub ranks: [usize; 2],
    /// The second less the first.
    pub difference: f64,
    /// 95 % of differences over resamples of both, drawn apart from each other; `None` without resamples.
    pub interval: Option<[f64; 2]>,
}

/// What two runs have in common, and how they differ.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TwoRuns {
    /// In the order of the first leaderboard.
    pub common: Vec<CommonModel>,
    /// Models that only the first, or only the second has.
    pub only: [Vec<String>; 2],
    /// Spearman's correlation of Elo among the common models; `None` below three.
    pub spearman: Option<f64>,
    /// Pairs of common models that the two order unlike each other.
    pub discordant: usize,
    /// Judges that both have, with the sum of absolute differences of their trust in the common models, shares among these.
    pub judges: Vec<(String, f64)>,
}

/// Why two runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwoRunsError {
    #[error("the {side} run has no leaderboard: {problem}")]
    NoLeaderboard { side: &'static str, problem: LeaderboardError },
    #[error("the two runs have fewer than two models in common. Models are told apart by their names")]
    NothingInCommon,
}

/// One side, fitted: Elo of the common models with their mean at 1500, the same for resamples, and trust by judges.
struct Fitted {
    elo: Vec<f64>,
    resampled: Vec<Vec<f64>>,
    trust: Vec<Vec<f64>>,
}

fn fitted(
    side: Side<'_>,
    common: &[usize],
    spec: &LeaderboardSpec,
    progress: &dyn Progress,
) -> Result<Fitted, LeaderboardError> {
    let board =
        leaderboard(side.models, side.outside, side.rows, &LeaderboardSpec { resamples: 0, ..spec.clone() }, progress)?;
    let among = |elo: &[f64]| {
        let own: Vec<f64> = common.iter().map(|&model| elo[model]).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        own.into_iter().map(|elo| elo + 1500.0 - mean).collect::<Vec<f64>>()
    };
    let resampled = match spec.resamples {
        0 => Vec::new(),
        resamples => {
            let mut rows = side.rows.to_vec();
            if spec.reconcile {
                reconcile(&mut rows);
            }
            let best = fit(side.models.len(), &counted(&rows, |_| 1.0), spec.fit, None, progress)?.model;
            let drawn = bootstrap(&rows, &best, spec.fit, &spec.settling, spec.unit, resamples, progress)?;
            drawn.elo.iter().map(|elo| among(elo)).collect()
        }
    };
    let shares = |row: &Vec<f64>| {
        let own: Vec<f64> = common.iter().map(|&model| row[model]).collect();
        let all: f64 = own.iter().sum();
        own.into_iter().map(|share| share / all).collect()
    };
    Ok(Fitted { elo: among(&board.elo), resampled, trust: board.matrix.iter().map(shares).collect() })
}

fn ranks(elo: &[f64]) -> Vec<usize> {
    elo.iter().map(|own| 1 + elo.iter().filter(|other| *other > own).count()).collect()
}

/// Compares two runs; resamples of the second are drawn with the next seed, so that the two are independent.
///
/// # Errors
/// [`TwoRunsError`].
pub fn compare(
    first: Side<'_>,
    second: Side<'_>,
    spec: &LeaderboardSpec,
    progress: &dyn Progress,
) -> Result<TwoRuns, TwoRunsError> {
    let place = |models: &[String], name: &String| models.iter().position(|known| known == name);
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for (at, name) in first.models.iter().enumerate() {
        if let Some(other) = place(second.models, name) {
            here.push(at);
            there.push(other);
        }
    }
    if here.len() < 2 {
        return Err(TwoRunsError::NothingInCommon);
    }
    let only = |own: &[String], other: &[String]| {
        own.iter().filter(|name| place(other, name).is_none()).cloned().collect::<Vec<_>>()
    };
    let failed = |side| move |problem| TwoRunsError::NoLeaderboard { side, problem };
    let mut next = spec.clone();
    next.fit.seed = spec.fit.seed.wrapping_add(1);
    let one = fitted(first, &here, spec, progress).map_err(failed("first"))?;
    let other = fitted(second, &there, &next, progress).map_err(failed("second"))?;
    let (ranks_here, ranks_there) = (ranks(&one.elo), ranks(&other.elo));
    let interval = |model: usize| {
        let both = one.resampled.iter().zip(&other.resampled);
        let differences = sorted(&both.map(|(a, b)| b[model] - a[model]).collect::<Vec<f64>>());
        (differences.len() > 1).then(|| [quantile(&differences, 0.025), quantile(&differences, 0.975)])
    };
    let mut common: Vec<CommonModel> = (0..here.len())
        .map(|model| CommonModel {
            name: first.models[here[model]].clone(),
            elo: [one.elo[model], other.elo[model]],
            ranks: [ranks_here[model], ranks_there[model]],
            difference: other.elo[model] - one.elo[model],
            interval: interval(model),
        })
        .collect();
    common.sort_by(|a, b| b.elo[0].total_cmp(&a.elo[0]));
    let unlike = |a: &CommonModel, b: &CommonModel| (a.elo[0] - b.elo[0]) * (a.elo[1] - b.elo[1]) < 0.0;
    let discordant =
        common.iter().enumerate().map(|(at, a)| common[at + 1..].iter().filter(|b| unlike(a, b)).count()).sum();
    let (judges_here, judges_there) =
        ([first.models, first.outside].concat(), [second.models, second.outside].concat());
    let distance = |(at, name): (usize, &String)| {
        let there = place(&judges_there, name)?;
        let apart = one.trust[at].iter().zip(&other.trust[there]).map(|(a, b)| (a - b).abs()).sum();
        Some((name.clone(), apart))
    };
    Ok(TwoRuns {
        only: [only(first.models, second.models), only(second.models, first.models)],
        spearman: if common.len() > 2 { spearman(&one.elo, &other.elo) } else { None },
        discordant,
        judges: judges_here.iter().enumerate().filter_map(distance).collect(),
        common,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eigenbench::btd::FitSpec;
    use crate::eigenbench::comparisons::Choice;
    use crate::eigenbench::trust::Settling;
    use crate::eigenbench::uncertainty::Unit;
    use crate::progress::Silent;

    fn spec(resamples: u32) -> LeaderboardSpec {
        LeaderboardSpec {
            fit: FitSpec { dimension: 1, ridge: 1e-3, starts: 3, seed: 4 },
            settling: Settling::default(),
            dangling: true,
            reconcile: true,
            resamples,
            unit: Unit::Scenario,
            folds: None,
            anchors: Vec::new(),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Everybody judges that `better` beats the model after it in two of three scenarios.
    fn rows(models: u16, better: impl Fn(u16, u16) -> bool) -> Vec<Comparison> {
        let mut rows = Vec::new();
        for scenario in 0..30 {
            for judge in 0..models {
                for first in 0..models {
                    for second in (0..models).filter(|&second| second != first) {
                        let wins = better(first, second) == (scenario % 3 != 0);
                        let choice = if wins { Choice::First } else { Choice::Second };
                        rows.push(Comparison { scenario, criterion: 0, pass: 0, judge, first, second, choice });
                    }
                }
            }
        }
        rows
    }

    #[test]
    fn a_run_is_like_itself_whatever_its_models_order() {
        let (here, there) = (names(&["a", "b", "c"]), names(&["c", "b", "a"]));
        let first = rows(3, |a, b| a < b);
        let second = rows(3, |a, b| a > b);
        let side = |models, rows| Side { models, outside: &[], rows };
        let found = compare(side(&here, &first), side(&there, &second), &spec(0), &Silent).unwrap();
        assert!(found.common.iter().all(|model| model.difference.abs() < 1e-4 && model.ranks[0] == model.ranks[1]));
        assert_eq!((found.discordant, found.judges.len()), (0, 3));
        assert!(found.spearman.unwrap() > 0.999 && found.judges.iter().all(|(_, apart)| *apart < 1e-5));
        assert!(found.common[0].name == "a" && found.common[0].interval.is_none());
    }

    #[test]
    fn a_model_that_joins_moves_nobody_against_the_others() {
        let (here, there) = (names(&["a", "b"]), names(&["a", "b", "late"]));
        let (first, second) = (rows(2, |a, b| a < b), rows(3, |a, b| a < b));
        let side = |models, rows| Side { models, outside: &[], rows };
        let found = compare(side(&here, &first), side(&there, &second), &spec(40), &Silent).unwrap();
        assert_eq!(found.only, [Vec::new(), names(&["late"])]);
        let [low, high] = found.common[0].interval.unwrap();
        assert!(low <= found.common[0].difference && found.common[0].difference <= high, "{found:?}");
        let mean = |side: usize| found.common.iter().map(|model| model.elo[side]).sum::<f64>() / 2.0;
        assert!((mean(0) - 1500.0).abs() < 1e-9 && (mean(1) - 1500.0).abs() < 1e-9);
        let nobody = compare(side(&here, &first), side(&names(&["x", "a", "y"]), &second), &spec(0), &Silent);
        assert_eq!(nobody.unwrap_err(), TwoRunsError::NothingInCommon);
    }
}
