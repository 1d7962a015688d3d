//! Sentences and figures of the results.

use super::view::ResultsView;
use crate::eigenbench::uncertainty::Unit;
use crate::figures::number;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::tabs::shared::page::Sentence;
use crate::ui::widgets::VerdictKind;

/// Chances beyond this are called clear.
const CLEAR: f64 = 0.975;

pub fn elo(value: f64) -> String {
    number::fixed(value, 0)
}

pub fn three(value: f64) -> String {
    number::fixed(value, 3)
}

pub fn four(value: f64) -> String {
    number::fixed(value, 4)
}

/// What a leaderboard rests on.
pub fn basis(view: &ResultsView) -> String {
    let scenarios = view.board.as_ref().map_or(0, |board| board.scenarios);
    format!(
        "{} on {}, d = {}",
        number::counted(view.rows as u64, "judgement", "judgements"),
        number::counted(scenarios as u64, "scenario", "scenarios"),
        view.settings.board.fit.dimension
    )
}

/// What intervals cover.
pub fn intervals(view: &ResultsView) -> String {
    let Some(intervals) = view.board.as_ref().ok().and_then(|board| board.intervals.as_ref()) else {
        return "No intervals (yet).".to_owned();
    };
    let unit = match intervals.cluster {
        Unit::Scenario => "scenarios",
        Unit::Rows => "single judgements, as in the paper: too narrow, since those of a scenario are not independent",
    };
    format!("95 % intervals over {} resamples of {unit}.", number::count(intervals.resamples as u64))
}

/// Who is clearly above whom.
pub fn standing(view: &ResultsView) -> Option<Sentence> {
    let board = view.board.as_ref().ok()?;
    let first = *view.order.first()?;
    let name = view.model(first);
    let Some(intervals) = &board.intervals else {
        return Some((VerdictKind::Nothing, format!("{name} leads so far; there are no intervals (yet).")));
    };
    let clear = |&&model: &&usize| intervals.above[first][model] >= CLEAR;
    let (below, level): (Vec<&usize>, Vec<&usize>) = view.order[1..].iter().partition(|model| clear(model));
    let names = |models: &[&usize]| models.iter().map(|&&model| view.model(model)).collect::<Vec<_>>().join(", ");
    Some(match (below.is_empty(), level.is_empty()) {
        (_, true) => (VerdictKind::Shown, format!("{name} is clearly above all others.")),
        (false, false) => (
            VerdictKind::Shown,
            format!("{name} leads, clearly above {}; {} may be as high.", names(&below), names(&level)),
        ),
        (true, false) => (
            VerdictKind::Nothing,
            format!("{name} leads, but nobody is clearly below: other scenarios may turn it round."),
        ),
    })
}

/// What a reader of the leaderboard should know.
pub fn cautions(view: &ResultsView) -> Vec<Sentence> {
    let Ok(board) = &view.board else { return Vec::new() };
    let mut found = Vec::new();
    if board.starts_agreeing < board.starts {
        let text = format!(
            "{} of {} starts of the fit end at this leaderboard; the others end elsewhere. Take fewer dimensions, or more starts.",
            board.starts_agreeing, board.starts
        );
        found.push((VerdictKind::Caution, text));
    }
    if let Some(intervals) = board.intervals.as_ref().filter(|intervals| intervals.without_answer > 0) {
        let text = format!("{} resamples have no leaderboard and are left out.", intervals.without_answer);
        found.push((VerdictKind::Caution, text));
    }
    if !board.warnings.is_empty() {
        let text = match board.warnings.len() {
            1 => format!("{}; the ridge decides here.", crate::ui::format::sentence(&board.warnings[0])),
            many => format!(
                "{many} judges have no finite fit of their own: they borrow from the others, or the ridge decides. First: {}.",
                shortened(&board.warnings[0], 120)
            ),
        };
        found.push((VerdictKind::Caution, text));
    }
    found
}

/// A persona in a few words.
pub fn persona(view: &ResultsView, model: usize) -> String {
    let name = view.model(model).split(" as ").nth(1);
    match (name, view.judged.personas[model].as_str()) {
        (Some(name), _) => name.to_owned(),
        (None, "") => "none".to_owned(),
        (None, text) => shortened(text, 24),
    }
}
