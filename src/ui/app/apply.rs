//! Carrying out commands: the only place that changes the workbench.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui;

use super::events::Message;
use super::files;
use super::project_thread::{Opening, ProjectThread, Request};
use super::{ProjectState, Workbench, home_of, unfinished};
use crate::jobs::spec::RunSpec;
use crate::store::{Project, RunId};
use crate::ui::command::{Command, EigenBenchPath, JudgingPath, NewRun, TabKind, TrainingPath};
use crate::ui::command_palette::Palette;
use crate::ui::dialogs::{Dialog, Export, Outcome, PathDialog, Purpose, Then};
use crate::ui::log_panel::Level;
use crate::ui::new_run::NewRunForm;
use crate::ui::recent;
use crate::ui::settings::ZOOM;
use crate::ui::table_text::table_text;
use crate::ui::tabs::certify::CertifyTab;
use crate::ui::tabs::eigenbench::EigenBenchTab;
use crate::ui::tabs::judging::JudgingTab;
use crate::ui::tabs::mixing::MixingTab;
use crate::ui::tabs::panel::PanelTab;
use crate::ui::tabs::provenance::ProvenanceView;
use crate::ui::tabs::runs::RunsTab;
use crate::ui::tabs::training::TrainingTab;
use crate::ui::tabs::trajectories::TrajectoriesTab;

const ZOOM_STEP: f32 = 0.1;

impl Workbench {
    /// Carries out one command.
    pub fn apply(&mut self, ctx: &egui::Context, command: Command) {
        match command {
            Command::NewProject => self.ask_path(Purpose::NewProject),
            Command::ChooseProject => self.ask_path(Purpose::OpenProject),
            Command::DuplicateProject => self.ask_path(Purpose::DuplicateProject),
            Command::CopySample(from) => self.ask_path(Purpose::CopySample(from)),
            Command::ImportSentences => self.ask_path(Purpose::ImportSentences),
            Command::ChooseCertificate => self.ask_path(Purpose::Certificate),
            Command::ChoosePeople => self.ask_path(Purpose::People),
            Command::ChooseAudit => self.ask_path(Purpose::Audit),
            Command::ChooseQuotas => self.ask_path(Purpose::Quotas),
            Command::ChooseSeated => self.ask_path(Purpose::Seated),
            Command::ChooseForTraining(path) => self.ask_path(Purpose::Training(path)),
            Command::ChooseForJudging(path) => self.ask_path(Purpose::Judging(path)),
            Command::ChooseForEigenBench(path) => self.ask_path(Purpose::EigenBench(path)),
            Command::KeepVerdict(run, verdict) => self.request(Request::KeepVerdict(run, verdict)),
            Command::KeepComparison(run, row) => self.request(Request::KeepComparisons(run, Arc::new(vec![*row]))),
            Command::KeepComparisons(run, rows) => self.request(Request::KeepComparisons(run, rows)),
            Command::TakeBackComparison(run, row) => self.request(Request::TakeBackComparison(run, row)),
            Command::TakeBackVerdict(run, verdict) => self.request(Request::TakeBackVerdict(run, verdict)),
            Command::StorePool(pool) => self.request(Request::PutPool(pool)),
            Command::ForgetPeople => {
                self.request(Request::ForgetPools);
                self.panel.people_forgotten();
                self.draft_edited(TabKind::Panel);
            }
            Command::FullScreen(full) => ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(full)),
            Command::ExportFigure(figure, format) => self.ask_path(Purpose::Export(Export::Figure(figure, format))),
            Command::ExportTable(table) => self.ask_path(Purpose::Export(Export::Table(table))),
            Command::ExportLate(table) => self.ask_path(Purpose::Export(Export::Late(table))),
            Command::ExportLateText(text) => self.ask_path(Purpose::Export(Export::LateText(text))),
            Command::ExportText { name, text } => self.ask_path(Purpose::Export(Export::Text { name, text })),
            Command::OpenProject(directory) => self.stop_then(ctx, Then::Open(directory)),
            Command::CloseProject => self.stop_then(ctx, Then::CloseProject),
            Command::Quit => self.stop_then(ctx, Then::Quit),
            Command::RevealProject => self.reveal(),
            Command::ForgetRecent(directory) => {
                self.settings.recent.retain(|project| project.directory != directory);
                self.problem = self.problem.take().filter(|problem| problem.directory != directory);
                self.scan_home();
            }
            Command::DismissProblem => self.problem = None,
            Command::ShowTab(tab) => self.tab = tab,
            Command::StartRun(spec) => self.request(Request::Start(spec)),
            Command::PauseRun(run) => self.request(Request::Pause(run)),
            Command::ResumeRun(run) => self.request(Request::Resume(run)),
            Command::CancelRun(run) => self.request(Request::Cancel(run)),
            Command::ArchiveRun(run, archived) => self.request(Request::Archive(run, archived)),
            Command::RunAgain(run) => {
                if let Some(spec) = self.spec(run) {
                    self.request(Request::Start(Box::new(spec)));
                }
            }
            Command::DuplicateAsForm(run) => self.duplicate_as_form(run),
            Command::ShowProvenance(run) => {
                if self.provenance.iter().all(|view| view.run() != run) {
                    self.provenance.push(ProvenanceView::new(run));
                }
            }
            Command::ShowRun(run) => self.show_run(run),
            Command::DraftEdited(tab) => self.draft_edited(tab),
            Command::CopyTable(table, format) => {
                ctx.copy_text(table_text(&table, format));
                self.tell(Level::Success, format!("Copied the table {}", table.name));
            }
            Command::CopyText(text) => {
                ctx.copy_text(text);
                self.tell(Level::Success, "Copied");
            }
            Command::Undo => self.undo_draft(),
            Command::Redo => self.redo_draft(),
            Command::ZoomIn => self.zoom(ctx, self.settings.zoom + ZOOM_STEP),
            Command::ZoomOut => self.zoom(ctx, self.settings.zoom - ZOOM_STEP),
            Command::ZoomReset => self.zoom(ctx, 1.0),
            Command::SetTheme(theme) => {
                self.settings.theme = theme;
                self.show_theme(ctx);
            }
            Command::ShowPalette => self.palette = Some(Palette::default()),
            Command::ShowSettings => self.dialog = Some(Dialog::Settings),
            Command::ShowShortcuts => self.dialog = Some(Dialog::Shortcuts),
            Command::ShowAbout => self.dialog = Some(Dialog::About),
            Command::ShowLog => self.settings.log_open = !self.settings.log_open,
            Command::NewRun(kind) => {
                self.new_run = Some(match kind {
                    NewRun::TrainMlm => NewRunForm::train(),
                    NewRun::Fetch => NewRunForm::fetch(),
                });
            }
        }
    }

    /// Hands a request to the project's thread; without a project there is nothing to ask.
    pub(super) fn request(&mut self, request: Request) {
        match &self.project {
            ProjectState::Open(_, thread) => thread.send(request),
            ProjectState::None | ProjectState::Opening(..) => self.tell(Level::Warning, "Open a project first."),
        }
    }

    fn spec(&self, run: RunId) -> Option<RunSpec> {
        self.open().and_then(|open| open.run(run)).map(|row| row.spec.clone())
    }

    fn duplicate_as_form(&mut self, run: RunId) {
        match self.spec(run) {
            Some(spec @ (RunSpec::Certify(_) | RunSpec::Survey(_))) => {
                self.replace_draft(TabKind::Certify, |workbench| workbench.certify.set_spec(&spec));
            }
            Some(spec @ (RunSpec::Mix(_) | RunSpec::Exact(_) | RunSpec::Escape(_) | RunSpec::Phase(_))) => {
                self.replace_draft(TabKind::Mixing, |workbench| workbench.mixing.set_spec(&spec));
            }
            Some(spec @ RunSpec::Trajectories(_)) => {
                self.replace_draft(TabKind::Trajectories, |workbench| workbench.trajectories.set_spec(&spec));
            }
            Some(RunSpec::TrainMlm(spec)) => self.new_run = Some(NewRunForm::from_train(&spec)),
            Some(RunSpec::Fetch(spec)) => self.new_run = Some(NewRunForm::from_fetch(&spec)),
            Some(RunSpec::Verify(_)) => self.ask_path(Purpose::Certificate),
            Some(RunSpec::VerifyPanel(_)) => self.ask_path(Purpose::Audit),
            Some(RunSpec::Lottery(spec)) => {
                self.replace_draft(TabKind::Panel, |workbench| workbench.panel.set_spec(&spec));
            }
            Some(spec @ RunSpec::Train(_)) => {
                self.replace_draft(TabKind::Training, |workbench| workbench.training.set_spec(&spec));
            }
            Some(RunSpec::ImportVerdicts(_)) => self.ask_path(Purpose::Judging(JudgingPath::Verdicts)),
            Some(spec @ (RunSpec::Judge(_) | RunSpec::Questions(_))) => {
                self.replace_draft(TabKind::Judging, |workbench| workbench.judging.set_spec(&spec));
            }
            Some(RunSpec::ImportComparisons(_)) => self.ask_path(Purpose::EigenBench(EigenBenchPath::Judgements)),
            Some(RunSpec::ImportTrl(_)) => self.ask_path(Purpose::Training(TrainingPath::TrlJob)),
            Some(RunSpec::Collect(spec)) => {
                self.replace_draft(TabKind::EigenBench, |workbench| workbench.eigenbench.set_spec(&spec));
            }
            None => {}
        }
    }

    fn show_run(&mut self, run: RunId) {
        let Some(spec) = self.spec(run) else { return };
        let tab = home_of(spec.kind());
        match tab {
            TabKind::Certify => self.certify.show_run(run),
            TabKind::Mixing => self.mixing.show_run(run),
            TabKind::Trajectories => self.trajectories.show_run(run),
            TabKind::Panel if matches!(spec, RunSpec::VerifyPanel(_)) => self.panel.show_audit(run),
            TabKind::Panel => self.panel.show_run(run),
            TabKind::Training => self.training.show_run(run),
            TabKind::Judging => self.judging.show_run(run),
            TabKind::EigenBench => self.eigenbench.show_run(run),
            TabKind::Home | TabKind::Runs => self.runs.select(run),
        }
        self.tab = tab;
    }

    fn zoom(&mut self, ctx: &egui::Context, zoom: f32) {
        // Whole steps, so that in and out meet again.
        self.settings.zoom = ((zoom / ZOOM_STEP).round() * ZOOM_STEP).clamp(ZOOM.0, ZOOM.1);
        ctx.set_zoom_factor(self.settings.zoom);
    }

    /// Asks first if work is under way, else goes on at once.
    fn stop_then(&mut self, ctx: &egui::Context, then: Then) {
        let runs = self.open().map_or(0, unfinished);
        if runs > 0 {
            self.dialog = Some(Dialog::StopWork { then, runs });
        } else {
            self.go_on(ctx, then);
        }
    }

    fn go_on(&mut self, ctx: &egui::Context, then: Then) {
        match then {
            Then::Quit => {
                self.quitting = true;
                self.leave_project();
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            Then::CloseProject => {
                self.leave_project();
                self.tab = TabKind::Home;
                self.scan_home();
            }
            Then::Create { directory, name } => self.begin_opening(Opening::New { directory, name }),
            Then::Open(directory) => self.begin_opening(Opening::Existing(directory)),
        }
    }

    /// Saves the draft, lets go of the project (its thread finishes by itself) and clears what belonged to it.
    pub(super) fn leave_project(&mut self) {
        if self.project_open() {
            self.save_drafts();
        }
        match std::mem::replace(&mut self.project, ProjectState::None) {
            ProjectState::None => {}
            ProjectState::Opening(_, thread) | ProjectState::Open(_, thread) => self.leaving = thread.close(),
        }
        self.generation += 1;
        self.unsaved = 0;
        self.certify = CertifyTab::default();
        self.mixing = MixingTab::default();
        self.trajectories = TrajectoriesTab::default();
        self.panel = PanelTab::default();
        self.training = TrainingTab::default();
        self.judging = JudgingTab::default();
        self.eigenbench = EigenBenchTab::default();
        self.runs = RunsTab::default();
        self.provenance.clear();
        self.new_run = None;
        self.undo = crate::ui::undo::UndoHistory::default();
        self.settle_drafts();
    }

    pub(super) fn begin_opening(&mut self, opening: Opening) {
        self.before = self.open().map(|open| open.directory.clone());
        self.leave_project();
        self.problem = None;
        let directory = opening.directory().to_path_buf();
        let generation = self.generation;
        let (sender, wake) = (self.sender.clone(), self.wake.clone());
        let reply = move |reply| {
            // Without a receiver the window is gone and nobody needs the answer.
            if sender.send(Message::Project(generation, reply)).is_ok() {
                wake();
            }
        };
        let thread = ProjectThread::open(opening, self.library.clone(), self.leaving.take(), reply);
        self.project = ProjectState::Opening(directory, thread);
        self.tab = TabKind::Home;
    }

    fn reveal(&mut self) {
        if let Some(directory) = self.open().map(|open| open.directory.clone()) {
            self.background(move || match opener::open(&directory) {
                Ok(()) => Message::Revealed,
                Err(error) => {
                    Message::Failed(format!("No file manager opened the folder: {error}. {}", directory.display()))
                }
            });
        }
    }

    /// Opens the dialog that asks for a path, with a sensible one filled in.
    fn ask_path(&mut self, purpose: Purpose) {
        let home = || directories::UserDirs::new().map(|dirs| dirs.home_dir().to_path_buf());
        let projects = self.settings.project_folder.clone().or_else(home).unwrap_or_default();
        let folder = self.open().map(|open| open.directory.clone());
        let path = match &purpose {
            Purpose::NewProject => projects.join("my-project"),
            Purpose::OpenProject => projects,
            Purpose::DuplicateProject | Purpose::CopySample(_) => {
                let from = match &purpose {
                    Purpose::CopySample(from) => Some(from.clone()),
                    _ => folder,
                };
                let name = from.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
                projects.join(format!("{name}-copy"))
            }
            Purpose::Training(TrainingPath::TrlExport) => folder.unwrap_or(projects).join("exports/trl-job"),
            Purpose::ImportSentences
            | Purpose::Certificate
            | Purpose::Audit
            | Purpose::Quotas
            | Purpose::Seated
            | Purpose::People
            | Purpose::Training(_)
            | Purpose::Judging(_)
            | Purpose::EigenBench(_) => folder.unwrap_or(projects),
            Purpose::Export(export) => {
                let exports = folder.map(|folder| folder.join("exports"));
                let folder = self.settings.export_folder.clone().or(exports).or_else(home).unwrap_or_default();
                folder.join(export.file_name())
            }
        };
        self.dialogs_asked += 1;
        self.dialog = Some(Dialog::Path(PathDialog::new(self.dialogs_asked, purpose, &path)));
    }

    /// Does what the open dialog was answered.
    pub(super) fn dialog_answered(&mut self, ctx: &egui::Context, outcome: Outcome) {
        let Some(dialog) = self.dialog.take() else { return };
        match (outcome, dialog) {
            (Outcome::Open, dialog) => self.dialog = Some(dialog),
            (Outcome::Browse, Dialog::Path(mut dialog)) => {
                dialog.browsing = true;
                let (id, purpose, at) = (dialog.id, dialog.purpose.clone(), PathBuf::from(&dialog.path));
                self.dialog = Some(Dialog::Path(dialog));
                self.background(move || {
                    let asked = Instant::now();
                    let path = files::choose(&purpose, &at);
                    Message::Chosen { id, path, quick: asked.elapsed() < Duration::from_millis(150) }
                });
            }
            (Outcome::Path(path, name), Dialog::Path(dialog)) => self.path_given(ctx, dialog.purpose, path, name),
            (Outcome::Replace, Dialog::Replace { export, path }) => self.export(export, path, true),
            (Outcome::Stop, Dialog::StopWork { then, .. }) => self.go_on(ctx, then),
            _ => {}
        }
    }

    fn path_given(&mut self, ctx: &egui::Context, purpose: Purpose, path: PathBuf, name: Option<String>) {
        match purpose {
            Purpose::NewProject => {
                let name = name.unwrap_or_default();
                self.settings.project_folder = path.parent().map(Path::to_path_buf);
                self.stop_then(ctx, Then::Create { directory: path, name });
            }
            Purpose::OpenProject => self.apply(ctx, Command::OpenProject(path)),
            Purpose::DuplicateProject => self.duplicate_project(path),
            Purpose::CopySample(from) => self.background(move || {
                let copied = recent::copy_sample(&from, &path);
                Message::SampleCopied(match copied {
                    Ok(()) => Ok(path),
                    Err(error) => Err(format!("The sample was not copied: {error}. {}", path.display())),
                })
            }),
            Purpose::ImportSentences => self.background(move || Message::Sentences(files::read_sentences(&path))),
            Purpose::Certificate | Purpose::Audit => {
                self.background(move || Message::Verifiable(files::read_verifiable(&path).map(Box::new)));
            }
            Purpose::Quotas => {
                self.panel.read_quotas(path);
                self.tab = TabKind::Panel;
            }
            Purpose::Seated => {
                self.panel.read_seated(path);
                self.tab = TabKind::Panel;
            }
            Purpose::People => {
                self.panel.preview(path);
                self.tab = TabKind::Panel;
            }
            Purpose::Training(wanted) => {
                self.tab = TabKind::Training;
                self.training.take_path(wanted, path);
            }
            Purpose::Judging(wanted) => {
                self.tab = TabKind::Judging;
                self.judging.take_path(wanted, path);
            }
            Purpose::EigenBench(wanted) => {
                self.tab = TabKind::EigenBench;
                self.eigenbench.take_path(wanted, path);
            }
            Purpose::Export(export) => {
                self.settings.export_folder = path.parent().map(Path::to_path_buf);
                self.export(export, path, false);
            }
        }
    }

    fn duplicate_project(&mut self, to: PathBuf) {
        let Some(from) = self.open().map(|open| open.directory.clone()) else { return };
        self.background(move || {
            let copied = Project::open_reader(&from).and_then(|project| project.duplicate(&to));
            Message::Duplicated(copied.map(|()| to).map_err(|error| error.to_string()))
        });
    }

    fn export(&mut self, export: Export, path: PathBuf, replace: bool) {
        self.background(move || {
            let result = files::write_export(&export, &path, replace);
            Message::Written { export, path, result }
        });
    }
}
