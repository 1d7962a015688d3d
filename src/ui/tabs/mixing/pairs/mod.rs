//! Results of coupled pairs: survival, distance, drift, bounds, influence, margins, and the chains themselves.

mod singles;
mod view;

use eframe::egui::{Key, Modifiers, Ui};

pub use self::view::PairsView;
use super::reader::Reader;
use super::words;
use crate::figures::figure::Figure;
use crate::figures::number;
use crate::glauber::experiments::mix::MAIN;
use crate::glauber::experiments::theory::Theory;
use crate::jobs::spec::RunSpec;
use crate::statistics::Crossing;
use crate::store::{RunId, RunRow, RunState};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::model_picker::shortened;
use crate::ui::tabs::shared::questions::Live;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::widgets::{VerdictKind, card, data_table, figure_view, stats};
use crate::ui::{help, theme};

const TWO_COLUMNS: f32 = 900.0;
const TABLE_HEIGHT: f32 = 280.0;

/// What is selected in the results of coupled pairs.
#[derive(Default)]
pub struct Pairs {
    run: Option<RunId>,
    reader: Reader,
}

impl Pairs {
    /// Takes in the frame's answers.
    pub fn listen(&mut self, context: &TabContext<'_>) {
        self.reader.listen(context);
    }
}

/// Draws the results as far as they have come.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: &RunRow,
    view: &PairsView,
    state: &mut Pairs,
    commands: &mut Vec<Command>,
) {
    if state.run != Some(run.id) {
        *state = Pairs { run: Some(run.id), ..Pairs::default() };
    }
    if state.reader.pair().is_some() && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        state.reader.close();
    }
    headline(ui, run, view);
    numbers(ui, view);
    figures(
        ui,
        &[
            ("pairs survival", Some(&view.survival)),
            ("pairs hamming", Some(&view.hamming)),
            ("pairs drift", Some(&view.drift)),
            ("pairs lag", view.lag.as_ref()),
        ],
        commands,
    );
    card(ui, "Pairs", |ui| pairs(ui, context, run, view, state, commands));
    state.reader.show(ui, context, run.id, (&view.spec, &view.meetings), commands);
    singles::show(ui, view.singles.as_ref(), view.spec.singles.is_some(), commands);
    theory(ui, context, view, state, commands);
}

fn headline(ui: &mut Ui, run: &RunRow, view: &PairsView) {
    let summary = &view.result.summary;
    let so_far = if run.state == RunState::Done { "" } else { " so far" };
    let model = shortened(&view.spec.model, 40);
    let (kind, text) = match summary.t_couple.estimate {
        Crossing::Reached { time } => (
            VerdictKind::Shown,
            format!(
                "{model}: three quarters of the pairs meet within {} sweeps ({}, 95 % interval {} steps){so_far}.",
                number::general(words::sweeps(time, summary.sites), 3),
                number::counted(time, "step", "steps"),
                words::crossing_interval(&summary.t_couple)
            ),
        ),
        Crossing::Censored { at_least, censored_share } => (
            VerdictKind::Nothing,
            format!(
                "{model}: {} of {} had not met after {} sweeps{so_far}; the coupling time is at least that.",
                number::percent(censored_share),
                number::counted(summary.pairs, "pair", "pairs"),
                number::general(words::sweeps(at_least, summary.sites), 4)
            ),
        ),
    };
    say(ui, kind, &text);
    let spec = &view.spec;
    let template = spec.template.as_ref().map_or(String::new(), |template| {
        format!(" in the template \u{201c}{}\u{201d}", shortened(&template.sentence, 70))
    });
    ui.label(
        theme::caption(format!(
            "τ = {}, {} free positions{template}; {}. It bounds mixing from above for these starts only. {}",
            spec.temperature,
            summary.sites,
            words::dynamics(spec.coupling, spec.scan, &spec.start, &spec.vocabulary),
            words::METHOD
        ))
        .weak(),
    );
}

fn numbers(ui: &mut Ui, view: &PairsView) {
    let (summary, result) = (&view.result.summary, &view.result);
    card(ui, "", |ui| {
        let censored = format!(
            "{} of {}",
            number::percent(summary.censored_share),
            number::counted(summary.pairs, "pair", "pairs")
        );
        let mean = &summary.restricted_mean;
        let half = 1.96 * mean.standard_error;
        let mean = format!(
            "{} ({} to {})",
            number::general(mean.mean, 4),
            number::general((mean.mean - half).max(0.0), 4),
            number::general(mean.mean + half, 4)
        );
        let ties = format!("{} of {}", number::count(result.near_ties), number::count(result.draws));
        stats(
            ui,
            &[
                ("t_couple(1/4)", words::crossing(&summary.t_couple.estimate, summary.sites), help::T_COUPLE.text),
                ("95 % interval (steps)", words::crossing_interval(&summary.t_couple), help::T_COUPLE.text),
                ("Median", words::crossing(&summary.median, summary.sites), help::SURVIVAL.text),
                ("Kappa (95 %)", words::kappa(summary.kappa.as_ref()), help::KAPPA.text),
                ("Censored", censored, help::SURVIVAL.text),
                ("Mean of min(T, cap), steps", mean, help::SURVIVAL.text),
                ("Near-ties", ties, help::NEAR_TIES.text),
            ],
        );
    });
}

/// The figures that there are, in two columns where there is room.
fn figures(ui: &mut Ui, figures: &[(&str, Option<&Figure>)], commands: &mut Vec<Command>) {
    let columns = if ui.available_width() >= TWO_COLUMNS { 2 } else { 1 };
    ui.columns(columns, |columns| {
        let count = columns.len();
        let shown = figures.iter().filter_map(|&(id, figure)| Some((id, figure?)));
        for (place, (id, figure)) in shown.enumerate() {
            card(&mut columns[place % count], "", |ui| {
                figure_view(ui, id, figure, 230.0, &[], commands);
            });
        }
    });
}

fn pairs(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: &RunRow,
    view: &PairsView,
    state: &mut Pairs,
    commands: &mut Vec<Command>,
) {
    if view.spec.record {
        ui.label(theme::caption("Click a pair to read its two chains step by step.").weak());
    } else {
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::caption("This run did not keep its tokens, so the chains cannot be read.").weak());
            if ui
                .button("Run again with every token kept")
                .on_hover_text("The same spec and seed, and every token stored.")
                .clicked()
            {
                let mut spec = view.spec.clone();
                spec.record = true;
                commands.push(Command::StartRun(Box::new(RunSpec::Mix(spec))));
            }
        });
    }
    if view.meetings.is_empty() {
        ui.label("No pair has ended yet.");
        return;
    }
    let selected = state.reader.pair().and_then(|pair| view.meetings.iter().position(|meeting| meeting.pair == pair));
    // Low enough that the chains show right below it.
    let clicked = ui.scope(|ui| {
        ui.set_max_height(TABLE_HEIGHT);
        data_table(ui, "pairs table", &view.pairs, selected, commands).clicked
    });
    if let Some(row) = clicked.inner
        && view.spec.record
        && let Some(meeting) = view.meetings.get(row)
    {
        state.reader.open(context, run.id, MAIN as u32, meeting.pair);
    }
}

fn theory(ui: &mut Ui, context: &TabContext<'_>, view: &PairsView, state: &mut Pairs, commands: &mut Vec<Command>) {
    let Some(theory) = &view.result.theory else {
        card(ui, "Theory", |ui| {
            ui.label(if view.spec.theory.is_some() {
                "Influence and margins are sampled once all pairs have ended."
            } else {
                "Theory was left out of this run. Tick it in the form to see influence, bounds and the escape prediction."
            });
        });
        return;
    };
    card(ui, "Theory beside measurement", |ui| {
        influence_numbers(ui, theory);
        escape_numbers(ui, context, view, theory, state);
    });
    let mut shown: Vec<(&str, Option<&Figure>)> =
        ["pairs influence largest", "pairs influence mean"].into_iter().zip(view.influence.iter().map(Some)).collect();
    shown.push(("pairs margins", view.margins.as_ref()));
    figures(ui, &shown, commands);
    if let Some(table) = &view.shells {
        card(ui, "Margin shells", |ui| {
            data_table(ui, "pairs shells", table, None, commands);
        });
    }
}

fn influence_numbers(ui: &mut Ui, theory: &Theory) {
    let Some(found) = &theory.influence else {
        ui.label("A single position or token leaves no influence to measure.");
        return;
    };
    let Some(at) = found.at.first() else { return };
    let steps = |steps: Option<u64>| steps.map_or("no bound".to_owned(), |s| format!("{} steps", number::count(s)));
    stats(
        ui,
        &[
            ("Alpha, lower bound", number::fixed(at.alpha_col_lower, 3), help::ALPHA.text),
            ("Tanh bound, sampled", number::fixed(at.tanh_alpha, 3), help::TAU_D.text),
            ("τ_D, lower bound", number::fixed(found.threshold_lower, 2), help::TAU_D.text),
            ("t_mix bound by alpha, optimistic", steps(at.optimistic_mixing), help::MIXING_BOUND.text),
            ("t_mix bound by τ_D, optimistic", steps(at.optimistic_mixing_by_threshold), help::MIXING_BOUND.text),
        ],
    );
}

fn escape_numbers(ui: &mut Ui, context: &TabContext<'_>, view: &PairsView, theory: &Theory, state: &mut Pairs) {
    let Some(margin) = &theory.margin else {
        ui.label("No anchor was found: every quench ended in a cycle, or none was asked for.");
        return;
    };
    let radius = theory.escape_radius.map_or("none".to_owned(), number::count);
    let told = |escapes: &[crate::glauber::margin::Escape]| {
        let log = escapes.first().and_then(|escape| escape.log_steps);
        log.map_or("not predicted".to_owned(), |log| format!("{} steps", words::log_steps(log)))
    };
    stats(
        ui,
        &[
            ("Radius with a positive margin", radius, help::MARGIN.text),
            ("Escape, by deviations seen", told(&theory.escape_by_deviation), help::ESCAPE.text),
            ("Escape, by smallest margin", told(&theory.escape_by_margin), help::ESCAPE.text),
        ],
    );
    match state.reader.texts(context, &view.spec.model, &margin.anchor) {
        Live::Ready(texts) => {
            ui.label(theme::caption("Anchor: where most quenches from random states ended").weak());
            ui.label(theme::mono(texts.join(" ")));
        }
        Live::Failed(problem) => {
            ui.label(theme::caption(problem).color(theme::palette(ui).bad));
        }
        Live::Waiting(_) | Live::Nothing => {
            ui.spinner();
        }
    }
}
