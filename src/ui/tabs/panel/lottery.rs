//! The centre once a lottery was held: the verdict, the chances, who is favoured, and one person's chance.

use std::sync::Arc;

use eframe::egui::{self, TextEdit, Ui};

use super::lottery_view::{LotteryView, answers, legacy_curve};
use super::sizes::SizesState;
use crate::figures::number;
use crate::sortition::algorithm::Algorithm;
use crate::sortition::lottery_run::Status;
use crate::sortition::pairs;
use crate::store::RunId;
use crate::ui::command::{Command, LateTable, Table};
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::widgets::{VerdictKind, card, data_table, data_table_of, figure_view, stats};
use crate::ui::{help, theme};

/// Companions listed for a person.
const COMPANIONS: usize = 50;

/// What is chosen in the view.
#[derive(Default)]
pub struct Chosen {
    /// A person's id being typed.
    id: String,
    /// Who was looked up: run, id, and what was found.
    person: Option<(RunId, String, Option<Person>)>,
    legacy_of: Option<RunId>,
    legacy: Requested<Result<Vec<f64>, String>>,
    sizes: SizesState,
}

/// One person's chance and companions.
struct Person {
    chance: f64,
    answers: String,
    partners: Table,
}

/// Draws the lottery of `run`; `tolerance` is that of the form's quotas.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    (run, tolerance): (RunId, &str),
    view: &LotteryView,
    chosen: &mut Chosen,
    commands: &mut Vec<Command>,
) {
    let (kind, sentence) = verdict(view);
    card(ui, "", |ui| {
        say(ui, kind, &sentence);
        figures(ui, view);
    });
    card(ui, "", |ui| {
        if chosen.legacy_of != Some(run) {
            chosen.legacy.clear();
            chosen.legacy_of = None;
        }
        let legacy = chosen.legacy.get().and_then(|found| found.as_ref().ok()).cloned();
        figure_view(ui, "panel chances", &view.figure(legacy.as_deref()), 260.0, &[], commands);
        if view.spec.algorithm != Algorithm::Legacy {
            compare(ui, context, run, view, chosen);
        }
        ui.horizontal_wrapped(|ui| {
            let (spec, result) = (view.spec.clone(), view.result.clone());
            if ui
                .button("Export everybody's chance…")
                .on_hover_text("A CSV file with ids; it holds personal data.")
                .clicked()
            {
                commands
                    .push(Command::ExportLate(LateTable::new("chances", move || LotteryView::chances(&spec, &result))));
            }
        });
    });
    card(ui, "Panels of other sizes", |ui| {
        chosen.sizes.show(ui, context, (run, &view.spec), tolerance, commands);
    });
    if let Some(settled) = &view.settled {
        card(ui, "Settled before the lottery", |ui| {
            let text = "These people were not drawn from. The quotas above all are met together with those on the panel; chances \
                        are of the others.";
            ui.label(theme::caption(text).weak());
            data_table(ui, "panel settled", settled, None, commands);
        });
    }
    card(ui, "One person", |ui| person(ui, run, view, chosen, commands));
    card(ui, "Who would sit there on average", |ui| {
        data_table(ui, "panel composition", &view.composition_table, None, commands);
    });
    card(ui, "Who is favoured, and why", |ui| {
        let text = "Quotas that ask for more of a value than the pool offers lift the chances of its people. The product over \
                    a person's values explains most of a chance.";
        ui.label(theme::caption(text).weak());
        data_table(ui, "panel favoured", &view.favoured, None, commands);
    });
    card(ui, "Panels of the lottery", |ui| {
        data_table_of(ui, "panel list", &view.panels, None, None, commands);
    });
    ui.add_space(theme::STEP);
}

/// What a lottery is worth, in a sentence.
pub fn verdict(view: &LotteryView) -> (VerdictKind, String) {
    let result = &view.result;
    let least = format!("{} %", number::fixed(100.0 * result.evenness.minimum, 2));
    let panels = number::counted(result.lottery.panels.len() as u64, "panel", "panels");
    let rule = view.spec.algorithm;
    let out = match result.unreachable.len() {
        0 => String::new(),
        people => format!(" {} can be on no panel.", number::counted(people as u64, "person", "people")),
    };
    match (result.status, &result.estimate) {
        (Status::Exact, None) => {
            let sentence = format!(
                "Exact: this is the {rule} lottery, checked without a solver. Everybody else has at least {least}, over {panels}.{out}"
            );
            let sentence = if out.is_empty() { sentence.replace("Everybody else", "Everybody") } else { sentence };
            (VerdictKind::Shown, sentence)
        }
        (Status::Gap, None) => {
            let gap = number::general(result.gap, 2);
            (
                VerdictKind::Caution,
                format!(
                    "Not proved to be the {rule} lottery: some chance may be off by up to {gap}. The lowest chance is {least}, over {panels}.{out}"
                ),
            )
        }
        (_, Some(estimate)) => {
            let tries = number::count(estimate.panels + estimate.failed);
            let failed = match estimate.failed {
                0 => String::new(),
                failed => format!(", of which {} gave no panel", number::count(failed)),
            };
            let width = number::fixed(100.0 * result.gap, 2);
            (
                VerdictKind::Nothing,
                format!(
                    "Estimated from {tries} draws{failed}: the lowest chance counted is {least}, and no chance is off by more than about {width} points ({} % intervals).",
                    number::fixed(100.0 * estimate.level, 0)
                ),
            )
        }
    }
}

fn figures(ui: &mut Ui, view: &LotteryView) {
    let evenness = &view.result.evenness;
    let percent = |share: f64| format!("{} %", number::fixed(100.0 * share, 2));
    let all = [
        ("lowest chance", percent(evenness.minimum), help::CHANCE.text),
        ("highest chance", percent(evenness.maximum), help::CHANCE.text),
        ("Gini", number::fixed(evenness.gini, 3), help::GINI.text),
        ("geometric mean", percent(evenness.geometric_mean), help::GEOMETRIC_MEAN.text),
        ("under half of k/n", percent(evenness.under_half), help::UNDER_HALF.text),
        ("effective people", number::fixed(evenness.effective, 1), help::EFFECTIVE_PEOPLE.text),
    ];
    stats(ui, &all);
}

fn compare(ui: &mut Ui, context: &TabContext<'_>, run: RunId, view: &LotteryView, chosen: &mut Chosen) {
    let waiting = chosen.legacy.waiting();
    match chosen.legacy.get() {
        None if waiting => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label("Trying LEGACY 2,000 times on the same pool …");
            });
        }
        None => {
            let why = "The greedy rule that most assemblies use, on the same people and quotas, for comparison.";
            if ui.button("Compare with LEGACY").on_hover_text(why).clicked() {
                let (spec, wake) = (view.spec.clone(), context.wake.clone());
                chosen.legacy_of = Some(run);
                chosen.legacy.ask(move || wake(), move || legacy_curve(&spec));
            }
        }
        Some(Ok(curve)) => {
            let lowest = number::fixed(100.0 * curve.first().copied().unwrap_or(0.0), 2);
            ui.label(theme::caption(format!("LEGACY's lowest chance as counted: {lowest} %.")).weak());
        }
        Some(Err(problem)) => {
            ui.label(theme::caption(format!("LEGACY gave no comparison: {problem}")).color(theme::palette(ui).warning));
        }
    }
}

fn person(ui: &mut Ui, run: RunId, view: &LotteryView, chosen: &mut Chosen, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let label = ui.label("Id");
        let field = ui.add(TextEdit::singleline(&mut chosen.id).id_salt("panel person").desired_width(160.0));
        let entered = field.labelled_by(label.id).lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if (ui.button("Look up").clicked() || entered) && !chosen.id.trim().is_empty() {
            let id = chosen.id.trim().to_owned();
            let found = look_up(view, &id);
            chosen.person = Some((run, id, found));
        }
    });
    match &chosen.person {
        Some((of, id, Some(found))) if *of == run => {
            ui.label(theme::strong(format!("{id} has a chance of {} %", number::fixed(100.0 * found.chance, 2))));
            ui.label(theme::caption(found.answers.as_str()).weak());
            ui.label("Sits most often with:");
            ui.scope(|ui| {
                data_table(ui, "panel partners", &found.partners, None, commands);
            });
        }
        Some((of, id, None)) if *of == run => {
            ui.label(format!("Nobody in this lottery has the id {id}."));
        }
        _ => {
            ui.label(theme::caption("Type an id to see a person's chance and whom they would sit with.").weak());
        }
    }
}

fn look_up(view: &LotteryView, id: &str) -> Option<Person> {
    let pool = &view.spec.pool;
    let person = pool.ids().iter().position(|known| known == id)?;
    let chance = view.result.inclusion[person];
    let partners = pairs::partners(&view.result.lottery, pool.len(), person as u32);
    let row = |&(other, together): &(u32, f64)| {
        let other = other as usize;
        let given = if chance > 0.0 { together / chance } else { 0.0 };
        let percent = |share: f64| format!("{} %", number::fixed(100.0 * share, 2));
        vec![pool.ids()[other].clone(), percent(together), percent(given), answers(&view.spec, other).join(", ")]
    };
    let partners = Table {
        name: format!("companions of {id}"),
        header: ["id", "both drawn", "drawn if this person is", "who"].map(str::to_owned).to_vec(),
        rows: partners.iter().take(COMPANIONS).map(row).collect(),
    };
    Some(Person { chance, answers: answers(&view.spec, person).join(", "), partners })
}

/// Shared with the draw: the list's text for a file.
pub fn list_text(list: &Arc<crate::sortition::draw::PublishedList>) -> Command {
    Command::ExportText { name: "panels.txt".to_owned(), text: list.text.clone() }
}
