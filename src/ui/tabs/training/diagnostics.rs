//! Diagnostics of trainings: whether schemes pull in the same direction, how far runs moved their models, what transforms do
//! to Soft's weights. Each is computed on a background thread when it is asked for.

use std::sync::Arc;

use eframe::egui::{DragValue, Ui};

use super::diagnostics_figures::{Shown, gradients, transforms, updates};
use super::form::Ready;
use super::words;
use crate::dempo::soft_weights::{USUAL, soft_weights};
use crate::formats::preferences::PreferenceFile;
use crate::jobs::spec::RunSpec;
use crate::jobs::train::gradients::{At, GradientSpec, gradients as gradients_of};
use crate::jobs::train::update::Moved;
use crate::jobs::train::{RaterScheme, TrainSpec};
use crate::progress::Progress;
use crate::store::{RunId, RunRow, RunState};
use crate::ui::command::Command;
use crate::ui::context::TabContext;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::tabs::shared::task::Task;
use crate::ui::widgets::{VerdictKind, card, data_table, disabled_button, empty_state, figure_view, what_is};
use crate::ui::{format, help, theme};

/// Raters in a sample unless another number is typed.
const SAMPLE: usize = 24;
/// From this width on two figures stand side by side.
const SIDE_BY_SIDE: f32 = 640.0;
const HEIGHT: f32 = 240.0;

/// One diagnosis: not asked for, under way, there.
#[derive(Default)]
struct Diagnosis {
    task: Option<Task<Result<Arc<Shown>, String>>>,
    found: Option<Result<Arc<Shown>, String>>,
}

impl Diagnosis {
    fn begin(
        &mut self,
        context: &TabContext<'_>,
        work: impl FnOnce(&dyn Progress) -> Result<Shown, String> + Send + 'static,
    ) {
        self.found = None;
        self.task = Some(Task::begin(context, move |progress: &dyn Progress| work(progress).map(Arc::new)));
    }

    /// Draws how far it is, or a button named `button` that asks for it, then what was found; true when it is asked for.
    fn show(&mut self, ui: &mut Ui, id: &str, button: Result<&str, &str>, commands: &mut Vec<Command>) -> bool {
        if let Some(found) = self.task.as_mut().and_then(Task::result).cloned() {
            (self.task, self.found) = (None, Some(found));
        }
        if let Some(task) = &self.task {
            if task.show(ui, "Cancel") {
                self.task = None;
            }
            return false;
        }
        let asked = match button {
            Ok(name) => ui.button(name).clicked(),
            Err(why) => {
                ui.label(theme::caption(why).weak());
                drop(disabled_button(ui, "Compute", why));
                false
            }
        };
        match &self.found {
            None => {}
            Some(Err(problem)) => {
                say(ui, VerdictKind::Failed, "This could not be computed.");
                ui.label(theme::caption(format::sentence(problem)));
            }
            Some(Ok(shown)) => draw(ui, id, shown, commands),
        }
        asked
    }
}

fn draw(ui: &mut Ui, id: &str, shown: &Shown, commands: &mut Vec<Command>) {
    say(ui, VerdictKind::Shown, &shown.sentence);
    let columns = if ui.available_width() >= SIDE_BY_SIDE { shown.figures.len().clamp(1, 2) } else { 1 };
    for row in shown.figures.chunks(columns) {
        ui.columns(columns, |columns| {
            for (ui, figure) in columns.iter_mut().zip(row) {
                figure_view(ui, &format!("{id} {}", figure.title), figure, HEIGHT, &[], commands);
            }
        });
    }
    for table in &shown.tables {
        ui.add_space(theme::STEP / 2.0);
        data_table(ui, &format!("{id} {}", table.name), table, None, commands);
    }
}

/// The part between frames.
pub struct DiagnosticsState {
    run: Option<RunId>,
    /// Gradients after the training rather than at its start.
    after: bool,
    /// Of all raters rather than of a sample.
    all: bool,
    sample: usize,
    gradients: Diagnosis,
    updates: Diagnosis,
    transforms: Diagnosis,
}

impl Default for DiagnosticsState {
    fn default() -> Self {
        Self {
            run: None,
            after: false,
            all: false,
            sample: SAMPLE,
            gradients: Diagnosis::default(),
            updates: Diagnosis::default(),
            transforms: Diagnosis::default(),
        }
    }
}

impl DiagnosticsState {
    /// Draws the part for `run`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        ready: &Ready,
        run: &RunRow,
        commands: &mut Vec<Command>,
    ) {
        let RunSpec::Train(spec) = &run.spec else {
            let text = "Gradients and updates are measured for trainings by this program; `train update-size` measures the \
                        adapter of any other.";
            empty_state(ui, "No diagnostics", text, None);
            return;
        };
        if self.run != Some(run.id) {
            *self =
                Self { run: Some(run.id), after: self.after, all: self.all, sample: self.sample, ..Self::default() };
        }
        let schemes = schemes(spec, ready);
        card(ui, "Do the schemes pull in the same direction?", |ui| {
            self.gradient_card(ui, context, (spec, run.state), &schemes, commands);
        });
        card(ui, "How far did trainings move the weights?", |ui| self.update_card(ui, context, commands));
        card(ui, "Soft weights under transforms", |ui| self.transform_card(ui, context, spec, &schemes, commands));
    }

    fn gradient_card(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        (spec, state): (&TrainSpec, RunState),
        schemes: &[RaterScheme],
        commands: &mut Vec<Command>,
    ) {
        let names: Vec<&str> = schemes.iter().map(RaterScheme::name).collect();
        ui.horizontal_wrapped(|ui| {
            ui.label(theme::caption(format!("Compared: {}.", names.join(", "))))
                .on_hover_text("The run's own scheme and those that the form can make of the same preferences.");
            what_is(ui, help::GRADIENT_COSINE.name, help::GRADIENT_COSINE.text);
        });
        let ended = state == RunState::Done;
        self.after &= ended;
        ui.horizontal_wrapped(|ui| {
            ui.label("Weights");
            ui.selectable_value(&mut self.after, false, "At the start");
            if ended {
                ui.selectable_value(&mut self.after, true, "When trained");
            }
            ui.separator();
            ui.label("Raters");
            ui.selectable_value(&mut self.all, false, "A sample of")
                .on_hover_text("An estimate, with standard errors.");
            let field = DragValue::new(&mut self.sample).range(2..=1_000_000).speed(0.2);
            let field = ui.add_enabled(!self.all, field);
            field.on_hover_text("Draws of raters by their mean share in the schemes; all pairs of each are looked at.");
            ui.selectable_value(&mut self.all, true, "All").on_hover_text("Exact; as long as an epoch of training.");
        });
        if self.gradients.show(ui, "training gradients", Ok("Compare gradients"), commands) {
            let training = spec.inside(context.directory);
            let at = if self.after { At::Trained(training.out.clone()) } else { At::Start };
            let words = if self.after { "when trained" } else { "at the start" };
            let sample = (!self.all).then_some(self.sample);
            let wanted = GradientSpec { training, schemes: schemes.to_vec(), at, sample };
            self.gradients.begin(context, move |progress| {
                let found = gradients_of(&wanted, progress).map_err(|error| error.to_string())?;
                Ok(gradients(&found, words))
            });
        }
    }

    fn update_card(&mut self, ui: &mut Ui, context: &TabContext<'_>, commands: &mut Vec<Command>) {
        ui.horizontal_wrapped(|ui| {
            let text = "Every training of this project that is done, tensor by tensor.";
            ui.label(theme::caption(text));
            what_is(ui, help::UPDATE_SIZE.name, help::UPDATE_SIZE.text);
        });
        let done = context.runs.iter().filter(|run| run.state == RunState::Done);
        let moved: Vec<Moved> = done
            .filter_map(|run| match &run.spec {
                RunSpec::Train(spec) => Some(Moved::of_run(words::run_name(run), spec, context.directory)),
                _ => None,
            })
            .collect();
        let button = match moved.is_empty() {
            true => Err("No training of this project is done yet."),
            false => Ok("Measure updates"),
        };
        if self.updates.show(ui, "training updates", button, commands) {
            self.updates.begin(context, move |progress| {
                let mut found = Vec::with_capacity(moved.len());
                for one in moved.iter().rev() {
                    progress.stage(&format!("measuring {}", one.name));
                    let size = one.measure(progress).map_err(|error| error.to_string());
                    progress.checkpoint().map_err(|cancelled| cancelled.to_string())?;
                    found.push((one.name.clone(), size));
                }
                Ok(updates(&found))
            });
        }
    }

    fn transform_card(
        &mut self,
        ui: &mut Ui,
        context: &TabContext<'_>,
        spec: &TrainSpec,
        schemes: &[RaterScheme],
        commands: &mut Vec<Command>,
    ) {
        ui.horizontal_wrapped(|ui| {
            let text = "Everybody's weight against their chance. Any transform gives up the closed form.";
            ui.label(theme::caption(text));
            what_is(ui, help::SOFT_TRANSFORM.name, help::SOFT_TRANSFORM.text);
        });
        let chances = schemes.iter().find_map(|scheme| match scheme {
            RaterScheme::Soft { inclusion } => Some(inclusion),
            _ => None,
        });
        let button = match chances {
            None => Err("Choose a lottery in the form first: it says what everybody's chance is."),
            Some(_) => Ok("Compare transforms"),
        };
        if self.transforms.show(ui, "training transforms", button, commands)
            && let Some(inclusion) = chances
        {
            let (inclusion, preferences) = (inclusion.clone(), spec.inside(context.directory).preferences);
            self.transforms.begin(context, move |progress| {
                let file = PreferenceFile::open(&preferences, progress).map_err(|error| error.to_string())?;
                let chance = |id: &String| inclusion.get(id).copied().unwrap_or(0.0);
                let chances: Vec<f64> = file.raters().iter().map(chance).collect();
                let found =
                    soft_weights(&file.raters_of_pairs(), &chances, &USUAL).map_err(|error| error.to_string())?;
                Ok(transforms(&found))
            });
        }
    }
}

/// The run's own scheme, then every other that the form can make of the same preferences.
fn schemes(spec: &TrainSpec, ready: &Ready) -> Vec<RaterScheme> {
    let mut all = vec![spec.scheme.clone()];
    let others = ready.alike().iter().filter_map(|(_, made)| made.as_ref().ok());
    for other in others.filter(|other| other.preferences == spec.preferences) {
        if all.iter().all(|known| known.name() != other.scheme.name()) {
            all.push(other.scheme.clone());
        }
    }
    all
}
