//! Choosing a model: from the list, by a typed reference, from the hub.

use eframe::egui::{self, Ui};

use crate::jobs::spec::{FetchSpec, RunSpec};
use crate::store::RunState;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::theme;
use crate::ui::widgets::progress_bar;

/// A model picker between frames.
#[derive(Default)]
pub struct ModelPicker {
    /// A model reference being typed; enters the draft when the field is left, so that no half-typed name is looked up.
    typed: String,
}

impl ModelPicker {
    /// Forgets half-typed text, after the draft was replaced from outside.
    pub fn reset(&mut self) {
        self.typed.clear();
    }

    /// What keeps a run from starting while a reference is half typed: it would start on another model than is seen.
    pub fn pending(&self) -> Result<(), String> {
        match self.typed.trim() {
            "" => Ok(()),
            typed => Err(format!("Press Enter in the model field to use {typed}, or clear it.")),
        }
    }

    /// The list of models, what is known of the chosen one, and a field for any other reference.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>, id: &str, model: &mut String) {
        let width = ui.available_width();
        let label = ui.label("Masked language model");
        let shown = if model.is_empty() { "Choose a model" } else { model.as_str() }.to_owned();
        egui::ComboBox::from_id_salt((id, "model"))
            .width(width)
            .truncate()
            .selected_text(shown)
            .show_ui(ui, |ui| {
                for choice in context.models {
                    let selected = choice.reference == *model;
                    if ui.selectable_label(selected, &choice.reference).on_hover_text(&choice.description).clicked() {
                        model.clone_from(&choice.reference);
                    }
                }
            })
            .response
            .labelled_by(label.id);
        if let Some(choice) = context.models.iter().find(|choice| choice.reference == *model) {
            ui.label(theme::caption(&choice.description).weak());
        }
        if let Some(reference) = self.field(ui, id, "Or a folder, a hub name, or a toy") {
            *model = reference;
        }
    }

    /// A text field named `name` for a reference; what was typed once the field is left.
    fn field(&mut self, ui: &mut Ui, id: &str, name: &str) -> Option<String> {
        let label = ui.label(theme::caption(name));
        let field = ui
            .add(
                egui::TextEdit::singleline(&mut self.typed)
                    .id_salt((id, name))
                    .hint_text("./model   owner/name   ising:n=6,beta=0.5")
                    .desired_width(ui.available_width()),
            )
            .labelled_by(label.id);
        (field.lost_focus() && !self.typed.trim().is_empty()).then(|| std::mem::take(&mut self.typed).trim().to_owned())
    }

    /// Further models beside `model`: those chosen, each removable, a list to add from, and a field for any other.
    pub fn beside(&mut self, ui: &mut Ui, context: &TabContext<'_>, id: &str, model: &str, beside: &mut Vec<String>) {
        add_beside(ui, context, id, model, beside);
        let typed = self.field(ui, id, "Or type a model or control to add");
        if let Some(reference) = typed.filter(|reference| reference != model && !beside.contains(reference)) {
            beside.push(reference);
        }
    }
}

/// Models beside `model`: a list to add from, and those chosen, each removable.
pub fn add_beside(ui: &mut Ui, context: &TabContext<'_>, id: &str, model: &str, beside: &mut Vec<String>) {
    let label = ui.label(theme::caption("Add a model"));
    egui::ComboBox::from_id_salt((id, "models beside"))
        .width(ui.available_width())
        .selected_text("Add a model")
        .show_ui(ui, |ui| {
            for choice in context.models {
                let known = choice.reference == model || beside.contains(&choice.reference);
                if !known && ui.selectable_label(false, &choice.reference).on_hover_text(&choice.description).clicked()
                {
                    beside.push(choice.reference.clone());
                }
            }
        })
        .response
        .labelled_by(label.id);
    let mut removed = None;
    for (place, model) in beside.iter().enumerate() {
        ui.horizontal(|ui| {
            ui.label(theme::mono(shortened(model, 26)));
            let remove = ui.small_button("Remove");
            remove.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Remove {model}")));
            if remove.clicked() {
                removed = Some(place);
            }
        });
    }
    if let Some(place) = removed {
        beside.remove(place);
    }
}

/// A sentence cut to about `length` characters at a word.
pub fn shortened(sentence: &str, length: usize) -> String {
    if sentence.chars().count() <= length {
        return sentence.to_owned();
    }
    let cut: String = sentence.chars().take(length).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{cut} …")
}

/// Whether a reference can only be a hub name: `owner/name`, no path, no toy.
fn hub_name(reference: &str) -> bool {
    let reference = reference.trim();
    let mut parts = reference.split('/');
    matches!((parts.next(), parts.next(), parts.next()), (Some(owner), Some(name), None)
        if !owner.is_empty() && !name.is_empty() && !owner.starts_with(['.', '~']) && !reference.contains([':', ' ', '\\']))
}

/// Offers to download a hub model, or shows how far that has come.
pub fn download(ui: &mut Ui, context: &TabContext<'_>, model: &str, commands: &mut Vec<Command>) {
    if !hub_name(model) {
        return;
    }
    let fetching = context.runs.iter().find(|run| {
        matches!(&run.spec, RunSpec::Fetch(fetch) if fetch.model == model)
            && matches!(run.state, RunState::Queued | RunState::Running | RunState::Paused)
    });
    if let Some(run) = fetching {
        let progress = context.progress.get(&run.id);
        let share = progress.map_or(0.0, |p| if p.total == 0 { 0.0 } else { p.done as f32 / p.total as f32 });
        progress_bar(ui, share, ui.available_width(), 20.0, "Downloading …");
    } else if ui
        .button("Download now")
        .on_hover_text("Fetches the model into the cache as a run of its own, with progress; later it works offline.")
        .clicked()
    {
        commands.push(Command::StartRun(Box::new(RunSpec::Fetch(FetchSpec { version: 1, model: model.to_owned() }))));
    }
}

#[cfg(test)]
mod tests {
    use super::hub_name;

    #[test]
    fn only_owner_and_name_is_a_hub_name() {
        for name in ["google-bert/bert-base-uncased", "owner/name@main"] {
            assert!(hub_name(name), "{name}");
        }
        for name in ["agora", "./folder/model", "/abs/olute", "ising:n=6,beta=0.5", "~/model", "a/b/c", "C:\\x/y"] {
            assert!(!hub_name(name), "{name}");
        }
    }
}
