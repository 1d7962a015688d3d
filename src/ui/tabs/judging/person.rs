//! A person judges: blind, by the keyboard, in an order of answers that hides who wrote them.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{Key, TextEdit, Ui};

use super::view::{Answered, View};
use crate::dempo::judging::prompts::label;
use crate::dempo::judging::{Comparing, Display, displays};
use crate::figures::number;
use crate::jobs::judge::JudgeSpec;
use crate::ranking::votes::Ballot;
use crate::store::{RunId, VerdictRow};
use crate::ui::command::Command;
use crate::ui::theme;
use crate::ui::widgets::{card, empty_state, progress_bar};

/// What the part keeps between frames.
#[derive(Default)]
pub struct Person {
    name: String,
    begun: bool,
    /// Places in the display, best first, as far as they were chosen.
    chosen: Vec<usize>,
    /// Verdicts given in this sitting, newest last; undo takes them back.
    given: Vec<VerdictRow>,
    /// Looks that were put off.
    skipped: usize,
    run: Option<RunId>,
    /// What there is to look at, worked out once for the answers that are there.
    looks: Option<(Arc<Answered>, Arc<Vec<Look>>)>,
}

/// One look that is to be judged.
struct Look {
    question: u32,
    display: Display,
}

/// Looks in the order of a person: questions in turn, one pass. Nobody sees the same answers twice.
fn looks(spec: &JudgeSpec, view: &View) -> Vec<Look> {
    let mut present: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
    for (&(question, model), answer) in view.answers.iter() {
        if !answer.text.trim().is_empty() {
            present.entry(question).or_default().push(model);
        }
    }
    let of = |(question, models): (&u32, &Vec<u16>)| {
        let id = &spec.constitution.questions[*question as usize].id;
        let seen = displays(spec.comparing, id, spec.seed, 0, models);
        let question = *question;
        seen.into_iter().map(move |display| Look { question, display }).collect::<Vec<_>>()
    };
    present.iter().flat_map(of).collect()
}

/// The name under which a person's verdicts are kept.
fn judge_name(name: &str) -> String {
    format!("{} (person)", name.trim())
}

impl Person {
    /// Draws the part.
    pub fn show(&mut self, ui: &mut Ui, run: RunId, view: &View, commands: &mut Vec<Command>) {
        let Some(spec) = &view.spec else { return };
        if self.run != Some(run) {
            *self = Self { name: std::mem::take(&mut self.name), run: Some(run), ..Self::default() };
        }
        let all = self.looks(spec, view);
        if all.is_empty() {
            let text = "There is nothing to judge yet: a question needs the answers of two models.";
            empty_state(ui, "No answers to compare", text, None);
            return;
        }
        if !self.begun {
            self.begin(ui);
            return;
        }
        let judge = judge_name(&self.name);
        let done = |look: &Look| {
            let given = |row: &VerdictRow| {
                row.judge == judge && row.question == look.question && row.pair == look.display.pair && row.pass == 0
            };
            view.rows.get(&look.question).is_some_and(|rows| rows.iter().any(given)) || self.given.iter().any(given)
        };
        let open: Vec<&Look> = all.iter().filter(|look| !done(look)).collect();
        let judged = all.len() - open.len();
        ui.horizontal_wrapped(|ui| {
            ui.label(format!(
                "{}: {} of {}",
                self.name.trim(),
                number::count(judged as u64),
                number::count(all.len() as u64)
            ));
            progress_bar(ui, judged as f32 / all.len() as f32, 160.0, 12.0, "");
            if ui.button("Stop for now").on_hover_text("Everything is kept; begin again with the same name.").clicked()
            {
                self.begun = false;
            }
        });
        if self.undo(ui, run, commands) {
            return;
        }
        let Some(look) = open.get(self.skipped % open.len().max(1)) else {
            empty_state(ui, "All judged", "Your verdicts stand beside those of the other judges under Results.", None);
            return;
        };
        self.look(ui, spec, view, look, run, commands);
    }

    fn looks(&mut self, spec: &JudgeSpec, view: &View) -> Arc<Vec<Look>> {
        match &self.looks {
            Some((of, looks)) if Arc::ptr_eq(of, &view.answers) => looks.clone(),
            _ => {
                let found = Arc::new(looks(spec, view));
                self.looks = Some((view.answers.clone(), found.clone()));
                found
            }
        }
    }

    fn begin(&mut self, ui: &mut Ui) {
        card(ui, "Judge blind", |ui| {
            ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
            ui.label(
                "You see a principle, a question and the answers, without the names of who wrote them, in an order drawn for \
                 each question. Your verdicts are saved one by one.",
            );
            let label = ui.label("Your name or a pseudonym");
            let field = ui.add(TextEdit::singleline(&mut self.name).id_salt("judging person")).labelled_by(label.id);
            let named = !self.name.trim().is_empty();
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if ui.add_enabled(named, eframe::egui::Button::new("Begin")).clicked() || (named && entered) {
                (self.begun, self.skipped) = (true, 0);
                self.chosen.clear();
            }
        });
    }

    /// Takes the last verdict back; true when it did.
    fn undo(&mut self, ui: &mut Ui, run: RunId, commands: &mut Vec<Command>) -> bool {
        let wanted = |ui: &mut Ui| ui.button("Take the last verdict back (Backspace)").clicked();
        let typing = ui.ctx().text_edit_focused();
        if self.given.is_empty() && self.chosen.is_empty() {
            return false;
        }
        let pressed = !typing && ui.input(|input| input.key_pressed(Key::Backspace));
        if !(wanted(ui) || pressed) {
            return false;
        }
        if self.chosen.pop().is_some() {
            return false;
        }
        let Some(last) = self.given.pop() else { return false };
        commands.push(Command::TakeBackVerdict(run, Box::new(last)));
        true
    }

    fn look(
        &mut self,
        ui: &mut Ui,
        spec: &JudgeSpec,
        view: &View,
        look: &Look,
        run: RunId,
        commands: &mut Vec<Command>,
    ) {
        let pair = spec.comparing == Comparing::Pairwise;
        let question = &spec.constitution.questions[look.question as usize];
        let clause = spec.constitution.place_of(&question.clause);
        card(ui, "", |ui| {
            ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
            if let Some(clause) = clause {
                ui.label(theme::strong(&spec.constitution.clauses[clause].text));
            }
            ui.label(&question.text);
        });
        let keys = if pair {
            "Keys: A or 1, B or 2, T or 0 for a tie, S to skip."
        } else {
            "Keys: letters (or digits) of the answers from best to worst, S to skip."
        };
        ui.label(theme::caption(keys).weak());
        let shown = &look.display.shown;
        let mut picked = if ui.ctx().text_edit_focused() { None } else { key(ui, shown.len(), pair) };
        for (place, &model) in shown.iter().enumerate() {
            let rank = self.chosen.iter().position(|&other| other == place);
            let title = match rank {
                Some(rank) => format!("Answer {}: place {}", label(place), rank + 1),
                None => format!("Answer {}", label(place)),
            };
            card(ui, &title, |ui| {
                ui.set_max_width(theme::READING_WIDTH.min(ui.available_width()));
                let text = view.answers.get(&(look.question, model)).map_or("", |answer| answer.text.trim());
                ui.label(text);
                if rank.is_none() {
                    let name = if pair { "is better" } else { "comes next" };
                    if ui.button(format!("{} {name}", label(place))).clicked() {
                        picked = Some(Picked::Place(place));
                    }
                }
            });
        }
        ui.horizontal_wrapped(|ui| {
            if pair && ui.button("Tie (T)").clicked() {
                picked = Some(Picked::Tie);
            }
            if ui.button("Skip (S)").on_hover_text("Comes again at the end.").clicked() {
                picked = Some(Picked::Skip);
            }
        });
        let Some(ballot) = picked.and_then(|picked| self.pick(picked, shown, pair)) else { return };
        let row = VerdictRow {
            judge: judge_name(&self.name),
            question: look.question,
            pass: 0,
            pair: look.display.pair,
            replies: 1,
            call: None,
            shown: shown.clone(),
            ballot,
        };
        self.given.push(row.clone());
        commands.push(Command::KeepVerdict(run, Box::new(row)));
        ui.ctx().request_repaint();
    }

    /// Takes what was picked; a ballot once it is complete.
    fn pick(&mut self, picked: Picked, shown: &[u16], pair: bool) -> Option<Ballot> {
        match picked {
            Picked::Skip => {
                self.chosen.clear();
                self.skipped += 1;
                None
            }
            Picked::Tie => Some(Ballot::Tie(shown[0].min(shown[1]), shown[0].max(shown[1]))),
            Picked::Place(place) => {
                if !self.chosen.contains(&place) {
                    self.chosen.push(place);
                }
                let enough = if pair { 1 } else { shown.len() - 1 };
                if self.chosen.len() < enough {
                    return None;
                }
                // The last one follows from the others.
                let rest = (0..shown.len()).filter(|place| !self.chosen.contains(place)).collect::<Vec<_>>();
                let order = self.chosen.drain(..).chain(rest).map(|place| shown[place]).collect();
                Some(Ballot::Order(order))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Picked {
    Place(usize),
    Tie,
    Skip,
}

/// What was picked by a key in this frame.
fn key(ui: &Ui, shown: usize, pair: bool) -> Option<Picked> {
    const LETTERS: [Key; 26] = [
        Key::A,
        Key::B,
        Key::C,
        Key::D,
        Key::E,
        Key::F,
        Key::G,
        Key::H,
        Key::I,
        Key::J,
        Key::K,
        Key::L,
        Key::M,
        Key::N,
        Key::O,
        Key::P,
        Key::Q,
        Key::R,
        Key::S,
        Key::T,
        Key::U,
        Key::V,
        Key::W,
        Key::X,
        Key::Y,
        Key::Z,
    ];
    const DIGITS: [Key; 9] =
        [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    ui.input(|input| {
        if input.modifiers.any() {
            return None;
        }
        let pressed = |keys: &[Key]| keys.iter().take(shown).position(|&key| input.key_pressed(key));
        if let Some(place) = pressed(&LETTERS).or_else(|| pressed(&DIGITS)) {
            return Some(Picked::Place(place));
        }
        if pair && (input.key_pressed(Key::T) || input.key_pressed(Key::Num0)) {
            return Some(Picked::Tie);
        }
        // With so many answers S is one of them; the button skips.
        (shown < 19 && input.key_pressed(Key::S)).then_some(Picked::Skip)
    })
}
