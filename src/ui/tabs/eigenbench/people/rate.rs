//! A person judges: two responses side by side, without names, by one criterion after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eframe::egui::{Button, ComboBox, Key, ScrollArea, TextEdit, Ui};

use super::super::view::{Responses, View};
use crate::eigenbench::comparisons::Choice;
use crate::eigenbench::people::{PersonLook, person_looks};
use crate::figures::number;
use crate::jobs::collect::Judgements;
use crate::store::{CallId, CallRow, PersonComparison, RunId, StoreError};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::requested::Requested;
use crate::ui::theme;
use crate::ui::widgets::{card, empty_state, progress_bar};

/// Height of a response; longer ones scroll.
const RESPONSE: f32 = 300.0;

/// The calls behind two responses.
type Pair = [Option<CallRow>; 2];

/// How far a person has come, and what comes next: a look, and the criterion as constitution and criterion.
#[derive(Clone, Copy)]
struct Standing {
    judged: usize,
    all: usize,
    next: Option<(PersonLook, (u16, u16))>,
}

/// Choices of this sitting, those taken back, and the criterion that a standing was worked out for.
type StandingOf = (usize, usize, Option<(u16, u16)>);

/// What the part keeps between frames.
#[derive(Default)]
pub struct Rate {
    run: Option<RunId>,
    name: String,
    begun: bool,
    /// By this criterion alone, as constitution and criterion; by all of them otherwise.
    only: Option<(u16, u16)>,
    /// Looks of this person, worked out once for the responses that there are.
    looks: Option<(Responses, Arc<Vec<PersonLook>>)>,
    /// Choices of this sitting, newest last; they may not have come back from the project yet.
    given: Vec<PersonComparison>,
    /// Choices taken back that the project may still show.
    taken_back: Vec<PersonComparison>,
    standing: Option<(Arc<Judgements>, StandingOf, Standing)>,
    shown: Option<PersonLook>,
    pair: Requested<Result<Box<Pair>, StoreError>>,
}

fn same(a: &PersonComparison, b: &PersonComparison) -> bool {
    PersonComparison { choice: Choice::Tie, ..a.clone() } == PersonComparison { choice: Choice::Tie, ..b.clone() }
}

impl Rate {
    /// Draws the part.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        run: RunId,
        view: &View,
        commands: &mut Vec<Command>,
    ) {
        if self.run != Some(run) {
            *self = Self { name: std::mem::take(&mut self.name), run: Some(run), ..Self::default() };
        }
        if !view.responses.values().any(|models| models.len() > 1) {
            let text = "There is nothing to judge: responses are needed that are in the project. They come with a collection, or \
                        with the authors' evaluations; a bare table of judgements has none.";
            empty_state(ui, "No responses to compare", text, None);
            return;
        }
        if !self.begun {
            self.begin(ui, view);
            return;
        }
        let Standing { judged, all, next } = self.standing(run, view);
        ui.horizontal_wrapped(|ui| {
            let share = judged as f32 / all.max(1) as f32;
            let (count, all) = (number::count(judged as u64), number::count(all as u64));
            ui.label(format!("{}: {count} of {all}", self.name.trim()));
            progress_bar(ui, share, 140.0, 12.0, "");
            if ui.button("Stop for now").on_hover_text("Everything is kept; begin again with the same name.").clicked()
            {
                self.begun = false;
            }
        });
        if self.undo(ui, run, commands) {
            return;
        }
        let Some((look, criterion)) = next else {
            let text = "Your trust stands beside that of the models: see People and models, and the trust matrix.";
            empty_state(ui, "All judged", text, None);
            return;
        };
        self.fetch(context, view, look);
        self.look(ui, run, view, look, criterion, commands);
    }

    /// Where the person stands, worked out again only where something was judged or taken back.
    fn standing(&mut self, run: RunId, view: &View) -> Standing {
        let of = (self.given.len(), self.taken_back.len(), self.only);
        if let Some((judgements, known, standing)) = &self.standing
            && Arc::ptr_eq(judgements, &view.judgements)
            && *known == of
        {
            return *standing;
        }
        let looks = self.looks(run, view);
        let criteria = self.criteria(view);
        let done = self.done(view);
        let mut standing = Standing { judged: 0, all: looks.len() * criteria.len(), next: None };
        for look in looks.iter() {
            let (low, high) = (look.first.min(look.second), look.first.max(look.second));
            for &(constitution, criterion) in &criteria {
                if done.contains(&(constitution, criterion, look.scenario, low, high)) {
                    standing.judged += 1;
                } else {
                    standing.next.get_or_insert((*look, (constitution, criterion)));
                }
            }
        }
        self.standing = Some((view.judgements.clone(), of, standing));
        standing
    }

    fn begin(&mut self, ui: &mut Ui, view: &View) {
        card(ui, "Judge blind", |ui| {
            ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
            ui.label(
                "You see a scenario, a criterion and two responses, without the names of who wrote them, on sides drawn for each \
                 pair. A few pairs of each scenario come first, so that you can stop whenever you like. Every choice is saved.",
            );
            let label = ui.label("Your name or a pseudonym");
            let field = ui.add(TextEdit::singleline(&mut self.name).id_salt("eigenbench person")).labelled_by(label.id);
            let names = view.judgements.criteria();
            let places = places(view);
            let label = ui.label("By");
            let shown = self.only.and_then(|only| places.iter().position(|place| *place == only));
            let shown = shown.and_then(|at| names.get(at)).map_or("all criteria, one after the other", String::as_str);
            ComboBox::from_id_salt("eigenbench person criterion")
                .width(ui.available_width().min(480.0))
                .truncate()
                .selected_text(shown.to_owned())
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut self.only, None, "all criteria, one after the other");
                    for (place, name) in places.iter().zip(&names) {
                        ui.selectable_value(&mut self.only, Some(*place), name.as_str());
                    }
                })
                .response
                .labelled_by(label.id);
            // Judges of the population have these names already.
            let taken = view.judgements.models.iter().any(|model| model == self.name.trim());
            if taken {
                ui.label(theme::caption("A model is called so. Take another name.").color(theme::palette(ui).bad));
            }
            let named = !self.name.trim().is_empty() && !taken;
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if ui.add_enabled(named, Button::new("Begin")).clicked() || (named && entered) {
                self.begun = true;
                self.looks = None;
                self.standing = None;
                self.given.clear();
                self.taken_back.clear();
            }
        });
    }

    fn looks(&mut self, run: RunId, view: &View) -> Arc<Vec<PersonLook>> {
        match &self.looks {
            Some((of, looks)) if Arc::ptr_eq(of, &view.responses) => looks.clone(),
            _ => {
                let models: BTreeMap<u32, Vec<u16>> = view
                    .responses
                    .iter()
                    .map(|(scenario, models)| (*scenario, models.keys().copied().collect()))
                    .collect();
                let found = Arc::new(person_looks(self.name.trim(), run.0.unsigned_abs(), &models));
                self.looks = Some((view.responses.clone(), found.clone()));
                found
            }
        }
    }

    fn criteria(&self, view: &View) -> Vec<(u16, u16)> {
        places(view).into_iter().filter(|own| self.only.is_none_or(|only| only == *own)).collect()
    }

    /// What is judged already, by constitution, criterion, scenario and pair.
    fn done(&self, view: &View) -> BTreeSet<(u16, u16, u32, u16, u16)> {
        let key = |row: &PersonComparison| {
            let (low, high) = (row.first.min(row.second), row.first.max(row.second));
            (row.constitution, row.criterion, row.scenario, low, high)
        };
        let name = self.name.trim();
        let kept = view
            .judgements
            .people()
            .filter(|row| row.person == name && !self.taken_back.iter().any(|gone| same(gone, row)));
        kept.map(|row| key(&row)).chain(self.given.iter().map(key)).collect()
    }

    /// Takes the last choice back; true when it did.
    fn undo(&mut self, ui: &mut Ui, run: RunId, commands: &mut Vec<Command>) -> bool {
        if self.given.is_empty() {
            return false;
        }
        let clicked = ui.button("Take the last choice back (Backspace)").clicked();
        let pressed = !ui.ctx().text_edit_focused() && ui.input(|input| input.key_pressed(Key::Backspace));
        if !(clicked || pressed) {
            return false;
        }
        let Some(last) = self.given.pop() else { return false };
        commands.push(Command::TakeBackComparison(run, Box::new(last.clone())));
        self.taken_back.push(last);
        ui.ctx().request_repaint();
        true
    }

    /// Reads both responses of a look.
    fn fetch(&mut self, context: &TabContext<'_>, view: &View, look: PersonLook) {
        if self.shown == Some(look) {
            return;
        }
        self.shown = Some(look);
        let call = |model: u16| view.responses.get(&look.scenario).and_then(|models| models.get(&model)).copied();
        let calls = [call(look.first), call(look.second)];
        context.query(&mut self.pair, move |project| {
            let one = |id: Option<CallId>| id.map_or(Ok(None), |id| project.call(id));
            let [first, second] = calls;
            Ok(Box::new([one(first)?, one(second)?]))
        });
    }

    fn look(
        &mut self,
        ui: &mut Ui,
        run: RunId,
        view: &View,
        look: PersonLook,
        (constitution, criterion): (u16, u16),
        commands: &mut Vec<Command>,
    ) {
        let judgements = &view.judgements;
        card(ui, "", |ui| {
            if let Some(scenario) = judgements.scenarios.get(look.scenario as usize) {
                ui.label(theme::caption("Scenario").weak());
                ui.label(if scenario.text.is_empty() { &scenario.id } else { &scenario.text });
            }
            ui.label(theme::caption("Which response is more in keeping with this?").weak());
            let by = &judgements.constitutions[usize::from(constitution)];
            let name = by.criteria.get(usize::from(criterion)).map_or("", String::as_str);
            ui.label(theme::strong(name));
        });
        let pair = match self.pair.get() {
            None => {
                ui.spinner();
                return;
            }
            Some(Err(problem)) => {
                ui.label(format::sentence(&problem.to_string()));
                return;
            }
            Some(Ok(pair)) => pair,
        };
        let mut picked = if ui.ctx().text_edit_focused() { None } else { key(ui) };
        ui.columns_const(|sides: &mut [Ui; 2]| {
            for (side, (ui, call)) in sides.iter_mut().zip(pair.iter()).enumerate() {
                let title = ["Left (1)", "Right (2)"][side];
                card(ui, title, |ui| {
                    let id = ("eigenbench person response", side);
                    ScrollArea::vertical().id_salt(id).max_height(RESPONSE).auto_shrink([false, true]).show(ui, |ui| {
                        match call.as_ref().map(|call| &call.reply) {
                            Some(Ok(reply)) => ui.label(reply.text.trim()),
                            _ => ui.label(theme::caption("The response is no longer in the project.").weak()),
                        };
                    });
                });
            }
        });
        ui.horizontal_wrapped(|ui| {
            if ui.button("Left is better (1)").clicked() {
                picked = Some(Choice::First);
            }
            if ui.button("Neither (0)").clicked() {
                picked = Some(Choice::Tie);
            }
            if ui.button("Right is better (2)").clicked() {
                picked = Some(Choice::Second);
            }
        });
        let Some(choice) = picked else { return };
        let row = PersonComparison {
            person: self.name.trim().to_owned(),
            constitution,
            scenario: look.scenario,
            criterion,
            first: look.first,
            second: look.second,
            choice,
        };
        self.taken_back.retain(|gone| !same(gone, &row));
        self.given.push(row.clone());
        commands.push(Command::KeepComparison(run, Box::new(row)));
        ui.ctx().request_repaint();
    }
}

/// Every criterion, as constitution and criterion.
fn places(view: &View) -> Vec<(u16, u16)> {
    let of = |(constitution, judged): (u16, &crate::jobs::collect::JudgedBy)| {
        (0..judged.criteria.len() as u16).map(move |criterion| (constitution, criterion)).collect::<Vec<_>>()
    };
    (0..).zip(&view.judgements.constitutions).flat_map(of).collect()
}

/// What was chosen by a key in this frame.
fn key(ui: &Ui) -> Option<Choice> {
    ui.input(|input| {
        if input.modifiers.any() {
            return None;
        }
        [(Key::Num1, Choice::First), (Key::Num0, Choice::Tie), (Key::Num2, Choice::Second)]
            .into_iter()
            .find_map(|(key, choice)| input.key_pressed(key).then_some(choice))
    })
}
