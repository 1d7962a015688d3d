//! What was asked of each model, what was lost on the way, and what it cost.

use crate::figures::number;
use crate::jobs::collect::{Coverage, ModelCoverage, TextCounts};
use crate::jobs::speaker::Speaker;
use crate::ui::tabs::shared::page::{Cell, Page, Part, Sheet};
use crate::ui::widgets::VerdictKind;

use super::view::View;

/// What was asked, by model.
pub fn page(view: &View) -> Page {
    let mut page = Page::default();
    let Some(spec) = &view.spec else {
        let text = "These judgements were imported: the program asked nobody.";
        page.sentences.push((VerdictKind::Nothing, text.to_owned()));
        return page;
    };
    match &view.coverage {
        Some(coverage) => {
            if coverage.warnings().is_empty() {
                page.sentences
                    .push((VerdictKind::Good, "Nothing was lost: every text and choice could be used.".to_owned()));
            }
            page.parts.push(Part::Table(by_model(coverage)));
            page.parts.push(Part::Table(by_criterion(coverage)));
        }
        None => {
            let text = "What is lost on the way is counted when the collection ends.";
            page.sentences.push((VerdictKind::Nothing, text.to_owned()));
        }
    }
    let header = ["Asked as", "Answered", "Failed", "Tokens read", "Tokens written", "US dollars"];
    let row = |calls: &crate::store::ModelCalls| {
        let free = spec.models.iter().map(|model| &model.speaker).filter(|own| own.model() == calls.model);
        let free = free.clone().count() > 0 && free.clone().all(Speaker::is_free);
        let cost = spec.prices.sum(&calls.model, calls.dollars, calls.without_dollars);
        vec![
            Cell::text(&calls.model),
            Cell::count(calls.answered),
            Cell::count(calls.failed),
            Cell::count(calls.prompt_tokens),
            Cell::count(calls.completion_tokens),
            Cell::Number(if free { Some(0.0) } else { cost }, |dollars| number::fixed(dollars, 4)),
        ]
    };
    let rows: Vec<Vec<Cell>> = view.calls.iter().map(row).collect();
    page.parts.push(Part::Table(Sheet::new("eigenbench-calls", "Calls of this run", &header, &rows, None)));
    let text = "Calls that this run made first: what was answered before in this project is not asked again. An empty cost is not \
                known: give the model a price in the form.";
    page.parts.push(Part::Note(text.to_owned()));
    page
}

fn lost(counts: &TextCounts) -> String {
    let reasons = [
        (counts.truncated, "cut"),
        (counts.filtered, "filtered"),
        (counts.refused, "refused"),
        (counts.empty, "empty"),
        (counts.failed, "failed"),
        (counts.skipped, "not asked"),
    ];
    let told: Vec<String> =
        reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn by_model(coverage: &Coverage) -> Sheet {
    let header = [
        "Model",
        "Responses",
        "Lost responses",
        "Reflections",
        "Lost reflections",
        "Verdicts",
        "Lost verdicts",
        "Asked again",
        "Choices read",
        "Read with goodwill",
        "Choices lost",
    ];
    let row = |model: &ModelCoverage| {
        let choices = &model.choices;
        vec![
            Cell::text(&model.name),
            Cell::count(model.responses.whole),
            Cell::Text(lost(&model.responses)),
            Cell::count(model.reflections.whole),
            Cell::Text(lost(&model.reflections)),
            Cell::count(model.verdicts.whole),
            Cell::Text(lost(&model.verdicts)),
            Cell::count(model.repairs),
            Cell::count(choices.read()),
            Cell::count(choices.tolerant),
            Cell::count(choices.wanted - choices.read()),
        ]
    };
    let rows: Vec<Vec<Cell>> = coverage.models.iter().map(row).collect();
    Sheet::new("eigenbench-losses", "Texts and choices by model", &header, &rows, None)
}

fn by_criterion(coverage: &Coverage) -> Sheet {
    let header = ["Constitution", "Criterion", "Choices read", "Missing", "Not allowed", "Contradictory"];
    let row = |own: &crate::jobs::collect::CriterionCoverage| {
        vec![
            Cell::text(&own.constitution),
            Cell::text(&own.criterion),
            Cell::count(own.choices.read()),
            Cell::count(own.choices.missing),
            Cell::count(own.choices.not_allowed),
            Cell::count(own.choices.contradictory),
        ]
    };
    let rows: Vec<Vec<Cell>> = coverage.criteria.iter().map(row).collect();
    Sheet::new("eigenbench-losses-by-criterion", "Choices by criterion", &header, &rows, None)
}
