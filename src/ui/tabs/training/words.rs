//! The tab's sentences: names, the verdict, the caption, in the reader's words.

use super::draft::{BudgetKind, SchemeKind, TransformKind};
use super::view::View;
use crate::dempo::schedule::Mode;
use crate::dempo::training::EvaluationReport;
use crate::figures::number;
use crate::jobs::spec::RunSpec;
use crate::statistics::mean_half_width;
use crate::store::RunRow;
use crate::ui::widgets::VerdictKind;

/// Steps whose mean stands in a sentence.
const LAST: usize = 20;

pub fn scheme_name(kind: SchemeKind) -> &'static str {
    match kind {
        SchemeKind::Hard => "Hard",
        SchemeKind::Soft => "Soft",
        SchemeKind::Full => "Full",
        SchemeKind::Pooled => "Pooled",
        SchemeKind::Subset => "Subset",
    }
}

pub fn scheme_sentence(kind: SchemeKind) -> &'static str {
    match kind {
        SchemeKind::Hard => "Only the members of one panel count, every member alike.",
        SchemeKind::Soft => "Everybody counts by their chance to be on the panel: the mean over all panels.",
        SchemeKind::Full => "Every rater counts alike, however many pairs they have.",
        SchemeKind::Pooled => "Every pair counts alike, so raters with many pairs count more.",
        SchemeKind::Subset => "Every pair of some raters counts alike, such as PRISM's balanced sample (US-Rep).",
    }
}

pub fn transform_name(kind: TransformKind) -> &'static str {
    match kind {
        TransformKind::None => "as they are",
        TransformKind::SquareRoot => "square roots",
        TransformKind::Square => "squares",
        TransformKind::Clip => "clipped",
    }
}

pub fn budget_name(kind: BudgetKind) -> (&'static str, &'static str) {
    match kind {
        BudgetKind::Steps => {
            ("Steps", "So many steps, whatever the number of pairs: a small panel's pairs come more often.")
        }
        BudgetKind::Epochs => ("Epochs", "So many times the number of pairs that count."),
        BudgetKind::Visits => ("Visits", "So many looks at a pair."),
    }
}

pub fn mode_name(mode: Mode) -> (&'static str, &'static str) {
    match mode {
        Mode::Weighted => ("Weigh losses", "Every pair once an epoch; its loss is multiplied by its weight."),
        Mode::ImportanceSampling => {
            ("Draw raters", "Raters are drawn by their shares and their pairs alike; no loss is multiplied.")
        }
    }
}

/// A run, for a choice and in a legend.
pub fn run_name(run: &RunRow) -> String {
    match &run.spec {
        RunSpec::Train(spec) => format!("Run {}: {}, seed {}", run.id.0, spec.scheme.name(), spec.seed),
        RunSpec::ImportTrl(_) => format!("Run {}: from TRL", run.id.0),
        _ => format!("Run {}", run.id.0),
    }
}

/// Half the width of the 95 % interval of a mean over so many raters; none for one rater alone.
pub fn half_width(error: f64, raters: usize) -> Option<f64> {
    mean_half_width(error, raters, 0.95)
}

/// `0.612 ± 0.031` with half the width of the 95 % interval over raters; of one rater it is said that there is none.
pub fn with_error(value: f64, error: f64, raters: usize, digits: usize) -> String {
    match half_width(error, raters) {
        Some(half) => format!("{} ± {}", number::fixed(value, digits), number::fixed(half, digits)),
        None if raters == 1 => format!("{} (one rater, no interval)", number::fixed(value, digits)),
        None => number::fixed(value, digits),
    }
}

fn percent_with_error(value: f64, error: f64, raters: usize) -> String {
    match half_width(error, raters) {
        Some(half) => format!("{} ± {} %", number::fixed(100.0 * value, 0), number::fixed(100.0 * half, 0)),
        None => format!("{} %", number::fixed(100.0 * value, 0)),
    }
}

/// What came out so far, and how far that can be relied upon.
pub fn verdict(view: &View, running: bool) -> (VerdictKind, String) {
    let done = view.steps.len() as u64;
    let planned = view.plan.as_ref().map_or(done, |plan| plan.outlook.steps);
    let after = if running || done < planned {
        format!("After {} of {} steps", number::count(done), number::count(planned))
    } else {
        format!("After {}", number::counted(done, "step", "steps"))
    };
    if let [first, .., last] = view.evaluations.as_slice() {
        return held_out(&after_step(last, planned), first, last);
    }
    let last = &view.steps[view.steps.len().saturating_sub(LAST)..];
    if last.is_empty() {
        return (VerdictKind::Nothing, "The first step has not been taken yet.".to_owned());
    }
    let accuracy = last.iter().map(|step| step.report.accuracy).sum::<f64>() / last.len() as f64;
    let text = format!(
        "{after} the model prefers the chosen answer in {} of the pairs of the last {}. Nothing is known of raters it has \
         not learned from.",
        number::percent(accuracy),
        number::counted(last.len() as u64, "step", "steps")
    );
    (VerdictKind::Nothing, text)
}

fn after_step(report: &EvaluationReport, planned: u64) -> String {
    if report.step == planned {
        format!("After {}", number::counted(planned, "step", "steps"))
    } else {
        format!("After {} of {} steps", number::count(report.step), number::count(planned))
    }
}

fn held_out(after: &str, first: &EvaluationReport, last: &EvaluationReport) -> (VerdictKind, String) {
    let numbers = format!(
        "{after} the model prefers the chosen answer in {} of the pairs of {} whom it has not learned from",
        percent_with_error(last.accuracy, last.accuracy_error, last.raters),
        number::counted(last.raters as u64, "rater", "raters")
    );
    let half = half_width(last.accuracy_error, last.raters);
    if half.is_some_and(|half| last.accuracy - half > 0.5) {
        (VerdictKind::Good, format!("{numbers}: more than chance."))
    } else if half.is_some_and(|half| last.accuracy + half < 0.5) {
        (VerdictKind::Caution, format!("{numbers}: less than chance."))
    } else if half.is_none() && last.raters == 1 {
        (VerdictKind::Nothing, format!("{numbers}: one rater alone says nothing of others. Hold out at least two."))
    } else if last.step == first.step {
        (VerdictKind::Nothing, format!("{numbers}."))
    } else {
        (VerdictKind::Nothing, format!("{numbers}: not told apart from chance, which is 50 %."))
    }
}

/// For a paper.
pub fn caption(run: &RunRow, view: &View) -> String {
    let RunSpec::Train(spec) = &run.spec else {
        return format!("Direct preference optimisation, {} steps, carried out with TRL.", view.steps.len());
    };
    let mut text = format!(
        "Direct preference optimisation of {} ({}), seed {}, {} of {} pairs each",
        spec.model,
        spec.scheme.name(),
        spec.seed,
        number::counted(view.steps.len() as u64, "step", "steps"),
        spec.window
    );
    if let Some(plan) = &view.plan {
        text += &format!(
            "; {} of {}, worth {} equal ones",
            number::counted(plan.outlook.pairs as u64, "pair", "pairs"),
            number::counted(plan.outlook.raters as u64, "rater", "raters"),
            number::fixed(plan.outlook.effective_raters, 1)
        );
    }
    if let Some(last) = view.evaluations.last() {
        text += &format!(
            "; held out: loss {}, accuracy {} ({}{})",
            with_error(last.loss, last.loss_error, last.raters, 3),
            with_error(last.accuracy, last.accuracy_error, last.raters, 3),
            number::counted(last.raters as u64, "rater", "raters"),
            if last.raters > 1 { ", 95 % intervals" } else { "" }
        );
    }
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(step: u64, accuracy: f64, accuracy_error: f64) -> EvaluationReport {
        EvaluationReport {
            step,
            loss: 0.6,
            loss_error: 0.01,
            accuracy,
            accuracy_error,
            margin: 0.1,
            raters: 9,
            visits: Vec::new(),
        }
    }

    #[test]
    fn one_rater_has_no_interval() {
        assert_eq!(with_error(0.612, f64::NAN, 1, 3), "0.612 (one rater, no interval)");
        assert_eq!(with_error(0.5, 0.1, 5, 3), "0.500 ± 0.278");
        let alone = EvaluationReport { raters: 1, ..report(9, 1.0, f64::NAN) };
        let (kind, text) = held_out("After 9 steps", &report(0, 0.5, 0.0), &alone);
        assert!(kind == VerdictKind::Nothing && text.contains("100 % of the pairs of 1 rater"), "{text}");
        assert!(text.ends_with("says nothing of others. Hold out at least two."), "{text}");
    }

    #[test]
    fn only_what_is_told_apart_from_chance_is_called_so() {
        let start = report(0, 0.5, 0.0);
        // Student's t of 8 degrees is 2.306, so that an error of 5 % makes 12 %.
        let say = |accuracy, error| held_out("After 9 steps", &start, &report(9, accuracy, error));
        assert!(
            say(0.7, 0.05)
                .1
                .ends_with("70 ± 12 % of the pairs of 9 raters whom it has not learned from: more than chance.")
        );
        assert_eq!(say(0.3, 0.05).0, VerdictKind::Caution);
        assert!(say(0.55, 0.05).1.contains("not told apart from chance"));
        assert!(say(0.61, 0.05).1.contains("not told apart"), "1.96 errors would leave chance out, 2.306 do not");
        assert!(say(0.55, f64::NAN).1.contains("not told apart"), "an error that is not known shows nothing");
    }
}
