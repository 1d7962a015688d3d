//! Rows of a form: who answers and who judges, and what stands behind each name.

use std::collections::BTreeMap;

use eframe::egui::{self, CollapsingHeader, ComboBox, DragValue, TextEdit, Ui};

use super::task::Task;
use super::voice::{Voice, VoiceKind};
use crate::models::llama;
use crate::providers::http::Endpoint;
use crate::providers::keyring;
use crate::providers::mock::MockPersona;
use crate::providers::probe::{Probe, probe};
use crate::providers::settings::{ProviderSettings, presets};
use crate::ui::command::{Command, EigenBenchPath, JudgingPath};
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::theme;

/// Where a row stands in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Entrant(usize),
    Judge(usize),
    Writer,
    /// One of a population whose members answer and judge.
    Participant(usize),
}

impl Place {
    fn kinds(self) -> &'static [(VoiceKind, &'static str, &'static str)] {
        const LOCAL: (VoiceKind, &str, &str) =
            (VoiceKind::Local, "This machine", "A Llama on this machine: shipped, in a folder, or of a hub.");
        const PROVIDER: (VoiceKind, &str, &str) =
            (VoiceKind::Provider, "Provider", "A model behind an address that speaks like OpenAI's chat completions.");
        const FILE: (VoiceKind, &str, &str) =
            (VoiceKind::File, "File", "Answers that were made elsewhere: JSON lines with question and answer.");
        const WORDS: (VoiceKind, &str, &str) =
            (VoiceKind::Words, "Word count", "No model: counts words. For trying the lab without a judge.");
        const MOCK: (VoiceKind, &str, &str) = (
            VoiceKind::Mock,
            "Mock",
            "No model: verdicts follow numbers that you set. For trying the lab without a key.",
        );
        match self {
            Self::Entrant(_) => &[LOCAL, PROVIDER, FILE],
            Self::Judge(_) => &[PROVIDER, LOCAL, WORDS],
            Self::Writer => &[PROVIDER, LOCAL],
            Self::Participant(_) => &[PROVIDER, LOCAL, MOCK],
        }
    }

    /// Says which row a field belongs to, for a screen reader.
    fn owner(self, voice: &Voice) -> String {
        match self {
            _ if !voice.name.trim().is_empty() => voice.name.trim().to_owned(),
            Self::Entrant(place) | Self::Participant(place) => format!("model {}", place + 1),
            Self::Judge(place) => format!("judge {}", place + 1),
            Self::Writer => "the writer".to_owned(),
        }
    }
}

type Probed = Result<Probe, String>;

/// A key on its way into the system's keyring, and what became of it. Never part of a draft.
#[derive(Default)]
struct KeyEntry {
    typed: String,
    asked: Option<Task<Result<String, String>>>,
}

/// Probes of providers that are under way or were made, and keys that are typed.
#[derive(Default)]
pub struct Probes {
    probed: BTreeMap<Place, (ProviderSettings, Task<Probed>)>,
    /// By environment variable.
    keys: BTreeMap<String, KeyEntry>,
}

impl Probes {
    fn begin(&mut self, context: &TabContext<'_>, place: Place, voice: &Voice) {
        let (settings, model) = (voice.provider.clone(), voice.model.trim().to_owned());
        let asked = settings.clone();
        let task = Task::begin(context, move |progress| {
            progress.stage("asking the provider");
            let endpoint = Endpoint::new(settings).map_err(|e| e.to_string())?;
            let model = (!model.is_empty()).then_some(model.as_str());
            probe(&endpoint, model, progress).map_err(|e| e.to_string())
        });
        self.probed.insert(place, (asked, task));
    }

    /// What is known of the provider of a row as it is now.
    fn of(&mut self, place: Place, voice: &Voice) -> Option<&mut Task<Probed>> {
        let (asked, task) = self.probed.get_mut(&place)?;
        (*asked == voice.provider).then_some(task)
    }
}

fn text_field(ui: &mut Ui, id: (Place, &str), name: &str, text: &mut String, hint: &str, why: &str) {
    let label = ui.label(theme::caption(name));
    let id = ("voice", format!("{id:?}"));
    let field = TextEdit::singleline(text).id_salt(id).hint_text(hint).desired_width(ui.available_width());
    ui.add(field).labelled_by(label.id).on_hover_text(why);
}

/// Draws the fields of a row.
pub fn fields(
    ui: &mut Ui,
    context: &TabContext<'_>,
    probes: &mut Probes,
    place: Place,
    voice: &mut Voice,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (kind, name, why) in place.kinds() {
            ui.selectable_value(&mut voice.kind, *kind, *name).on_hover_text(*why);
        }
    });
    if matches!(place, Place::Entrant(_)) && voice.kind != VoiceKind::File {
        let why = "Goes before every question: compares a model with itself under several instructions. Empty: the text that all share.";
        text_field(ui, (place, "instructions"), "Instructions (optional)", &mut voice.instructions, "none", why);
    }
    if matches!(place, Place::Participant(_)) {
        persona(ui, place, voice);
    }
    match voice.kind {
        VoiceKind::Mock => mock(ui, place, &mut voice.mock),
        VoiceKind::Local => local(ui, place, voice, commands),
        VoiceKind::Provider => provider(ui, context, probes, place, voice),
        VoiceKind::File => {
            text_field(
                ui,
                (place, "file"),
                "File of answers",
                &mut voice.file,
                "answers.jsonl",
                "JSON lines with question (its id or text) and answer.",
            );
            let choose = ui.button("Choose…");
            choose.widget_info(|| named_button(&format!("Choose the answers of {}", place.owner(voice))));
            if choose.clicked()
                && let Place::Entrant(row) = place
            {
                commands.push(Command::ChooseForJudging(JudgingPath::Answers(row)));
            }
        }
        VoiceKind::Words => {
            let why = "Each occurrence counts one for the answer. Single words between blanks or commas.";
            text_field(ui, (place, "wanted"), "Words wanted", &mut voice.wanted, "wait, ask, both", why);
            let why = "Each occurrence counts one against the answer.";
            text_field(ui, (place, "unwanted"), "Words not wanted", &mut voice.unwanted, "now, never", why);
        }
    }
}

/// The numbers of a mock persona.
fn mock(ui: &mut Ui, place: Place, persona: &mut MockPersona) {
    let MockPersona { disposition: [x, y], lens: [u, v], ties, first } = persona;
    let pair = |ui: &mut Ui, name: &str, values: [&mut f64; 2], why: &str| {
        ui.horizontal(|ui| {
            let label = ui.label(theme::caption(name));
            for value in values {
                ui.add(DragValue::new(value).range(-10.0..=10.0).speed(0.02).max_decimals(2))
                    .labelled_by(label.id)
                    .on_hover_text(why);
            }
        });
    };
    ui.push_id(("voice mock", format!("{place:?}")), |ui| {
        pair(ui, "Disposition", [x, y], "What its responses are like (v).");
        pair(ui, "Lens", [u, v], "What it looks for as a judge (u): it sees a response at lens times disposition.");
        ui.horizontal(|ui| {
            let label = ui.label(theme::caption("Ties"));
            ui.add(DragValue::new(ties).range(0.0..=20.0).speed(0.02).max_decimals(2))
                .labelled_by(label.id)
                .on_hover_text("Propensity to ties (lambda).");
            let label = ui.label(theme::caption("Bias to the first"));
            ui.add(DragValue::new(first).range(-5.0..=5.0).speed(0.02).max_decimals(2))
                .labelled_by(label.id)
                .on_hover_text("Added to the score of whichever response comes first.");
        });
    });
}

fn persona(ui: &mut Ui, place: Place, voice: &mut Voice) {
    let why = "Goes before whatever it is asked, as one who answers and as a judge. The same model under several personas is \
               several models of the population.";
    let label = ui.label(theme::caption("Persona (optional)"));
    let field = TextEdit::multiline(&mut voice.instructions).id_salt(("voice persona", format!("{place:?}")));
    let field = field.hint_text("none").desired_rows(2).desired_width(ui.available_width());
    ui.add(field).labelled_by(label.id).on_hover_text(why);
}

fn named_button(name: &str) -> egui::WidgetInfo {
    egui::WidgetInfo::labeled(egui::Role::Button, true, name)
}

fn local(ui: &mut Ui, place: Place, voice: &mut Voice, commands: &mut Vec<Command>) {
    let why = "A shipped name, a folder (./name is inside the project), or owner/name of a hub.";
    text_field(ui, (place, "local"), "Model", &mut voice.local, "ekklesia, ./model or owner/name", why);
    if voice.local.trim().is_empty() {
        ui.horizontal_wrapped(|ui| {
            for (name, description) in llama::shipped_llamas() {
                let button = ui.button(format!("Use {name}")).on_hover_text(description);
                button.widget_info(|| named_button(&format!("Use {name} for {}", place.owner(voice))));
                if button.clicked() {
                    name.clone_into(&mut voice.local);
                }
            }
        });
    }
    let why = "A PEFT adapter that a training left; empty: the model as it is.";
    text_field(ui, (place, "adapter"), "Adapter folder (optional)", &mut voice.adapter, "training/soft-0", why);
    let asked = match place {
        Place::Entrant(row) => Some(Command::ChooseForJudging(JudgingPath::Adapter(row))),
        Place::Participant(row) => Some(Command::ChooseForEigenBench(EigenBenchPath::Adapter(row))),
        Place::Judge(_) | Place::Writer => None,
    };
    if let Some(asked) = asked {
        let choose = ui.button("Choose adapter…");
        choose.widget_info(|| named_button(&format!("Choose the adapter of {}", place.owner(voice))));
        if choose.clicked() {
            commands.push(asked);
        }
    }
}

fn provider(ui: &mut Ui, context: &TabContext<'_>, probes: &mut Probes, place: Place, voice: &mut Voice) {
    let presets = presets();
    let label = ui.label(theme::caption("Provider"));
    ComboBox::from_id_salt(("voice provider", format!("{place:?}")))
        .width(ui.available_width())
        .selected_text(voice.provider.name.clone())
        .show_ui(ui, |ui| {
            for preset in &presets {
                let chosen = voice.provider.name == preset.name;
                if ui.selectable_label(chosen, &preset.name).on_hover_text(&preset.base_url).clicked() {
                    voice.provider = preset.clone();
                }
            }
            let other = !presets.iter().any(|preset| preset.name == voice.provider.name);
            if ui.selectable_label(other, "Another address").clicked() && !other {
                voice.provider = ProviderSettings { name: "Other".into(), ..voice.provider.clone() };
            }
        })
        .response
        .labelled_by(label.id);
    text_field(
        ui,
        (place, "address"),
        "Base address",
        &mut voice.provider.base_url,
        "https://openrouter.ai/api/v1",
        "Without /chat/completions.",
    );
    let mut variable = voice.provider.key_variable.clone().unwrap_or_default();
    text_field(
        ui,
        (place, "key"),
        "Variable with the key",
        &mut variable,
        "none",
        "Name of an environment variable. The key itself is read from there, or from the system's keyring under this name, \
         and is never stored in a project; empty: no key is sent.",
    );
    voice.provider.key_variable = (!variable.trim().is_empty()).then(|| variable.trim().to_owned());
    if let Some(variable) = voice.provider.key_variable.clone().filter(|_| voice.provider.check().is_ok()) {
        kept_key(ui, context, &variable, probes.keys.entry(variable.clone()).or_default(), place);
    }
    text_field(ui, (place, "model"), "Model", &mut voice.model, "as the provider names it", "The name in requests.");
    let wrong = voice.provider.check().err();
    if let Some(problem) = &wrong {
        ui.label(theme::caption(format::sentence(&problem.to_string())).color(theme::palette(ui).bad));
    }
    let ask = ui.add_enabled(wrong.is_none(), egui::Button::new("Probe"));
    ask.widget_info(|| named_button(&format!("Probe the provider of {}", place.owner(voice))));
    if ask.on_hover_text("Asks for the list of models, and one of them for one token.").clicked() {
        probes.begin(context, place, voice);
    }
    let mut chosen = None;
    if let Some(task) = probes.of(place, voice) {
        match task.result() {
            Some(found) => chosen = told(ui, place, found),
            None => {
                task.show(ui, "Stop probing");
            }
        }
    }
    if let Some(model) = chosen {
        voice.model = model;
    }
}

/// A field through which a key goes into the system's keyring.
fn kept_key(ui: &mut Ui, context: &TabContext<'_>, variable: &str, entry: &mut KeyEntry, place: Place) {
    CollapsingHeader::new(theme::caption("Keep the key in the system's keyring"))
        .id_salt(("voice keyring", format!("{place:?}")))
        .show(ui, |ui| {
            let label = ui.label(theme::caption(format!("Key, kept as {variable}")));
            let field = TextEdit::singleline(&mut entry.typed).id_salt(("voice typed key", format!("{place:?}")));
            ui.add(field.password(true).desired_width(ui.available_width())).labelled_by(label.id);
            ui.horizontal(|ui| {
                let ready = !entry.typed.trim().is_empty();
                if ui.add_enabled(ready, egui::Button::new("Keep the key")).clicked() {
                    let (variable, key) = (variable.to_owned(), std::mem::take(&mut entry.typed));
                    entry.asked = Some(Task::begin(context, move |_| {
                        let kept = keyring::keep(&variable, &key);
                        kept.map(|()| format!("Kept as {variable}.")).map_err(|error| error.to_string())
                    }));
                }
                if ui.button("Forget the key").clicked() {
                    let variable = variable.to_owned();
                    entry.asked = Some(Task::begin(context, move |_| {
                        let there = keyring::forget(&variable).map_err(|error| error.to_string())?;
                        let told = if there { "is forgotten" } else { "was not in the keyring" };
                        Ok(format!("{variable} {told}."))
                    }));
                }
            });
            match entry.asked.as_mut().map(Task::result) {
                Some(Some(Ok(told))) => ui.label(theme::caption(told.as_str())),
                Some(Some(Err(why))) => ui.label(theme::caption(format::sentence(why)).color(theme::palette(ui).bad)),
                Some(None) => ui.spinner(),
                None => return,
            };
        });
}

/// What a probe found; a model that was picked from its list.
fn told(ui: &mut Ui, place: Place, found: &Probed) -> Option<String> {
    let mut chosen = None;
    match found {
        Err(problem) => {
            ui.label(theme::caption(format::sentence(problem)).color(theme::palette(ui).bad));
        }
        Ok(found) => {
            if found.answered {
                let model = found.asked.as_deref().unwrap_or("A model");
                ui.label(theme::caption(format!("{model} answered in {:.1} s.", found.seconds)));
            }
            for problem in &found.problems {
                ui.label(theme::caption(format::sentence(problem)).color(theme::palette(ui).warning));
            }
            if !found.models.is_empty() {
                let label = ui.label(theme::caption(format!("{} models on offer", found.models.len())));
                ComboBox::from_id_salt(("voice probed", format!("{place:?}")))
                    .width(ui.available_width())
                    .truncate()
                    .selected_text("Take one of them")
                    .show_ui(ui, |ui| {
                        for model in &found.models {
                            if ui.selectable_label(false, model).clicked() {
                                chosen = Some(model.clone());
                            }
                        }
                    })
                    .response
                    .labelled_by(label.id);
            }
        }
    }
    chosen
}

/// Rows with their names, ways to add and remove them; `open` is the row whose fields are shown.
pub fn rows(
    ui: &mut Ui,
    context: &TabContext<'_>,
    probes: &mut Probes,
    open: &mut Option<usize>,
    voices: &mut Vec<Voice>,
    place: fn(usize) -> Place,
    commands: &mut Vec<Command>,
) {
    let mut gone = None;
    for (row, voice) in voices.iter_mut().enumerate() {
        let owner = place(row).owner(voice);
        ui.horizontal(|ui| {
            let id = ("voice name", format!("{:?}", place(row)));
            let width = (ui.available_width() - 128.0).max(80.0);
            let field = TextEdit::singleline(&mut voice.name).id_salt(id).hint_text("name").desired_width(width);
            let field = ui.add(field).on_hover_text("As it is called in tables.");
            let name = format!("Name of {owner}");
            field.ctx.accesskit_node_builder(field.id, |node| node.set_label(name.as_str()));
            let shown = *open == Some(row);
            let toggle = ui.small_button(if shown { "Close" } else { "Edit" });
            toggle.widget_info(|| named_button(&format!("{} {owner}", if shown { "Close" } else { "Edit" })));
            if toggle.clicked() {
                *open = if shown { None } else { Some(row) };
            }
            let remove = ui.small_button("×").on_hover_text("Takes it out of the form.");
            remove.widget_info(|| named_button(&format!("Remove {owner}")));
            if remove.clicked() {
                gone = Some(row);
            }
        });
        if *open == Some(row) {
            ui.indent(("voice row", format!("{:?}", place(row))), |ui| {
                fields(ui, context, probes, place(row), voice, commands);
            });
        } else {
            ui.label(theme::caption(summary(voice)).weak());
        }
    }
    if let Some(row) = gone {
        voices.remove(row);
        *open = None;
    }
}

/// What stands behind a name, in a line.
pub fn summary(voice: &Voice) -> String {
    let or = |text: &str, none: &str| if text.trim().is_empty() { none.to_owned() } else { text.trim().to_owned() };
    match voice.kind {
        VoiceKind::Local if voice.adapter.trim().is_empty() => or(&voice.local, "no model yet"),
        VoiceKind::Local => format!("{} with {}", or(&voice.local, "no model yet"), voice.adapter.trim()),
        VoiceKind::Provider => format!("{} at {}", or(&voice.model, "no model yet"), voice.provider.name),
        VoiceKind::File => format!("answers in {}", or(&voice.file, "no file yet")),
        VoiceKind::Words => "counts words".to_owned(),
        VoiceKind::Mock => {
            let MockPersona { disposition: [x, y], lens: [u, v], .. } = voice.mock;
            format!("mock, disposition {x} {y}, lens {u} {v}")
        }
    }
}
