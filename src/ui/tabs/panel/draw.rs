//! The draw: from what dice showed to one panel, so that anybody can repeat it; replacements for those who leave.

use std::sync::Arc;

use eframe::egui::{self, DragValue, TextEdit, Ui};

use super::already::add_seats;
use super::draft::{Draft, DrawnDraft};
use super::drawn::audit_file;
use super::lottery::list_text;
use super::lottery_view::{LotteryView, answers};
use super::replacements::{self, Replacements};
use crate::figures::number;
use crate::formats::foundation::pool_csv;
use crate::progress::Silent;
use crate::sortition::before::{Before, Standing};
use crate::sortition::draw::{Drawn, PublishedList, line_of};
use crate::sortition::lottery::Lottery;
use crate::sortition::lottery_run::{LotteryResult, LotterySpec};
use crate::sortition::problem::Problem;
use crate::sortition::replacement::{remaining, reserves};
use crate::sortition::transparent::{Rounding, transparent};
use crate::store::RunId;
use crate::ui::command::{Command, LateText, Table};
use crate::ui::context::TabContext;
use crate::ui::help;
use crate::ui::requested::Requested;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::theme;
use crate::ui::widgets::{VerdictKind, card, data_table, disabled_button, primary_button, what_is};

/// Numbered panels that are equally likely.
pub struct EqualList {
    pub list: Arc<PublishedList>,
    pub lottery: Arc<Lottery>,
    pub deviation: f64,
}

/// What was drawn, ready to be shown.
pub struct Outcome {
    pub record: DrawnDraft,
    pub drawn: Drawn,
    /// Places of the members in the pool.
    pub members: Vec<u32>,
    pub table: Table,
    /// Members of each value: attribute, value, count.
    pub seats: super::grid::Seats,
}

/// What the draw keeps between frames.
#[derive(Default)]
pub struct DrawState {
    asked: Option<(RunId, u32)>,
    equal: Requested<Result<EqualList, String>>,
    outcome: Option<Result<Outcome, String>>,
    pub(super) replacements: Replacements,
    /// How many alternates are listed.
    alternates: usize,
}

impl DrawState {
    /// Keeps up with the draft and the lottery that is shown.
    pub fn follow(&mut self, context: &TabContext<'_>, run: RunId, view: &LotteryView, draft: &Draft) {
        let record = draft.draw.drawn.as_ref().filter(|record| record.run == run.0);
        let wanted = record.and_then(|record| record.equal).or(draft.draw.equal.then_some(draft.draw.count));
        if let Some(count) = wanted
            && self.asked != Some((run, count))
        {
            self.asked = Some((run, count));
            let (spec, result, wake) = (view.spec.clone(), view.result.clone(), context.wake.clone());
            self.equal.clear();
            self.equal.ask(move || wake(), move || equal_list(&spec, &result, count));
        }
        let known = self.outcome.as_ref().and_then(|outcome| outcome.as_ref().ok()).map(|outcome| &outcome.record);
        if known == record && self.outcome.is_some() {
            return;
        }
        self.outcome = None;
        let Some(record) = record.cloned() else { return };
        let (list, lottery) = match record.equal {
            None => match &view.list {
                Ok(list) => (list.clone(), &view.result.lottery),
                Err(problem) => {
                    self.outcome = Some(Err(problem.clone()));
                    return;
                }
            },
            Some(_) => match self.equal.get() {
                Some(Ok(equal)) => (equal.list.clone(), &*equal.lottery),
                _ => return,
            },
        };
        let drawn = list.draw(&record.words).map_err(|error| error.to_string());
        self.outcome = Some(drawn.map(|drawn| Outcome::new(record, drawn, lottery, view)));
    }

    /// What was drawn from the lottery that is shown.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()?.as_ref().ok()
    }

    /// The list that would be drawn from now.
    pub fn list(&mut self, view: &LotteryView, draft: &Draft) -> Option<Arc<PublishedList>> {
        if draft.draw.equal {
            let count = draft.draw.count;
            let current = self.asked.is_some_and(|(_, asked)| asked == count);
            self.equal.get().filter(|_| current)?.as_ref().ok().map(|equal| equal.list.clone())
        } else {
            view.list.as_ref().ok().cloned()
        }
    }
}

impl Outcome {
    fn new(record: DrawnDraft, drawn: Drawn, lottery: &Lottery, view: &LotteryView) -> Self {
        let (spec, seated) = (&view.spec, &view.seated);
        let members = lottery.panels[drawn.panel].members.clone();
        let mut header = vec!["id".to_owned()];
        header.extend(spec.pool.attributes().iter().map(|attribute| attribute.name.clone()));
        let mut seats = seated.clone();
        let rows = members.iter().map(|&member| {
            let mut row = vec![spec.pool.ids()[member as usize].clone()];
            row.extend(answers(spec, member as usize));
            row
        });
        let rows: Vec<Vec<String>> = rows.collect();
        add_seats(&mut seats, &spec.pool, members.iter().copied());
        Self { record, drawn, members, table: Table { name: "panel".to_owned(), header, rows }, seats }
    }
}

pub(super) fn equal_list(spec: &LotterySpec, result: &LotteryResult, count: u32) -> Result<EqualList, String> {
    let problem = Problem::new(&spec.pool, &spec.quotas, spec.one_per_household).map_err(|error| error.to_string())?;
    let made = transparent(&problem, &result.types, count, Rounding::USUAL, spec.seed, &Silent)
        .map_err(|error| error.to_string())?;
    let list = PublishedList::equal(&made.list, spec.pool.ids()).map_err(|error| error.to_string())?;
    Ok(EqualList { list: Arc::new(list), lottery: Arc::new(made.list), deviation: made.deviation })
}

/// Draws the view; true when the ceremony is asked for.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    run: RunId,
    view: &LotteryView,
    draft: &mut Draft,
    state: &mut DrawState,
    commands: &mut Vec<Command>,
) -> bool {
    let mut ceremony = false;
    card(ui, "What is drawn from", |ui| {
        ui.radio_value(&mut draft.draw.equal, false, "The lottery's panels, each with its own probability");
        ui.horizontal(|ui| {
            ui.radio_value(&mut draft.draw.equal, true, "Numbered panels, all equally likely:");
            let count = ui.add_enabled(draft.draw.equal, DragValue::new(&mut draft.draw.count).range(1..=100_000));
            count.widget_info(|| egui::WidgetInfo {
                label: Some("Number of panels".to_owned()),
                ..egui::WidgetInfo::drag_value(true, f64::from(draft.draw.count))
            });
            what_is(ui, help::PUBLIC_LOTTERY.name, help::PUBLIC_LOTTERY.text);
        });
        if draft.draw.equal {
            match state.equal.get() {
                Some(Ok(equal)) => {
                    let off = number::fixed(100.0 * equal.deviation, 3);
                    ui.label(
                        theme::caption(format!("Anybody's chance differs from the lottery's by at most {off} points."))
                            .weak(),
                    );
                }
                Some(Err(problem)) => {
                    ui.label(theme::caption(problem.as_str()).color(theme::palette(ui).bad));
                }
                None => {
                    ui.horizontal(|ui| {
                        ui.spinner();
                        ui.label("Giving numbers to panels …");
                    });
                }
            }
        }
        let Some(list) = state.list(view, draft) else {
            if let Err(problem) = &view.list {
                say(ui, VerdictKind::Failed, problem);
            }
            return;
        };
        ui.horizontal_wrapped(|ui| {
            ui.label("SHA-256 of the list, to be published first:");
            ui.label(theme::mono(list.hash.as_str()));
        });
        ui.horizontal(|ui| {
            if ui.button("Save the list…").on_hover_text("Numbers, weights and hashes; no names.").clicked() {
                commands.push(list_text(&list));
            }
            let why = "All that a stranger needs to check the lottery and this draw with `kleroterion verify`: ids, the values \
                       that quotas look at, quotas, panels, numbered panels, chances, certificate, seats settled before.";
            if ui.button("Save the audit file…").on_hover_text(why).clicked() {
                let equal = state.equal.get().and_then(|equal| equal.as_ref().ok()).map(|equal| equal.lottery.clone());
                commands.push(audit(view, draft, run, equal));
            }
        });
    });
    card(ui, "Draw", |ui| {
        ui.horizontal(|ui| {
            let label = ui.label("What the dice or the beacon showed");
            let field = TextEdit::singleline(&mut draft.draw.words).id_salt("panel dice").desired_width(260.0);
            ui.add(field.hint_text("such as 4 1 6 6 2 3")).labelled_by(label.id);
        });
        let words = line_of(&draft.draw.words);
        ui.horizontal(|ui| {
            let ready = state.list(view, draft).is_some();
            if words.is_empty() {
                disabled_button(ui, "Draw the panel", "Type what the dice showed first.");
            } else if !ready {
                disabled_button(ui, "Draw the panel", "The panels are being numbered.");
            } else if primary_button(ui, "Draw the panel").clicked() {
                record(draft, run);
            }
            if ready {
                let why = "Full screen, for a projector: Space goes on, Escape leaves.";
                ceremony = ui.button("Ceremony").on_hover_text(why).clicked();
            } else {
                disabled_button(ui, "Ceremony", "The panels are being numbered.");
            }
        });
        ui.label(
            theme::caption("The same words give the same panel on every machine. Blanks at the ends do not count.")
                .weak(),
        );
    });
    match &state.outcome {
        Some(Ok(outcome)) => result(ui, outcome, view, &mut state.alternates, commands),
        Some(Err(problem)) => say(ui, VerdictKind::Failed, problem),
        None => {}
    }
    state.replacements.follow(commands);
    replacements::show(ui, context, view, draft, state);
    ceremony
}

/// The audit file of the lottery, with the numbered panels that were made of it and the draw that was held.
fn audit(view: &LotteryView, draft: &Draft, run: RunId, equal: Option<Arc<Lottery>>) -> Command {
    let (spec, result) = (view.spec.clone(), view.result.clone());
    let held = draft.draw.drawn.clone().filter(|drawn| drawn.run == run.0);
    Command::ExportLateText(LateText::new("audit.json", move || {
        let file = audit_file(&spec, &result, held.as_ref(), equal.as_deref())?;
        serde_json::to_string_pretty(&file).map(|text| text + "\n").map_err(|error| error.to_string())
    }))
}

/// Notes the draw with the words that are typed.
pub fn record(draft: &mut Draft, run: RunId) {
    let equal = draft.draw.equal.then_some(draft.draw.count);
    draft.draw.drawn = Some(DrawnDraft { run: run.0, words: line_of(&draft.draw.words), equal });
}

fn result(ui: &mut Ui, outcome: &Outcome, view: &LotteryView, alternates: &mut usize, commands: &mut Vec<Command>) {
    let drawn = &outcome.drawn;
    card(ui, "", |ui| {
        let people = number::counted(outcome.members.len() as u64, "member", "members");
        say(ui, VerdictKind::Shown, &format!("Panel {} was drawn: {people}.", number::count(drawn.panel as u64 + 1)));
        for (name, value) in [
            ("words", &drawn.words),
            ("seed: SHA-256 of the words", &drawn.seed),
            ("number drawn", &drawn.number.to_string()),
            ("hash of the panel", &drawn.panel_hash),
            ("hash of the list", &drawn.list_hash),
        ] {
            ui.horizontal_wrapped(|ui| {
                ui.label(theme::caption(name).weak());
                ui.label(theme::mono(value.as_str()));
            });
        }
        ui.scope(|ui| {
            data_table(ui, "panel members", &outcome.table, None, commands);
        });
        exports(ui, view, outcome, alternates, commands);
    });
}

/// Files of those who were drawn, who remain, and who follow if somebody drops out.
fn exports(ui: &mut Ui, view: &LotteryView, outcome: &Outcome, alternates: &mut usize, commands: &mut Vec<Command>) {
    let mut late = |name: &str, make: fn(&LotterySpec, &[u32]) -> String| {
        let (spec, members) = (view.spec.clone(), outcome.members.clone());
        commands.push(Command::ExportLateText(LateText::new(name, move || Ok(make(&spec, &members)))));
    };
    ui.horizontal_wrapped(|ui| {
        let why = "Everybody on the panel, also those who were seated already, as CSV; it holds personal data.";
        if ui.button("Export the panel…").on_hover_text(why).clicked() {
            late("selected.csv", selected_csv);
        }
        let why = "Everybody who may still be drawn, for replacements, as CSV; it holds personal data.";
        if ui.button("Export the remaining pool…").on_hover_text(why).clicked() {
            late("remaining.csv", remaining_csv);
        }
    });
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Alternates");
        ui.add(DragValue::new(alternates).range(0..=1000)).labelled_by(label.id);
        let why = "People who resemble the panel, in the order in which they are called; chosen by the same dice.";
        if *alternates == 0 {
            disabled_button(ui, "Export the alternates…", "Say how many first.");
        } else if ui.button("Export the alternates…").on_hover_text(why).clicked() {
            let (spec, members, count) = (view.spec.clone(), outcome.members.clone(), *alternates);
            let seed = outcome.drawn.seed.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
            let make = move || {
                let (pool, household) = (&spec.pool, spec.one_per_household);
                let listed = reserves(pool, &spec.quotas, &members, &[], count, household, seed.unwrap_or_default());
                Ok(pool_csv(pool, listed.into_iter().map(|person| person as usize)))
            };
            commands.push(Command::ExportLateText(LateText::new("alternates.csv", make)));
        }
    });
}

fn selected_csv(spec: &LotterySpec, members: &[u32]) -> String {
    let seated = |before: &Before| {
        let all = before.settled.iter().enumerate();
        all.filter(|(_, settled)| settled.standing == Standing::Seated).map(|(place, _)| place).collect::<Vec<usize>>()
    };
    let drawn = pool_csv(&spec.pool, members.iter().map(|&person| person as usize));
    match &spec.before {
        None => drawn,
        Some(before) => {
            let already = pool_csv(&before.pool, seated(before));
            // Both have the same header.
            drawn + already.split_once("\r\n").map_or("", |(_, rows)| rows)
        }
    }
}

fn remaining_csv(spec: &LotterySpec, members: &[u32]) -> String {
    let free = remaining(&spec.pool, members, &[], spec.one_per_household);
    pool_csv(&spec.pool, free.into_iter().map(|person| person as usize))
}
