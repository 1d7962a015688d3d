//! A law of starting states as a form has it, and whether the model can read the sentences typed for one.

use std::collections::BTreeMap;

use eframe::egui::{self, DragValue, Ui};
use serde::{Deserialize, Serialize};

use super::questions::{Live, Questions};
use crate::figures::number;
use crate::glauber::experiments::TypedStarts;
use crate::glauber::experiments::singles::StartLaw;
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::theme;

/// Where the chains of one side start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawKind {
    #[default]
    Uniform,
    Anchor,
    Sentences,
    Typed,
}

const KINDS: [(LawKind, &str, &str); 4] = [
    (LawKind::Uniform, "random tokens", "Every token drawn uniformly, anew for each chain."),
    (
        LawKind::Anchor,
        "anchor of a basin",
        "The sentence to which most random starts are drawn at temperature 0; with 2 the second most, and so on.",
    ),
    (LawKind::Sentences, "sentences", "One of a list of sentences, drawn for each chain."),
    (LawKind::Typed, "a typed sentence", "The same sentence for every chain."),
];

/// One side. All ways to choose keep their values, so that trying another loses nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LawDraft {
    pub kind: LawKind,
    /// Which anchor, counted from 1.
    pub anchor: u32,
    /// A named sentence list of the project; without one the typed lines count.
    pub list: Option<String>,
    /// One sentence per line.
    pub lines: String,
    pub sentence: String,
}

impl Default for LawDraft {
    fn default() -> Self {
        Self { kind: LawKind::Uniform, anchor: 1, list: None, lines: String::new(), sentence: String::new() }
    }
}

impl LawDraft {
    /// What enters the spec; the error says what is missing.
    pub fn law(&self, lists: &[(String, Vec<String>)]) -> Result<StartLaw, String> {
        Ok(match self.kind {
            LawKind::Uniform => StartLaw::Uniform,
            LawKind::Anchor => StartLaw::Anchor(self.anchor),
            LawKind::Sentences => {
                let sentences = listed(self.list.as_ref(), &self.lines, lists);
                if sentences.is_empty() {
                    return Err(
                        "Single chains that start from sentences need one: pick a list, or type some lines.".to_owned()
                    );
                }
                StartLaw::Sentences(sentences)
            }
            LawKind::Typed if self.sentence.trim().is_empty() => {
                return Err("Type the sentence from which single chains start.".to_owned());
            }
            LawKind::Typed => StartLaw::Typed(self.sentence.trim().to_owned()),
        })
    }

    /// Takes over a spec's law.
    pub fn set(&mut self, law: &StartLaw) {
        match law {
            StartLaw::Uniform => self.kind = LawKind::Uniform,
            StartLaw::Anchor(rank) => (self.kind, self.anchor) = (LawKind::Anchor, *rank),
            StartLaw::Sentences(sentences) => {
                (self.kind, self.list, self.lines) = (LawKind::Sentences, None, sentences.join("\n"));
            }
            StartLaw::Typed(sentence) => (self.kind, self.sentence) = (LawKind::Typed, sentence.clone()),
        }
    }

    /// The sentence that was typed, where one counts.
    pub fn typed(&self) -> Option<&str> {
        (self.kind == LawKind::Typed).then_some(self.sentence.as_str())
    }
}

/// A law in words, after "from": `random tokens`, `anchor 2`, `3 sentences`, or the typed sentence itself.
pub fn told(law: &StartLaw) -> String {
    match law {
        StartLaw::Uniform => "random tokens".to_owned(),
        StartLaw::Anchor(rank) => format!("anchor {rank}"),
        StartLaw::Sentences(sentences) => number::counted(sentences.len() as u64, "sentence", "sentences"),
        StartLaw::Typed(sentence) => format!("\u{201c}{sentence}\u{201d}"),
    }
}

/// The sentences of a named list, or the typed lines.
pub fn listed(list: Option<&String>, lines: &str, lists: &[(String, Vec<String>)]) -> Vec<String> {
    if let Some(name) = list {
        let found = lists.iter().find(|(list, _)| list == name);
        return found.map(|(_, sentences)| sentences.clone()).unwrap_or_default();
    }
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Draws one side's choice; `id` tells this form from others, `name` is the side's.
pub fn show(
    ui: &mut Ui,
    context: &TabContext<'_>,
    (id, name): (&str, &str),
    law: &mut LawDraft,
    problems: &Problems,
    commands: &mut Vec<Command>,
) {
    ui.horizontal(|ui| {
        let label = ui.label(name);
        let shown = KINDS.iter().find(|(kind, ..)| *kind == law.kind).map_or("", |(_, text, _)| text);
        egui::ComboBox::from_id_salt((id, "law", name))
            .width(ui.available_width())
            .selected_text(shown)
            .show_ui(ui, |ui| {
                for (kind, text, why) in KINDS {
                    ui.selectable_value(&mut law.kind, kind, text).on_hover_text(why);
                }
            })
            .response
            .labelled_by(label.id);
    });
    match law.kind {
        LawKind::Uniform => {}
        LawKind::Anchor => {
            let why = "1 is the anchor with the largest basin among 16 quenches from random starts.";
            ui.horizontal(|ui| {
                let label = ui.label(format!("{name}: anchor number")).on_hover_text(why);
                ui.add(DragValue::new(&mut law.anchor).range(1..=16).speed(0.1))
                    .labelled_by(label.id)
                    .on_hover_text(why);
            });
        }
        LawKind::Sentences => sentence_source(ui, context, (id, name), (&mut law.list, &mut law.lines), commands),
        LawKind::Typed => {
            let name = format!("{name}: sentence");
            typed_field(ui, (id, &name), &mut law.sentence, problems);
        }
    }
}

/// A field for a typed start, and below it why no chain can start there.
pub fn typed_field(ui: &mut Ui, (id, name): (&str, &str), sentence: &mut String, problems: &Problems) {
    let label = ui.label(theme::caption(name));
    ui.add(
        egui::TextEdit::singleline(sentence)
            .id_salt((id, "typed start", name))
            .hint_text("a sentence as long as the chain, or longer")
            .desired_width(ui.available_width()),
    )
    .labelled_by(label.id);
    if let Some(problem) = problems.of(sentence) {
        ui.label(theme::caption(crate::ui::format::sentence(problem)).color(theme::palette(ui).bad));
    }
}

/// A list of the project or typed lines.
pub fn sentence_source(
    ui: &mut Ui,
    context: &TabContext<'_>,
    (id, name): (&str, &str),
    (list, lines): (&mut Option<String>, &mut String),
    commands: &mut Vec<Command>,
) {
    let label = ui.label(format!("{name}: sentences from"));
    egui::ComboBox::from_id_salt((id, "sentence list", name))
        .width(ui.available_width())
        .truncate()
        .selected_text(list.clone().unwrap_or("typed lines".to_owned()))
        .show_ui(ui, |ui| {
            ui.selectable_value(list, None, "typed lines");
            for (name, sentences) in context.sentence_lists {
                let text = format!("{name} ({})", number::count(sentences.len() as u64));
                ui.selectable_value(list, Some(name.clone()), text);
            }
        })
        .response
        .labelled_by(label.id);
    if list.is_none() {
        let label = ui.label(theme::caption("One sentence per line"));
        egui::ScrollArea::vertical().id_salt((id, "lines scroll", name)).max_height(110.0).show(ui, |ui| {
            ui.add(
                egui::TextEdit::multiline(lines)
                    .id_salt((id, "lines", name))
                    .desired_rows(3)
                    .desired_width(ui.available_width()),
            )
            .labelled_by(label.id);
        });
    }
    if ui.button("Import…").on_hover_text("Reads a text or CSV file of sentences into this project.").clicked() {
        commands.push(Command::ImportSentences);
    }
    let count = listed(list.as_ref(), lines, context.sentence_lists).len();
    let count = number::counted(count as u64, "sentence", "sentences");
    ui.label(theme::caption(format!("{count}; those that do not fit a chain are left out")).weak());
}

/// Why chains cannot start from typed sentences, by sentence.
#[derive(Default)]
pub struct Problems(BTreeMap<String, String>);

impl Problems {
    /// Asks the model about the typed sentences among `asked` (empty ones are no question). While it answers nothing is
    /// known, and what the model could not be asked is told when the run starts.
    pub fn ask(questions: &mut Questions, context: &TabContext<'_>, mut asked: TypedStarts) -> Self {
        for sentence in &mut asked.sentences {
            *sentence = sentence.trim().to_owned();
        }
        asked.sentences.retain(|sentence| !sentence.is_empty());
        if asked.sentences.is_empty() || asked.model.trim().is_empty() {
            return Self::default();
        }
        let sentences = asked.sentences.clone();
        match questions.starts(context.session, asked) {
            Live::Ready(found) => {
                let told =
                    sentences.into_iter().zip(found).filter_map(|(sentence, why)| Some((sentence, why.clone()?)));
                Self(told.collect())
            }
            Live::Nothing | Live::Waiting(_) | Live::Failed(_) => Self::default(),
        }
    }

    fn of(&self, sentence: &str) -> Option<&str> {
        self.0.get(sentence.trim()).map(String::as_str)
    }

    /// Why the run cannot start, if so.
    pub fn obstacle(&self) -> Result<(), String> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err("A typed start cannot be used: see the message below it.".to_owned())
        }
    }
}
