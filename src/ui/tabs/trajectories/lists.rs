//! The dialog in which the lists of the political probe are edited.

use eframe::egui::{self, Key, RichText, ScrollArea, TextEdit, Ui};

use crate::figures::number;
use crate::glauber::probe::ProbeLists;
use crate::ui::dialogs::modal_frame;
use crate::ui::theme;
use crate::ui::widgets::{disabled_button, primary_button};

/// What the dialog came to.
pub enum ListsOutcome {
    Open,
    Cancelled,
    /// `None`: the shipped lists.
    Use(Option<ProbeLists>),
}

/// The four lists as text.
pub struct ListsDialog {
    lexicon: String,
    political: String,
    neutral: String,
    statements: String,
    /// The same as lists, or what is wrong with them.
    read: Result<ProbeLists, String>,
    place: Place,
}

/// Which list is in view.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Lexicon,
    Political,
    Neutral,
    Statements,
}

impl ListsDialog {
    /// Opens on these lists.
    pub fn new(lists: &ProbeLists) -> Self {
        Self {
            lexicon: lists.lexicon.join("\n"),
            political: lists.political_seeds.join("\n"),
            neutral: lists.neutral_seeds.join("\n"),
            statements: lists.write_statements(),
            read: lists.check().map(|()| lists.clone()).map_err(|problem| problem.to_string()),
            place: Place::Lexicon,
        }
    }

    fn reread(&mut self) {
        let read = || {
            let lists = ProbeLists {
                lexicon: ProbeLists::read_lexicon(&self.lexicon),
                political_seeds: ProbeLists::read_seeds(&self.political),
                neutral_seeds: ProbeLists::read_seeds(&self.neutral),
                statements: ProbeLists::read_statements(&self.statements)?,
            };
            lists.check()?;
            Ok::<_, crate::glauber::conditionals::ConditionalsError>(lists)
        };
        self.read = read().map_err(|problem| problem.to_string());
    }

    /// Draws the dialog above everything.
    pub fn show(&mut self, ctx: &egui::Context) -> ListsOutcome {
        let modal = egui::Modal::new(egui::Id::unique("probe lists")).frame(modal_frame(ctx)).show(ctx, |ui| {
            ui.set_width(620.0_f32.min(ui.ctx().content_rect().width() - 80.0));
            ui.heading("Lists of the political probe");
            ui.label(
                RichText::new(
                    "The lists say what “political” means here: they are kept with the run. The words are counted, the \
                     seeds make an axis, the statements train a classifier and test all three.",
                )
                .color(theme::palette(ui).weak_text),
            );
            self.tabs(ui);
            self.area(ui);
            self.buttons(ui)
        });
        if modal.should_close() || ctx.input(|input| input.key_pressed(Key::Escape)) {
            return ListsOutcome::Cancelled;
        }
        modal.inner
    }

    fn tabs(&mut self, ui: &mut Ui) {
        let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count() as u64;
        let statements = lines(&self.statements).saturating_sub(u64::from(self.statements.starts_with("text,label")));
        ui.horizontal_wrapped(|ui| {
            for (place, name, count) in [
                (Place::Lexicon, "Words", lines(&self.lexicon)),
                (Place::Political, "Political seeds", lines(&self.political)),
                (Place::Neutral, "Neutral seeds", lines(&self.neutral)),
                (Place::Statements, "Statements", statements),
            ] {
                ui.selectable_value(&mut self.place, place, format!("{name} ({})", number::count(count)));
            }
        });
    }

    fn area(&mut self, ui: &mut Ui) {
        let (text, name, what) = match self.place {
            Place::Lexicon => (&mut self.lexicon, "Words of the lexicon", "One word on each line; # begins a remark."),
            Place::Political => (&mut self.political, "Political seed sentences", "One sentence on each line."),
            Place::Neutral => (&mut self.neutral, "Neutral seed sentences", "One sentence on each line."),
            Place::Statements => (
                &mut self.statements,
                "Labelled statements",
                "A sentence, a comma, and political or other on each line; at least 10 of each.",
            ),
        };
        let label = ui.label(theme::caption(what).weak());
        let height = (ui.ctx().content_rect().height() - 340.0).clamp(120.0, 420.0);
        let changed = ScrollArea::vertical()
            .id_salt(("probe list", name))
            .max_height(height)
            .min_scrolled_height(height)
            .auto_shrink([false, false])
            .show(ui, |ui| {
                let field = TextEdit::multiline(text).id_salt(("probe list text", name)).desired_rows(16);
                let response = ui.add(field.desired_width(f32::INFINITY)).labelled_by(label.id);
                ui.ctx().accesskit_node_builder(response.id, |node| node.set_label(name));
                response.changed()
            })
            .inner;
        if changed {
            self.reread();
        }
    }

    fn buttons(&mut self, ui: &mut Ui) -> ListsOutcome {
        let counts = match &self.read {
            Ok(lists) => {
                let political = lists.statements.iter().filter(|s| s.political).count();
                let text = format!(
                    "{} words; {} political and {} neutral seeds; {} statements, {political} of them political",
                    number::count(lists.lexicon.len() as u64),
                    lists.political_seeds.len(),
                    lists.neutral_seeds.len(),
                    number::count(lists.statements.len() as u64),
                );
                theme::caption(text).weak()
            }
            Err(problem) => theme::caption(crate::ui::format::sentence(problem)).color(theme::palette(ui).bad),
        };
        ui.label(counts);
        ui.horizontal_wrapped(|ui| {
            match &self.read {
                Ok(lists) => {
                    if primary_button(ui, "Use these lists").clicked() {
                        let shipped = *lists == ProbeLists::default();
                        return ListsOutcome::Use((!shipped).then(|| lists.clone()));
                    }
                }
                Err(problem) => drop(disabled_button(ui, "Use these lists", problem)),
            }
            if ui.button("Restore the shipped lists").clicked() {
                let place = self.place;
                *self = Self { place, ..Self::new(&ProbeLists::default()) };
            }
            if ui.button("Cancel").clicked() { ListsOutcome::Cancelled } else { ListsOutcome::Open }
        })
        .inner
    }
}
