//! A lottery with the draw that was held from it, as one file: for export, and for a training that takes its panel.

use super::draft::{Draft, DrawnDraft};
use super::draw::equal_list;
use crate::jobs::spec::RunSpec;
use crate::sortition::audit::{AuditError, AuditFile};
use crate::sortition::lottery::Lottery;
use crate::sortition::lottery_run::{self, LotteryResult, LotterySpec};
use crate::sortition::transparent::Rounding;
use crate::store::{Project, RunId, StoreError};
use crate::ui::app::PANEL_DRAFT;

/// The audit file of a lottery, with the numbered panels that were made of it and the draw that was held.
pub fn audit_file(
    spec: &LotterySpec,
    result: &LotteryResult,
    held: Option<&DrawnDraft>,
    equal: Option<&Lottery>,
) -> Result<AuditFile, String> {
    let problem = |error: AuditError| error.to_string();
    let mut file = AuditFile::new(spec, result).map_err(problem)?;
    if let Some(list) = equal {
        file.number(list, Rounding::USUAL, spec.seed).map_err(problem)?;
    }
    let numbers = equal.map(|list| list.panels.len() as u32);
    if let Some(drawn) = held {
        if drawn.equal.is_none() {
            file.draw(&drawn.words).map_err(problem)?;
        } else if drawn.equal == numbers {
            file.draw_number(&drawn.words).map_err(problem)?;
        }
    }
    Ok(file)
}

/// The lottery of a run with the draw that the Panel tab keeps of it; `None` while the run has no result. May take a while.
///
/// # Errors
/// What the store says; inside, why the file does not hang together.
pub fn of_run(project: &Project, run: RunId) -> Result<Option<Result<AuditFile, String>>, StoreError> {
    let Some(result) = project.document::<LotteryResult>(run, lottery_run::RESULT)? else { return Ok(None) };
    let RunSpec::Lottery(spec) = project.run(run)?.spec else { return Ok(None) };
    let draft = project.draft(PANEL_DRAFT)?.and_then(|json| serde_json::from_str::<Draft>(&json).ok());
    let held = draft.and_then(|draft| draft.draw.drawn).filter(|drawn| drawn.run == run.0);
    let equal = match held.as_ref().and_then(|held| held.equal) {
        None => None,
        Some(count) => match equal_list(&spec, &result, count) {
            Ok(equal) => Some(equal.lottery),
            Err(problem) => return Ok(Some(Err(problem))),
        },
    };
    Ok(Some(audit_file(&spec, &result, held.as_ref(), equal.as_deref())))
}
