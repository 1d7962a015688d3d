//! The workbench: everything the window is, apart from the window.
//!
//! [`Workbench`] is driven by eframe ([`open_window`]), by the tests' harness and by `shot`. Tabs draw and push
//! commands; [`Workbench::apply`] is the only place that changes anything. The UI thread never reads a file and never
//! asks the database: threads do, and send a [`Message`].

mod apply;
mod drafts;
mod events;
mod files;
mod layout;
mod project_thread;
mod window;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use eframe::egui;

pub use drafts::PANEL_DRAFT;
pub use window::{WindowError, open_window};

use super::command::{Command, FigureFormat, TabKind};
use super::command_palette::{self, Palette, Situation};
use super::context::{ModelChoice, RunProgress, TabContext};
use super::dialogs::Dialog;
use super::format;
use super::log_panel::{Level, Log};
use super::new_run::NewRunForm;
use super::recent::HomeScan;
use super::requested::Requested;
use super::settings::{Settings, ThemeChoice};
use super::tabs::certify::CertifyTab;
use super::tabs::eigenbench::EigenBenchTab;
use super::tabs::home::HomeTab;
use super::tabs::judging::JudgingTab;
use super::tabs::mixing::MixingTab;
use super::tabs::panel::PanelTab;
use super::tabs::provenance::ProvenanceView;
use super::tabs::runs::RunsTab;
use super::tabs::training::TrainingTab;
use super::tabs::trajectories::TrajectoriesTab;
use super::toasts::Toasts;
use super::undo::UndoHistory;
use crate::figures::figure::Figure;
use crate::figures::{csv, png, svg};
use crate::jobs::session::{Answer, Session};
use crate::models::Library;
use crate::store::{ProjectInfo, RunId, RunRow, RunState};
use drafts::Drafts;
use events::Message;
use project_thread::{Opened, ProjectThread, SentenceLists};

/// Called by worker threads when there is something new to show.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A project that is open, as the window sees it.
struct OpenProject {
    info: ProjectInfo,
    directory: PathBuf,
    /// All runs, archived ones too, newest first.
    all_runs: Vec<RunRow>,
    /// Those that are not archived.
    runs: Vec<RunRow>,
    progress: BTreeMap<RunId, RunProgress>,
    versions: BTreeMap<RunId, u64>,
    sentence_lists: SentenceLists,
    models: Vec<ModelChoice>,
    session: Session,
    answers: Vec<Answer>,
}

/// Whether a project is there.
enum ProjectState {
    None,
    /// Its thread is at work on it.
    Opening(PathBuf, ProjectThread),
    Open(Box<OpenProject>, ProjectThread),
}

/// Why a project would not open; stays on the start page until it is dismissed.
pub(super) struct Problem {
    pub directory: PathBuf,
    pub message: String,
}

/// The whole program behind the window.
pub struct Workbench {
    settings_dir: PathBuf,
    settings: Settings,
    saved_settings: Settings,
    library: Arc<Library>,
    wake: Wake,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    project: ProjectState,
    /// Counts projects, so that answers of an earlier one are told apart.
    generation: u64,
    /// The thread of the project before, until it has let go.
    leaving: Option<JoinHandle<()>>,
    /// The project that was open before the one being opened: it comes back if that one will not open.
    before: Option<PathBuf>,
    problem: Option<Problem>,
    tab: TabKind,
    home: HomeTab,
    certify: CertifyTab,
    mixing: MixingTab,
    trajectories: TrajectoriesTab,
    panel: PanelTab,
    training: TrainingTab,
    judging: JudgingTab,
    eigenbench: EigenBenchTab,
    runs: RunsTab,
    provenance: Vec<ProvenanceView>,
    new_run: Option<NewRunForm>,
    dialog: Option<Dialog>,
    dialogs_asked: u64,
    palette: Option<Palette>,
    undo: UndoHistory,
    drafts: Drafts,
    unsaved: usize,
    home_scan: Requested<HomeScan>,
    toasts: Toasts,
    log: Log,
    /// Background jobs of the window itself (exports, imports) that are under way.
    tasks: usize,
    quitting: bool,
    title: String,
}

impl Workbench {
    /// A workbench on the start page. `settings_dir` is read now (one small file) and written by threads.
    pub fn new(settings_dir: PathBuf, library: Arc<Library>, wake: Wake) -> Self {
        let (settings, problem) = Settings::load(&settings_dir);
        let (sender, messages) = channel();
        let mut log = Log::default();
        if let Some(problem) = problem {
            log.add(Level::Warning, problem);
        }
        let mut workbench = Self {
            settings_dir,
            saved_settings: settings.clone(),
            settings,
            library,
            wake,
            sender,
            messages,
            project: ProjectState::None,
            generation: 0,
            leaving: None,
            before: None,
            problem: None,
            tab: TabKind::Home,
            home: HomeTab::default(),
            certify: CertifyTab::default(),
            mixing: MixingTab::default(),
            trajectories: TrajectoriesTab::default(),
            panel: PanelTab::default(),
            training: TrainingTab::default(),
            judging: JudgingTab::default(),
            eigenbench: EigenBenchTab::default(),
            runs: RunsTab::default(),
            provenance: Vec::new(),
            new_run: None,
            dialog: None,
            dialogs_asked: 0,
            palette: None,
            undo: UndoHistory::default(),
            drafts: Drafts::default(),
            unsaved: 0,
            home_scan: Requested::default(),
            toasts: Toasts::default(),
            log,
            tasks: 0,
            quitting: false,
            title: String::new(),
        };
        workbench.settle_drafts();
        workbench.scan_home();
        workbench
    }

    /// Fonts, theme and zoom. To be called once, before the first frame: fonts take effect with the next one.
    pub fn prepare(&self, ctx: &egui::Context) {
        super::theme::install(ctx);
        // The zoom keys are commands like all others.
        ctx.options_mut(|options| {
            options.zoom_with_keyboard = false;
            // A desktop that does not say what it prefers gets the light theme.
            options.fallback_theme = egui::Theme::Light;
        });
        self.show_theme(ctx);
        if (self.settings.zoom - 1.0).abs() > 1e-3 {
            ctx.set_zoom_factor(self.settings.zoom);
        }
    }

    fn show_theme(&self, ctx: &egui::Context) {
        ctx.set_theme(match self.settings.theme {
            ThemeChoice::Light => egui::ThemePreference::Light,
            ThemeChoice::Dark => egui::ThemePreference::Dark,
            ThemeChoice::System => egui::ThemePreference::System,
        });
    }

    /// Everything that happens between frames: messages of threads, dropped files, closing, autosave.
    pub fn logic(&mut self, ctx: &egui::Context) {
        self.receive(ctx);
        self.take_dropped(ctx);
        if ctx.input(|input| input.viewport().close_requested()) && !self.quitting {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.apply(ctx, Command::Quit);
        }
        self.autosave(ctx);
        let title = match &self.project {
            ProjectState::Open(open, _) => format!("{} - Kleroterion", open.info.name),
            _ => "Kleroterion".to_owned(),
        };
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Draws the window into `ui`, then carries out what was asked for.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let mut commands = Vec::new();
        let entries = command_palette::entries(&self.situation());
        if self.dialog.is_none() && self.palette.is_none() && self.new_run.is_none() {
            commands.extend(command_palette::pressed(ui.ctx(), &entries));
        }
        self.layout(ui, &entries, &mut commands);
        self.overlays(ui.ctx(), &entries, &mut commands);
        for command in commands {
            self.apply(ui.ctx(), command);
        }
        if self.settings != self.saved_settings {
            self.save_settings();
        }
    }

    /// Opens a project, asking first if work is under way in the present one.
    pub fn open_project(&mut self, ctx: &egui::Context, directory: &Path) {
        self.apply(ctx, Command::OpenProject(directory.to_path_buf()));
    }

    /// Shows a tab.
    pub fn show_tab(&mut self, tab: TabKind) {
        self.tab = tab;
    }

    /// Sets the theme as the settings dialog does.
    pub fn set_theme(&mut self, ctx: &egui::Context, theme: ThemeChoice) {
        self.apply(ctx, Command::SetTheme(theme));
    }

    /// What kept a project from opening, if something did.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_ref().map(|problem| problem.message.as_str())
    }

    /// Whether a project is open.
    pub fn project_open(&self) -> bool {
        matches!(self.project, ProjectState::Open(..))
    }

    /// Whether a project is being opened and not yet there.
    pub fn is_opening(&self) -> bool {
        matches!(self.project, ProjectState::Opening(..))
    }

    /// Whether nothing is on its way: no project being opened, no run under way, no window job.
    pub fn settled(&self) -> bool {
        let project = match &self.project {
            ProjectState::None => true,
            ProjectState::Opening(..) => false,
            ProjectState::Open(open, _) => unfinished(open) == 0,
        };
        // The scan of the start page is not waited for: only that page takes its answer in.
        project && self.tasks == 0 && self.unsaved == 0
    }

    /// Stops work (it resumes when the project is next opened), saves the draft and lets go of the project. Blocks
    /// until that is done; for the end of the program.
    pub fn shut_down(&mut self) {
        self.leave_project();
        if let Some(leaving) = self.leaving.take() {
            // A panic there was reported by its own thread; there is nothing left to do with it.
            drop(leaving.join());
        }
        if self.settings != self.saved_settings
            && let Err(error) = self.settings.save(&self.settings_dir)
        {
            eprintln!("kleroterion: the settings were not saved: {error}");
        }
    }

    fn situation(&self) -> Situation {
        let active = self.open().and_then(|open| {
            let of = |state| open.runs.iter().find(|run| run.state == state).map(|run| (run.id, state));
            of(RunState::Running).or_else(|| of(RunState::Paused)).or_else(|| of(RunState::Queued))
        });
        Situation {
            project_open: self.project_open(),
            can_undo: self.undo.can_undo(),
            can_redo: self.undo.can_redo(),
            theme: self.settings.theme,
            tab: self.tab,
            log_open: self.settings.log_open,
            active,
        }
    }

    fn open(&self) -> Option<&OpenProject> {
        match &self.project {
            ProjectState::Open(open, _) => Some(open),
            _ => None,
        }
    }

    /// Tells something: as a toast, and in the log.
    fn tell(&mut self, level: Level, text: impl Into<String>) {
        let text = format::sentence(&text.into());
        self.log.add(level, text.clone());
        self.toasts.add(level, text);
    }

    /// Runs `job` on a thread of its own; its message is handled by [`Workbench::logic`].
    fn background(&mut self, job: impl FnOnce() -> Message + Send + 'static) {
        self.tasks += 1;
        let (sender, wake) = (self.sender.clone(), self.wake.clone());
        std::thread::spawn(move || {
            let message = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job))
                .unwrap_or_else(|_| Message::Failed("A job of the window stopped unexpectedly.".to_owned()));
            // Without a receiver the window is gone and nobody needs the answer.
            if sender.send(message).is_ok() {
                wake();
            }
        });
    }

    fn scan_home(&mut self) {
        let recent = self.settings.recent.clone();
        let wake = self.wake.clone();
        self.home_scan.ask(move || wake(), move || super::recent::scan(&recent));
    }

    fn save_settings(&mut self) {
        self.saved_settings = self.settings.clone();
        let (settings, directory) = (self.settings.clone(), self.settings_dir.clone());
        self.background(move || match settings.save(&directory) {
            Ok(()) => Message::SettingsSaved,
            Err(error) => Message::Failed(format!("Settings were not saved: {error}. {}", directory.display())),
        });
    }
}

impl Drop for Workbench {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl OpenProject {
    fn new(opened: Opened, library: Arc<Library>, wake: Wake) -> Self {
        let directory = opened.info.directory.clone();
        let mut open = Self {
            info: opened.info,
            directory,
            all_runs: Vec::new(),
            runs: Vec::new(),
            progress: BTreeMap::new(),
            versions: BTreeMap::new(),
            sentence_lists: opened.sentence_lists,
            models: Vec::new(),
            session: Session::new(library, wake),
            answers: Vec::new(),
        };
        open.set_runs(opened.runs);
        open
    }

    fn set_runs(&mut self, runs: Vec<RunRow>) {
        for run in &runs {
            let before = self.all_runs.iter().find(|known| known.id == run.id);
            if before != Some(run) {
                *self.versions.entry(run.id).or_default() += 1;
            }
        }
        self.runs = runs.iter().filter(|run| !run.archived).cloned().collect();
        self.models = model_choices(&runs);
        self.all_runs = runs;
    }

    /// Takes over what a run under way has come to record about itself.
    fn set_run(&mut self, row: RunRow) {
        for known in self.runs.iter_mut().chain(&mut self.all_runs).filter(|known| known.id == row.id) {
            // The state is told by events, in order; the row may be older or newer than they are.
            *known = RunRow { state: known.state, ..row.clone() };
        }
        *self.versions.entry(row.id).or_default() += 1;
    }

    fn run(&self, id: RunId) -> Option<&RunRow> {
        self.all_runs.iter().find(|run| run.id == id)
    }

    fn context<'a>(&'a self, wake: &'a Wake) -> TabContext<'a> {
        TabContext {
            project: &self.info,
            runs: &self.runs,
            progress: &self.progress,
            versions: &self.versions,
            session: &self.session,
            answers: &self.answers,
            models: &self.models,
            sentence_lists: &self.sentence_lists,
            directory: &self.directory,
            wake,
        }
    }
}

/// The tab that shows the results of a kind of run.
fn home_of(kind: &str) -> TabKind {
    match kind {
        "certify" | "survey" | "verify" => TabKind::Certify,
        "mix" | "exact" | "escape" | "phase" => TabKind::Mixing,
        "trajectories" => TabKind::Trajectories,
        "lottery" | "verify-panel" => TabKind::Panel,
        "train" | "import-trl" => TabKind::Training,
        "judge" | "questions" | "import-verdicts" => TabKind::Judging,
        "collect" | "import-comparisons" => TabKind::EigenBench,
        _ => TabKind::Runs,
    }
}

/// Runs that are queued, running or held.
fn unfinished(open: &OpenProject) -> usize {
    let active = |state| matches!(state, RunState::Queued | RunState::Running | RunState::Paused);
    open.all_runs.iter().filter(|run| active(run.state)).count()
}

/// Shipped models, then models of earlier runs and trained ones, then toys.
fn model_choices(runs: &[RunRow]) -> Vec<ModelChoice> {
    let mut choices: Vec<ModelChoice> = Library::shipped()
        .into_iter()
        .map(|(name, description)| ModelChoice { reference: name.to_owned(), description: description.to_owned() })
        .collect();
    // Other tabs ask masked language models; the Training tab lists the Llamas it trains itself.
    let masked = runs.iter().filter(|run| !matches!(run.spec, crate::jobs::spec::RunSpec::Train(_)));
    let used = masked.filter_map(|run| run.spec.model()).map(|name| (name.to_owned(), "used in this project"));
    let trained = runs.iter().filter_map(|run| match &run.spec {
        crate::jobs::spec::RunSpec::TrainMlm(spec) if run.state == RunState::Done => {
            Some((spec.out.display().to_string(), "trained in this project"))
        }
        _ => None,
    });
    let toys = [
        ("ising:n=6,beta=0.5", "toy: spins with a joint distribution, so R = 0"),
        ("random:layers=2,hidden=64,vocabulary=200,seed=0", "transformer with random weights"),
    ];
    let toys = toys.into_iter().map(|(name, description)| (name.to_owned(), description));
    for (reference, description) in trained.chain(used).chain(toys) {
        if choices.iter().all(|choice| choice.reference != reference) {
            choices.push(ModelChoice { reference, description: description.to_owned() });
        }
    }
    choices
}

/// 300 dots per inch.
const PIXELS_PER_POINT: f32 = 300.0 / 72.0;

/// Bytes of a figure's file, in print style.
fn figure_bytes(figure: &Figure, format: FigureFormat) -> Result<Vec<u8>, String> {
    let (width, height) = svg::DEFAULT_SIZE;
    match format {
        FigureFormat::Svg => Ok(svg::text(figure, width, height).into_bytes()),
        FigureFormat::Csv => Ok(csv::text(figure).into_bytes()),
        FigureFormat::Png => png::encode(figure, width, height, PIXELS_PER_POINT).map_err(|error| error.to_string()),
    }
}
