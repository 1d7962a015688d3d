//! What the leaderboard owes to choices that could have been made otherwise, and to single judges and models.

use std::collections::BTreeSet;

use super::{Material, Quiet};
use crate::eigenbench::btd::{FitSpec, fit};
use crate::eigenbench::comparisons::{Choice, Comparison, counted};
use crate::eigenbench::existence::obstacles;
use crate::eigenbench::reconcile::reconcile;
use crate::eigenbench::trust::{Settling, elo, trust_matrix};
use crate::progress::{Cancelled, Progress};

/// Descents of each refit: enough to see what changes.
const STARTS: u32 = 3;

/// The leaderboard under another choice.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Variant {
    pub name: String,
    /// Elo by model (`None` for one that was left out), or why there is no leaderboard.
    pub elo: Result<Vec<Option<f64>>, String>,
    /// Descents, and those that end at this leaderboard; 0 where there is none. Where they do not agree, the judgements that are
    /// left may not determine it.
    pub starts: u32,
    pub starts_agreeing: u32,
}

/// What a refit found.
struct Refit {
    elo: Result<Vec<f64>, String>,
    starts: u32,
    starts_agreeing: u32,
}

impl Refit {
    fn into_variant(self, name: &str, by_model: impl FnOnce(Vec<f64>) -> Vec<Option<f64>>) -> Variant {
        let Self { elo, starts, starts_agreeing } = self;
        Variant { name: name.to_owned(), elo: elo.map(by_model), starts, starts_agreeing }
    }
}

fn all(elo: Vec<f64>) -> Vec<Option<f64>> {
    elo.into_iter().map(Some).collect()
}

/// How a variant is fitted.
struct Choices {
    dimension: usize,
    dangling: bool,
    weighing: Weighing,
}

/// How rows of trust become trust.
#[derive(Clone, Copy)]
enum Weighing {
    /// By the trust of the judges themselves.
    Settled,
    /// All judges of the population alike.
    Alike,
    /// As [`Weighing::Settled`], where the model at this place is judged and does not judge.
    Without(usize),
}

fn refit(
    material: &Material<'_>,
    rows: &[Comparison],
    choices: &Choices,
    progress: &dyn Progress,
) -> Result<Refit, Cancelled> {
    progress.checkpoint()?;
    let n = material.models.len();
    let cells = counted(rows, |_| 1.0);
    let found = obstacles(n, &cells, choices.dangling);
    if !found.is_empty() {
        let names = [material.models, material.outside].concat();
        let problem = found.iter().map(|own| own.words(&names)).collect::<Vec<_>>().join("; ");
        return Ok(Refit { elo: Err(problem), starts: 0, starts_agreeing: 0 });
    }
    let spec = FitSpec { dimension: choices.dimension, starts: STARTS.min(material.fit.starts), ..material.fit };
    let found = fit(n, &cells, spec, None, &Quiet(progress))?;
    let matrix = trust_matrix(&found.model);
    let trust = match choices.weighing {
        Weighing::Settled => {
            material.settling.settle(&matrix, n).map(|found| found.trust).map_err(|problem| problem.to_string())
        }
        Weighing::Alike => {
            Ok((0..n).map(|model| (0..n).map(|judge| matrix[judge * n + model]).sum::<f64>() / n as f64).collect())
        }
        Weighing::Without(silent) => {
            material.settling.settle_without(&matrix, n, silent).ok_or_else(|| "trust does not settle".to_owned())
        }
    };
    Ok(Refit { elo: trust.map(|trust| elo(&trust)), starts: spec.starts, starts_agreeing: found.starts_agreeing })
}

/// The leaderboard under other choices, one at a time.
///
/// # Errors
/// When the caller asks for the end.
pub(super) fn sensitivity(
    material: &Material<'_>,
    given: &[Comparison],
    progress: &dyn Progress,
) -> Result<Vec<Variant>, Cancelled> {
    let usual =
        || Choices { dimension: material.fit.dimension, dangling: material.dangling, weighing: Weighing::Settled };
    let rows = material.rows;
    let (no_self, decided): (Vec<Comparison>, Vec<Comparison>) = (
        rows.iter().filter(|row| row.judge != row.first && row.judge != row.second).copied().collect(),
        rows.iter().filter(|row| row.choice != Choice::Tie).copied().collect(),
    );
    let mut variants = vec![
        ("All judges weigh alike", rows, Choices { weighing: Weighing::Alike, ..usual() }),
        ("Nobody judges itself", &no_self[..], usual()),
        ("Ties are left out", &decided, usual()),
        ("One dimension more", rows, Choices { dimension: material.fit.dimension + 1, ..usual() }),
    ];
    if material.fit.dimension > 1 {
        variants.push(("One dimension less", rows, Choices { dimension: material.fit.dimension - 1, ..usual() }));
    }
    let mut turned = given.to_vec();
    if material.reconciled {
        variants.push(("Contradictions stay as they are", given, usual()));
    } else {
        reconcile(&mut turned);
        variants.push(("Contradictions are ties", &turned, usual()));
    }
    variants
        .into_iter()
        .map(|(name, rows, choices)| Ok(refit(material, rows, &choices, progress)?.into_variant(name, all)))
        .collect()
}

/// The leaderboard without each judge's judgements. A judge that is one of the models is then judged by the others alone
/// ([`Settling::settle_without`]).
///
/// # Errors
/// When the caller asks for the end.
pub(super) fn without_judges(material: &Material<'_>, progress: &dyn Progress) -> Result<Vec<Variant>, Cancelled> {
    let judges: BTreeSet<u16> = material.rows.iter().map(|row| row.judge).collect();
    judges
        .into_iter()
        .map(|judge| {
            let rows: Vec<Comparison> = material.rows.iter().filter(|row| row.judge != judge).copied().collect();
            let place = usize::from(judge);
            let weighing = if place < material.models.len() { Weighing::Without(place) } else { Weighing::Settled };
            let choices = Choices { dimension: material.fit.dimension, dangling: true, weighing };
            Ok(refit(material, &rows, &choices, progress)?.into_variant(material.name(judge), all))
        })
        .collect()
}

/// The leaderboard without each model, as judge and as one who is judged, shifted so that the others have the mean that they have
/// in `elo`.
///
/// # Errors
/// When the caller asks for the end.
pub(super) fn without_models(
    material: &Material<'_>,
    board: &[f64],
    progress: &dyn Progress,
) -> Result<Vec<Variant>, Cancelled> {
    let n = material.models.len() as u16;
    if n < 3 {
        return Ok(Vec::new());
    }
    let choices =
        Choices { dimension: material.fit.dimension, dangling: material.dangling, weighing: Weighing::Settled };
    (0..n)
        .map(|gone| {
            let moved = |place: u16| if place > gone { place - 1 } else { place };
            let rows: Vec<Comparison> = (material.rows.iter())
                .filter(|row| row.judge != gone && row.first != gone && row.second != gone)
                .map(|row| Comparison {
                    judge: moved(row.judge),
                    first: moved(row.first),
                    second: moved(row.second),
                    ..*row
                })
                .collect();
            let mut models = material.models.to_vec();
            let name = models.remove(usize::from(gone));
            let settling = match &material.settling.pre_trust {
                crate::eigenbench::trust::PreTrust::Models(chosen) => Settling {
                    pre_trust: crate::eigenbench::trust::PreTrust::Models(
                        chosen
                            .iter()
                            .filter(|&&at| at != usize::from(gone))
                            .map(|&at| usize::from(moved(at as u16)))
                            .collect(),
                    ),
                    ..*material.settling
                },
                _ => material.settling.clone(),
            };
            let others = Material { models: &models, settling: &settling, ..*material };
            let stays = |at: &usize| *at != usize::from(gone);
            let anchored = |found: Vec<f64>| {
                let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / f64::from(n - 1);
                let before = mean(&mut (0..board.len()).filter(stays).map(|at| board[at]));
                let shift = before - mean(&mut found.iter().copied());
                (0..n).map(|at| (at != gone).then(|| found[usize::from(moved(at))] + shift)).collect()
            };
            Ok(refit(&others, &rows, &choices, progress)?.into_variant(&name, anchored))
        })
        .collect()
}
