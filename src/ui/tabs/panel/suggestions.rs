//! What would help: the smallest changes when no panel exists, what loosening each quota buys when one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eframe::egui::{Button, Ui};

use super::cells::Column;
use super::draft::{Draft, Place};
use super::grid_keys::Cursor;
use super::lamp::{Dropped, LampState, Question, rows_of};
use super::reading::Reading;
use crate::figures::number;
use crate::sortition::census::{Bound, Census, Rule};
use crate::sortition::conflict::{self, Conflict};
use crate::sortition::feasibility::Lamp;
use crate::sortition::relaxation::{self, Change, Relaxations, Wishes};
use crate::sortition::sensitivity::{self, Sensitivity};
use crate::ui::context::TabContext;
use crate::ui::requested::Requested;
use crate::ui::theme;
use crate::ui::widgets::card;

/// Rows of the sensitivity that are shown.
const SHOWN: usize = 8;

/// What was found for a question.
enum Help {
    Impossible {
        conflict: Option<Conflict>,
        relaxations: Relaxations,
    },
    Possible(Option<Sensitivity>),
    /// The question was dropped.
    Dropped,
}

/// Question, rows that stay, and whether a panel exists.
type Asked = (Question, Vec<(String, String)>, bool);

/// Suggestions between frames.
#[derive(Default)]
pub struct Suggestions {
    asked: Option<Asked>,
    drop: Arc<AtomicBool>,
    found: Requested<(Question, Help)>,
}

impl Drop for Suggestions {
    fn drop(&mut self) {
        self.drop.store(true, Ordering::Relaxed);
    }
}

impl Suggestions {
    /// Asks once the lamp has answered about the present quotas.
    pub fn follow(&mut self, context: &TabContext<'_>, draft: &Draft, lamp: &mut LampState) {
        if lamp.behind() {
            return;
        }
        let Some(answer) = lamp.answer() else { return };
        let possible = match answer.report.lamp {
            Lamp::Infeasible => false,
            // What is possible is looked at whole first.
            Lamp::Feasible if answer.reached => true,
            _ => return,
        };
        let Some(census) = answer.census.clone() else { return };
        let locked = draft
            .quotas
            .iter()
            .flat_map(|quota| quota.values.iter().map(move |row| (quota, row)))
            .filter(|(_, row)| row.locked)
            .map(|(quota, row)| (quota.name.clone(), row.value.clone()))
            .collect();
        let asked = (answer.question.clone(), locked, possible);
        if self.asked.as_ref() == Some(&asked) {
            return;
        }
        let out = answer.report.unreachable.as_ref().map(|found| found.people()).unwrap_or_default();
        self.drop.store(true, Ordering::Relaxed);
        self.drop = Arc::new(AtomicBool::new(false));
        self.asked = Some(asked.clone());
        let (dropped, wake) = (Dropped(self.drop.clone()), context.wake.clone());
        self.found.ask(move || wake(), move || help(asked, &census, &out, &dropped));
    }

    /// Draws what helps; a suggestion that is applied changes the draft.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        lamp: &mut LampState,
        draft: &mut Draft,
        reading: &Reading,
        cursor: &mut Cursor,
    ) {
        let Some(lit) = lamp.answer().map(|answer| answer.report.lamp) else { return };
        let (behind, waiting) = (lamp.behind(), self.found.waiting());
        match self.found.get() {
            Some((question, Help::Impossible { conflict, relaxations })) if lit == Lamp::Infeasible => {
                let current = !behind && self.asked.as_ref().is_some_and(|(asked, ..)| asked == question);
                impossible(ui, conflict.as_ref(), relaxations, current, draft, reading, cursor);
            }
            Some((_, Help::Possible(Some(found)))) if lit == Lamp::Feasible => {
                buys(ui, found, draft, reading, cursor);
            }
            _ if waiting && lit == Lamp::Infeasible => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Looking for the smallest changes …");
                });
            }
            _ => {}
        }
    }
}

fn help(asked: Asked, census: &Census, out: &[u32], progress: &Dropped) -> (Question, Help) {
    let (question, locked, possible) = asked;
    let quotas = &question.quotas;
    let found = if possible {
        sensitivity::sensitivity(census, quotas, out, progress).map(Help::Possible)
    } else {
        conflict::conflict(census, quotas, progress).and_then(|conflict| {
            let wishes = Wishes { locked, ..Wishes::default() };
            let relaxations = relaxation::relax(census, quotas, &wishes, progress)?;
            Ok(Help::Impossible { conflict, relaxations })
        })
    };
    (question, found.unwrap_or(Help::Dropped))
}

fn impossible(
    ui: &mut Ui,
    conflict: Option<&Conflict>,
    relaxations: &Relaxations,
    current: bool,
    draft: &mut Draft,
    reading: &Reading,
    cursor: &mut Cursor,
) {
    if let Some(conflict) = conflict {
        card(ui, "A smallest conflict", |ui| {
            let button = Button::new(conflict.sentence.as_str()).wrap().frame(false);
            if ui.add(button).on_hover_text("Click to see the rows.").clicked() {
                cursor.mark(rows_of(&conflict.rules, draft, reading));
            }
            if conflict.irreducible {
                ui.label(theme::caption("Dropping any one of these would be enough.").weak());
            }
        });
    }
    if relaxations.found.is_empty() {
        let told = "No change of the rows that are not locked, within the flex limits, makes a panel possible.";
        card(ui, "No change helps", |ui| ui.label(told));
    }
    for (k, relaxation) in relaxations.found.iter().enumerate() {
        let places = number::counted(u64::from(relaxation.people), "place", "places");
        card(ui, &format!("Change {}: {places}", k + 1), |ui| {
            for change in &relaxation.changes {
                ui.label(change_in_words(change));
            }
            if !relaxation.minimal {
                ui.label(theme::caption("Perhaps less would do; the search gave up.").weak());
            }
            ui.horizontal(|ui| {
                let name = format!("Apply change {}", k + 1);
                let apply = ui.add_enabled(current, Button::new(name));
                if apply
                    .on_hover_text("Undo takes it back.")
                    .on_disabled_hover_text("The quotas are being checked.")
                    .clicked()
                {
                    for change in &relaxation.changes {
                        put(draft, reading, change);
                    }
                }
                if ui.button("Show rows").clicked() {
                    let rules: Vec<Rule> = relaxation.changes.iter().map(rule_of).collect();
                    cursor.mark(rows_of(&rules, draft, reading));
                }
            });
        });
    }
}

fn change_in_words(change: &Change) -> String {
    let bound = match change.bound {
        Bound::Min => "min",
        Bound::Max => "max",
    };
    format!("{}, {}: {bound} from {} to {}", change.attribute, change.value, change.from, change.to)
}

fn rule_of(change: &Change) -> Rule {
    Rule::Quota { attribute: change.attribute.clone(), value: change.value.clone(), bound: change.bound }
}

/// Puts a change into its cell.
fn put(draft: &mut Draft, reading: &Reading, change: &Change) {
    let row = reading.row_of(draft, &change.attribute, &change.value);
    if let Some(place) = row.and_then(|row| reading.places.get(row)).copied() {
        let place: Place = place;
        let column = match change.bound {
            Bound::Min => Column::Min,
            Bound::Max => Column::Max,
        };
        draft.set(place, column, &change.to.to_string());
    }
}

/// What loosening each quota buys.
fn buys(ui: &mut Ui, found: &Sensitivity, draft: &Draft, reading: &Reading, cursor: &mut Cursor) {
    if found.rows.is_empty() {
        return;
    }
    card(ui, "What loosening would buy", |ui| {
        let lowest = number::fixed(100.0 * found.chance, 2);
        ui.label(theme::caption(format!("The lowest chance is at most {lowest} % as the quotas are.")).weak());
        for row in found.rows.iter().take(SHOWN) {
            let button = Button::new(row.sentence.as_str()).wrap().frame(false);
            if ui.add(button).on_hover_text("Click to see the row.").clicked() {
                cursor.mark(rows_of(std::slice::from_ref(&row.rule), draft, reading));
            }
        }
    });
}
