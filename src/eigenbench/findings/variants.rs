//! What the leaderboard owes to choices that could have been made otherwise, and to single judges and models.

use std::collections::BTreeSet;

use super::Material;
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
}

/// How a variant is fitted.
struct Choices {
    dimension: usize,
    dangling: bool,
    /// Weighs all judges alike instead of by their own trust.
    uniform: bool,
}

fn refit(
    material: &Material<'_>,
    rows: &[Comparison],
    choices: &Choices,
    progress: &dyn Progress,
) -> Result<Result<Vec<f64>, String>, Cancelled> {
    progress.checkpoint()?;
    let n = material.models.len();
    let cells = counted(rows, |_| 1.0);
    let found = obstacles(n, &cells, choices.dangling);
    if !found.is_empty() {
        let names = [material.models, material.outside].concat();
        return Ok(Err(found.iter().map(|own| own.words(&names)).collect::<Vec<_>>().join("; ")));
    }
    let spec = FitSpec { dimension: choices.dimension, starts: STARTS.min(material.fit.starts), ..material.fit };
    let matrix = trust_matrix(&fit(n, &cells, spec, None, progress)?.model);
    if choices.uniform {
        let mean = |model: usize| (0..n).map(|judge| matrix[judge * n + model]).sum::<f64>() / n as f64;
        return Ok(Ok(elo(&(0..n).map(mean).collect::<Vec<f64>>())));
    }
    Ok(material.settling.settle(&matrix, n).map(|found| elo(&found.trust)).map_err(|problem| problem.to_string()))
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
    let usual = || Choices { dimension: material.fit.dimension, dangling: material.dangling, uniform: false };
    let rows = material.rows;
    let (no_self, decided): (Vec<Comparison>, Vec<Comparison>) = (
        rows.iter().filter(|row| row.judge != row.first && row.judge != row.second).copied().collect(),
        rows.iter().filter(|row| row.choice != Choice::Tie).copied().collect(),
    );
    let mut variants = vec![
        ("All judges weigh alike", rows, Choices { uniform: true, ..usual() }),
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
        .map(|(name, rows, choices)| {
            let found = refit(material, rows, &choices, progress)?;
            Ok(Variant { name: name.to_owned(), elo: found.map(|elo| elo.into_iter().map(Some).collect()) })
        })
        .collect()
}

/// The leaderboard without each judge's judgements. A judge that is one of the models then trusts all alike, and its row weighs
/// as it did.
///
/// # Errors
/// When the caller asks for the end.
pub(super) fn without_judges(material: &Material<'_>, progress: &dyn Progress) -> Result<Vec<Variant>, Cancelled> {
    let judges: BTreeSet<u16> = material.rows.iter().map(|row| row.judge).collect();
    let choices = Choices { dimension: material.fit.dimension, dangling: true, uniform: false };
    judges
        .into_iter()
        .map(|judge| {
            let rows: Vec<Comparison> = material.rows.iter().filter(|row| row.judge != judge).copied().collect();
            let found = refit(material, &rows, &choices, progress)?;
            let name = material.name(judge).to_owned();
            Ok(Variant { name, elo: found.map(|elo| elo.into_iter().map(Some).collect()) })
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
    let choices = Choices { dimension: material.fit.dimension, dangling: material.dangling, uniform: false };
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
            let found = refit(&others, &rows, &choices, progress)?;
            let elo = found.map(|found| {
                let stays = |at: &usize| *at != usize::from(gone);
                let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / f64::from(n - 1);
                let before = mean(&mut (0..board.len()).filter(stays).map(|at| board[at]));
                let shift = before - mean(&mut found.iter().copied());
                (0..n).map(|at| (at != gone).then(|| found[usize::from(moved(at))] + shift)).collect()
            });
            Ok(Variant { name, elo })
        })
        .collect()
}
