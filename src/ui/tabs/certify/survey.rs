//! Results of a survey: shares per stratum beside controls, the two directions, the numbers, and the records behind them.

use std::sync::Arc;

use eframe::egui::{Key, Modifiers, RichText, Ui};

use super::draft::{ChoiceKind, Draft, Mode, TokenDraft};
use super::view::{self, Facet, RecordsView, SurveyView, THRESHOLDS};
use super::{figures, words};
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::survey::{Plausibility, Record, Stratum};
use crate::store::{RunId, RunRow, RunState};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::questions::{Live, Questions};
use crate::ui::tabs::shared::run_state::say;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, data_table_of, disabled_button, figure_view};

/// Asks for the whole law at a site: more tokens than any vocabulary has.
const WHOLE_VOCABULARY: usize = 1 << 20;

/// Selected record, stratum, tokens and number of records that a marked scatter was made for.
type Ringed = (usize, Option<usize>, Plausibility, usize);

/// Width from which figures stand side by side.
pub const TWO_COLUMNS: f32 = 1040.0;

/// What is selected in the results of a survey.
#[derive(Default)]
pub struct Survey {
    run: Option<RunId>,
    /// Index into [`THRESHOLDS`].
    threshold: usize,
    /// Which of the view's facets.
    facet: usize,
    /// Place among the survey's strata.
    stratum: Option<usize>,
    /// Place among the survey's records.
    record: Option<usize>,
    /// The scatter with the selected record marked, and what it was made for.
    ringed: Option<(Ringed, Figure)>,
    records: Requested<RecordsView>,
    /// Version of the results and stratum that `records` was asked for.
    records_of: Option<(u64, usize, Option<usize>)>,
    questions: Questions,
}

impl Survey {
    /// Takes in the frame's answers about the selected record.
    pub fn listen(&mut self, context: &TabContext<'_>) {
        self.questions.listen(context.answers);
    }

    /// Which of a view's facets is shown.
    pub fn facet<'a>(&self, view: &'a SurveyView) -> Option<&'a Facet> {
        view.facets.get(self.facet).or(view.facets.first())
    }
}

/// Draws the results as far as they have come; `version` is that of the results `view` shows.
#[expect(clippy::too_many_arguments, reason = "one frame's borrowed parts; a struct would only rename them")]
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: &RunRow,
    version: u64,
    view: &SurveyView,
    state: &mut Survey,
    draft: &mut Draft,
    commands: &mut Vec<Command>,
) {
    if state.run != Some(run.id) {
        *state = Survey { run: Some(run.id), threshold: state.threshold, facet: state.facet, ..Survey::default() };
    }
    if (state.record.is_some() || state.stratum.is_some())
        && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
    {
        // Esc backs out one step: the record first, then the stratum.
        if state.record.take().is_none() {
            state.stratum = None;
        }
    }
    headline(ui, run, view);
    if view.strata.is_empty() {
        return;
    }
    follow_records(context, version, view, state);
    choices(ui, view, state);
    if let Some(facet) = view.facets.get(state.facet).or(view.facets.first()) {
        // In a wide window the figures stand side by side.
        let columns = if ui.available_width() >= TWO_COLUMNS { 2 } else { 1 };
        ui.columns(columns, |columns| {
            let last = columns.len() - 1;
            let threshold = state.threshold.min(facet.prevalence.len() - 1);
            card(&mut columns[0], "", |ui| {
                figure_view(ui, "survey prevalence", &facet.prevalence[threshold], 300.0, &[], commands);
            });
            card(&mut columns[last], "", |ui| scatter(ui, view, facet, state, commands));
            if let Some(record) = state.record.and_then(|place| view.records.get(place)) {
                // Right under the point that was clicked.
                card(&mut columns[last], "Selected record", |ui| {
                    one_record(ui, context, view, record, &mut state.questions, draft);
                });
            }
            card(&mut columns[0], "", |ui| {
                figure_view(ui, "survey signs", &facet.sign_disagreement, 220.0, &[], commands);
            });
            card(&mut columns[last], "", |ui| {
                figure_view(ui, "survey asymmetry", &facet.asymmetry, 220.0, &[], commands);
            });
        });
    }
    if let Some(facet) = view.facets.get(state.facet).or(view.facets.first()) {
        let title = format!("Strata ({})", words::plausibility_name(facet.tokens));
        card(ui, &title, |ui| {
            ui.label(
                theme::caption("Click a stratum to see its records. Strata are never pooled. 95 % intervals.").weak(),
            );
            let selected = state.stratum.and_then(|stratum| facet.strata_order.iter().position(|&k| k == stratum));
            let (table, data) = (&facet.strata_table, Some(&view.strata_data));
            if let Some(row) = data_table_of(ui, "survey strata", table, selected, data, commands).clicked {
                let clicked = facet.strata_order.get(row).copied();
                state.stratum = if state.stratum == clicked { None } else { clicked };
                state.record = None;
            }
        });
    }
    card(ui, "Records", |ui| records(ui, view, state, commands));
}

/// The model's own stratum with the largest share, in a sentence.
fn headline(ui: &mut Ui, run: &RunRow, view: &SurveyView) {
    let unfinished = run.state != RunState::Done;
    let own = view.strata.iter().filter(|stratum| stratum.subject == 0 && stratum.n > 0 && !figures::permuted(stratum));
    let Some(top) = own.max_by(|a, b| a.prevalence.total_cmp(&b.prevalence)) else {
        if unfinished {
            ui.label("Results appear here as the first sentences are done.");
        } else {
            say(
                ui,
                VerdictKind::Nothing,
                "No rectangle could be sampled: every sentence is too short for the distances ticked.",
            );
        }
        return;
    };
    let kind = if top.prevalence > 0.0 { VerdictKind::Shown } else { VerdictKind::Nothing };
    let so_far = if unfinished { " so far" } else { "" };
    let text = if top.prevalence > 0.0 {
        format!(
            "{}: {} of rectangles certified incompatible{so_far} (95 % interval {} to {}) in the stratum where it is most common: \
             {}, {}.",
            view.spec.model,
            number::percent(top.prevalence),
            number::percent(top.interval[0]),
            number::percent(top.interval[1]),
            words::plausibility_name(top.plausibility),
            words::distance_name(top.distance)
        )
    } else {
        format!(
            "Nothing shown{so_far}: no sampled rectangle of {} is certified incompatible (upper bound {} in each stratum shown).",
            view.spec.model,
            number::percent(top.interval[1])
        )
    };
    say(ui, kind, &text);
    ui.label(
        theme::caption(format!(
            "{} in {}. One certificate is nearly automatic, even for untrained models: read the sizes beside the controls.",
            number::counted(view.records.len() as u64, "rectangle", "rectangles"),
            number::counted(view.strata.len() as u64, "stratum", "strata"),
        ))
        .weak(),
    );
}

/// Which tokens and which threshold the figures show.
fn choices(ui: &mut Ui, view: &SurveyView, state: &mut Survey) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Tokens");
        state.facet = state.facet.min(view.facets.len().saturating_sub(1));
        for (place, facet) in view.facets.iter().enumerate() {
            ui.selectable_value(&mut state.facet, place, words::plausibility_name(facet.tokens))
                .on_hover_text(words::plausibility_sentence(facet.tokens));
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.label("Count rectangles");
        for (place, threshold) in THRESHOLDS.iter().enumerate() {
            ui.selectable_value(&mut state.threshold, place, words::threshold_label(*threshold));
        }
    });
}

/// Asks for the records of the selected stratum when it or the results changed.
fn follow_records(context: &TabContext<'_>, version: u64, view: &SurveyView, state: &mut Survey) {
    let wanted = (version, view.records.len(), state.stratum);
    if state.records_of == Some(wanted) || (state.records.waiting() && state.records.get().is_none()) {
        return;
    }
    state.records_of = Some(wanted);
    let records = Arc::clone(&view.records);
    let (spec, subjects) = (view.spec.clone(), view.subjects.clone());
    let stratum: Option<Stratum> = state.stratum.and_then(|row| view.strata.get(row)).cloned();
    let wake = context.wake.clone();
    state.records.ask(move || wake(), move || RecordsView::new(&spec, &subjects, &records, stratum.as_ref()));
}

fn scatter(ui: &mut Ui, view: &SurveyView, facet: &Facet, state: &mut Survey, commands: &mut Vec<Command>) {
    let figure = match (state.stratum, state.records.get()) {
        (Some(_), Some(records)) => &records.scatter,
        _ => &facet.scatter,
    };
    // A point of its own colour where the selected record is, worked out once a selection.
    let wanted = state.record.map(|record| (record, state.stratum, facet.tokens, view.records.len()));
    if state.ringed.as_ref().map(|(of, _)| *of) != wanted {
        state.ringed = wanted.and_then(|of| Some((of, figures::ringed(figure, view.records.get(of.0)?))));
    }
    let figure = state.ringed.as_ref().map_or(figure, |(_, figure)| figure);
    let clicked = figure_view(ui, "survey scatter", figure, 360.0, &[], commands).clicked;
    let stratum = state.stratum.and_then(|row| view.strata.get(row));
    if let Some(at) = clicked
        && let Some(place) = view::nearest(&view.records, at, |record| {
            stratum.map_or(record.plausibility == facet.tokens, |s| view::belongs(record, s))
        })
    {
        state.record = Some(place);
    }
    ui.label(theme::caption("Click a point to see the rectangle behind it.").weak());
}

fn records(ui: &mut Ui, view: &SurveyView, state: &mut Survey, commands: &mut Vec<Command>) {
    if let Some(stratum) = state.stratum.and_then(|row| view.strata.get(row)) {
        ui.horizontal_wrapped(|ui| {
            ui.label(format!(
                "{}: {}, {}",
                figures::series_name(stratum),
                words::plausibility_name(stratum.plausibility),
                words::distance_name(stratum.distance)
            ));
            if ui.button("Show all strata").clicked() {
                state.stratum = None;
            }
        });
        if figures::permuted(stratum) {
            ui.label(
                theme::caption(
                    "Shuffled values have no records of their own: these are the ones they were shuffled from.",
                )
                .weak(),
            );
        }
    }
    let record = state.record;
    let Some(found) = state.records.get() else {
        ui.spinner();
        return;
    };
    if found.total > found.order.len() {
        ui.label(
            theme::caption(format!(
                "The {} with the largest |R| of {}; the export has all of them.",
                number::count(found.order.len() as u64),
                number::count(found.total as u64)
            ))
            .weak(),
        );
    }
    let selected = record.and_then(|place| found.order.iter().position(|&other| other == place));
    if let Some(row) = data_table_of(ui, "survey records", &found.table, selected, Some(&found.data), commands).clicked
    {
        state.record = found.order.get(row).copied();
    }
}

/// The sentence, tokens and numbers of a record, and the way to look at it closely.
fn one_record(
    ui: &mut Ui,
    context: &TabContext<'_>,
    view: &SurveyView,
    record: &Record,
    questions: &mut Questions,
    draft: &mut Draft,
) {
    let subject = figures::subject_name(&view.names, record.subject);
    let rectangle = record.rectangle;
    let sentence = view::sentence(&view.spec, &view.subjects, record);
    ui.label(sentence.unwrap_or("The context of this record is not a sentence of the survey."));
    ui.label(theme::caption(format!(
        "{subject}, positions {} and {} (counted from 0): R = {} nats, error {}, {}; LOR {} seen from i, {} seen from j",
        rectangle.i,
        rectangle.j,
        number::nats(record.r),
        number::bound(record.error),
        if record.certified { "certified" } else { "not certified" },
        number::nats(record.lor_i),
        number::nats(record.lor_j)
    )));
    // Controls have no name under which a form could open them.
    let (Some(model), Some(sentence)) = (view::model(&view.spec, &view.subjects, record), sentence) else {
        disabled_button(
            ui,
            "Open this rectangle in One context",
            "Controls are made for the survey and have no name a form could use.",
        );
        return;
    };
    let mut text = |site: usize, tokens: [u32; 2]| -> Result<Option<[String; 2]>, String> {
        match questions.likely(context.session, model, sentence, site, WHOLE_VOCABULARY) {
            Live::Ready(law) => {
                let named = |id: u32| law.iter().find(|(token, _, _)| *token == id).map(|(_, text, _)| text.clone());
                match tokens.map(named) {
                    [Some(first), Some(second)] => Ok(Some([first, second])),
                    _ => Err("A token of this record is not among the model's ordinary tokens.".to_owned()),
                }
            }
            Live::Failed(problem) => Err(problem.to_owned()),
            Live::Waiting(_) | Live::Nothing => Ok(None),
        }
    };
    let named_a = text(rectangle.i, [rectangle.a, rectangle.a2]);
    let named_b = text(rectangle.j, [rectangle.b, rectangle.b2]);
    match (named_a, named_b) {
        (Ok(Some(a)), Ok(Some(b))) => {
            ui.label(theme::mono(format!("i: {} | {}     j: {} | {}", a[0], a[1], b[0], b[1])));
            if ui.button("Open this rectangle in One context").clicked() {
                open(draft, view, model, sentence, record, [a, b]);
            }
        }
        (Err(problem), _) | (_, Err(problem)) => {
            ui.label(RichText::new(problem).color(theme::palette(ui).bad));
        }
        _ => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(theme::caption("Asking the model for the names of these tokens").weak());
            });
        }
    }
}

/// Fills the form for one context with a record's rectangle.
fn open(draft: &mut Draft, view: &SurveyView, model: &str, sentence: &str, record: &Record, texts: [[String; 2]; 2]) {
    draft.mode = Mode::OneContext;
    draft.model = model.to_owned();
    draft.sentence = sentence.to_owned();
    draft.positions = vec![record.rectangle.i, record.rectangle.j];
    draft.temperature = view.spec.temperature;
    draft.tokens =
        texts.map(|pair| TokenDraft { kind: ChoiceKind::Typed, typed: pair.join(" "), ..TokenDraft::default() });
}
