//! A conversation with the model as it was and as it has become, side by side.

use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui::{self, Key, Slider, TextEdit, Ui};

use crate::dempo::preference::{Message, Role};
use crate::jobs::spec::RunSpec;
use crate::jobs::train::TrainSpec;
use crate::jobs::train::chat::{Chat, Speaker};
use crate::models::llama::GenerationSettings;
use crate::progress::Progress;
use crate::store::{RunId, RunRow, RunState};
use crate::ui::command::{Command, Table};
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::tabs::shared::task::Task;
use crate::ui::widgets::{VerdictKind, card, disabled_button, empty_state, primary_button};
use crate::ui::{format, theme};

/// Longest answer, in tokens.
const LONGEST: usize = 160;
const SIDES: [(Speaker, &str); 2] = [(Speaker::Base, "Before the training"), (Speaker::Trained, "After the training")];

type Spoken = Result<[String; 2], String>;

/// The conversation between frames.
pub struct ChatState {
    run: Option<RunId>,
    /// Kept from question to question; held by the thread that speaks.
    opened: Arc<Mutex<Option<Chat>>>,
    /// Each side's own history: questions are the same, answers are not.
    histories: [Vec<Message>; 2],
    typed: String,
    temperature: f64,
    /// What is being said.
    heard: Arc<Mutex<[String; 2]>>,
    task: Option<Task<Spoken>>,
    problem: Option<String>,
}

impl Default for ChatState {
    /// Warm enough that a small model does not end at once.
    fn default() -> Self {
        Self {
            run: None,
            opened: Arc::default(),
            histories: Default::default(),
            typed: String::new(),
            temperature: 0.8,
            heard: Arc::default(),
            task: None,
            problem: None,
        }
    }
}

impl ChatState {
    /// Draws the part for `run`.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>, run: &RunRow, commands: &mut Vec<Command>) {
        let RunSpec::Train(spec) = &run.spec else {
            let text = "The adapter of a job that was carried out elsewhere is not opened here.";
            empty_state(ui, "No conversation", text, None);
            return;
        };
        if run.state != RunState::Done {
            empty_state(ui, "Not yet", "The model can be talked to when the training is done.", None);
            return;
        }
        if self.run != Some(run.id) {
            *self = Self { run: Some(run.id), ..Self::default() };
        }
        self.advance();
        self.question(ui, context, spec, commands);
        if let Some(task) = &self.task
            && task.show(ui, "Stop answering")
        {
            self.task = None;
            self.histories.iter_mut().for_each(|history| drop(history.pop()));
        }
        if let Some(problem) = &self.problem {
            say(ui, VerdictKind::Failed, "There was no answer.");
            ui.label(theme::caption(format::sentence(problem)));
        }
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ui.columns_const(|columns: &mut [Ui; 2]| {
            for (side, ui) in columns.iter_mut().enumerate() {
                card(ui, SIDES[side].1, |ui| {
                    if self.histories[side].is_empty() {
                        ui.label(theme::caption("Ask something: both answer the same words.").weak());
                    }
                    for message in &self.histories[side] {
                        spoken(ui, message.role, &message.content);
                    }
                    if self.task.is_some() {
                        let said = if heard[side].is_empty() { "…" } else { heard[side].as_str() };
                        spoken(ui, Role::Assistant, said);
                    }
                });
            }
        });
    }

    /// Takes in what was said.
    fn advance(&mut self) {
        let Some(said) = self.task.as_mut().and_then(Task::result) else { return };
        match said {
            Ok(answers) => {
                for (history, answer) in self.histories.iter_mut().zip(answers) {
                    history.push(Message::new(Role::Assistant, answer.clone()));
                }
            }
            Err(problem) => {
                self.problem = Some(problem.clone());
                self.histories.iter_mut().for_each(|history| drop(history.pop()));
            }
        }
        self.task = None;
    }

    fn question(&mut self, ui: &mut Ui, context: &TabContext<'_>, spec: &TrainSpec, commands: &mut Vec<Command>) {
        let mut ask = false;
        let label = ui.label("Question to both");
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 72.0).max(120.0);
            let field = TextEdit::singleline(&mut self.typed).id_salt("training question");
            let field = ui.add(field.hint_text("How should we handle quiet hours?").desired_width(width));
            let entered = field.labelled_by(label.id).lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let why = match (&self.task, self.typed.trim().is_empty()) {
                (Some(_), _) => Some("Both are still answering."),
                (None, true) => Some("Type a question first."),
                (None, false) => None,
            };
            match why {
                Some(why) => drop(disabled_button(ui, "Ask", why)),
                None => ask = primary_button(ui, "Ask").clicked() || entered,
            }
        });
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Temperature of the answers");
            ui.add(Slider::new(&mut self.temperature, 0.0..=1.5).fixed_decimals(2))
                .labelled_by(label.id)
                .on_hover_text("0 always takes the likeliest token.");
            if !self.histories[0].is_empty() && self.task.is_none() {
                if ui.button("Begin anew").clicked() {
                    self.histories = Default::default();
                    self.problem = None;
                }
                if ui.button("Export conversation…").clicked() {
                    commands.push(Command::ExportTable(Box::new(table(&self.histories))));
                }
            }
        });
        if ask {
            self.begin(context, spec);
        }
    }

    fn begin(&mut self, context: &TabContext<'_>, spec: &TrainSpec) {
        let question = std::mem::take(&mut self.typed).trim().to_owned();
        self.histories.iter_mut().for_each(|history| history.push(Message::new(Role::User, question.clone())));
        self.problem = None;
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
        let (opened, heard, histories) = (self.opened.clone(), self.heard.clone(), self.histories.clone());
        let (directory, spec) = (context.directory.clone(), spec.clone());
        let settings = GenerationSettings {
            longest: LONGEST,
            temperature: self.temperature,
            seed: histories[0].len() as u64,
            ..GenerationSettings::default()
        };
        self.task = Some(Task::begin(context, move |progress: &dyn Progress| {
            let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
            let chat = match &mut *opened {
                Some(chat) => chat,
                none => none.insert(Chat::open(&directory, &spec, progress).map_err(|error| error.to_string())?),
            };
            let mut answers: [String; 2] = Default::default();
            for (side, (speaker, name)) in SIDES.into_iter().enumerate() {
                progress.stage(&format!("{}: answering", name.to_lowercase()));
                let mut hear = |text: &str| {
                    text.clone_into(&mut heard.lock().unwrap_or_else(PoisonError::into_inner)[side]);
                };
                let said = chat.answer(speaker, &histories[side], &settings, &mut hear, progress);
                answers[side] = said.map_err(|error| error.to_string())?;
            }
            Ok(answers)
        }));
    }
}

fn spoken(ui: &mut Ui, role: Role, text: &str) {
    let who = if role == Role::User { "You" } else { "Model" };
    ui.label(theme::caption(who).weak());
    let text = if text.is_empty() { "(nothing)" } else { text };
    let text = if role == Role::User { theme::strong(text) } else { egui::RichText::new(text) };
    ui.label(text);
    ui.add_space(theme::STEP / 2.0);
}

fn table(histories: &[Vec<Message>; 2]) -> Table {
    let rows = histories[0].chunks(2).zip(histories[1].chunks(2)).filter_map(|(base, trained)| {
        Some(vec![base.first()?.content.clone(), base.get(1)?.content.clone(), trained.get(1)?.content.clone()])
    });
    let header = ["question", "before the training", "after the training"].map(str::to_owned).to_vec();
    Table { name: "conversation".to_owned(), header, rows: rows.collect() }
}
