//! Writing the form's training as a TRL job, on a background thread.

use std::path::PathBuf;

use eframe::egui::Ui;

use crate::jobs::train::{TrainSpec, trl};
use crate::ui::context::TabContext;
use crate::ui::format;
use crate::ui::tabs::shared::run_state::say;
use crate::ui::tabs::shared::task::Task;
use crate::ui::theme;
use crate::ui::widgets::VerdictKind;

/// An export under way, or what became of the last one.
#[derive(Default)]
pub struct TrlExport {
    /// Chosen since the last frame.
    wanted: Option<PathBuf>,
    task: Option<(PathBuf, Task<Result<u64, String>>)>,
    told: Option<Result<String, String>>,
}

impl TrlExport {
    /// Writes the job into `folder`, from the next frame on.
    pub fn take(&mut self, folder: PathBuf) {
        self.wanted = Some(folder);
    }

    /// Goes on, and tells what happens above the results.
    pub fn show(&mut self, ui: &mut Ui, context: &TabContext<'_>, spec: Result<&TrainSpec, String>) {
        if let Some(folder) = self.wanted.take() {
            match spec {
                Ok(spec) => {
                    let (spec, job) = (spec.inside(context.directory), folder.clone());
                    let task = Task::begin(context, move |progress| {
                        trl::export(&spec, &job, progress)
                            .map(|plan| plan.outlook.steps)
                            .map_err(|error| error.to_string())
                    });
                    (self.task, self.told) = (Some((folder, task)), None);
                }
                Err(why) => self.told = Some(Err(why)),
            }
        }
        let mut ended = false;
        if let Some((folder, task)) = &mut self.task {
            if let Some(done) = task.result() {
                let told = |steps: &u64| {
                    format!("A job of {steps} steps was written. Carry out train.py there ({})", folder.display())
                };
                self.told = Some(done.as_ref().map(told).map_err(Clone::clone));
                ended = true;
            } else {
                ended = task.show(ui, "Cancel export");
            }
        }
        if ended {
            self.task = None;
        }
        let mut seen = false;
        match &self.told {
            None => {}
            Some(Ok(text)) => {
                say(ui, VerdictKind::Good, "The TRL job is ready.");
                ui.label(theme::caption(text.as_str()));
                seen = ui.button("Close this note").clicked();
            }
            Some(Err(problem)) => {
                say(ui, VerdictKind::Failed, "No job was written.");
                ui.label(theme::caption(format::sentence(problem)));
                seen = ui.button("Close this note").clicked();
            }
        }
        if seen {
            self.told = None;
        }
    }
}
