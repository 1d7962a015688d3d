//! Everything a click, key or menu can ask. Tabs push commands; `App::apply` is the only place that carries them out.

use std::path::PathBuf;
use std::sync::Arc;

use crate::figures::figure::Figure;
use crate::jobs::spec::RunSpec;
use crate::sortition::pool::Pool;
use crate::store::{PersonComparison, RunId, VerdictRow};
use crate::ui::settings::ThemeChoice;

/// A table for copying or exporting: header and rows of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// File name stem and heading.
    pub name: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Something that is made when it is exported, on a background thread.
pub struct Late<T> {
    /// File name stem of a table, whole file name of a text.
    pub name: String,
    make: Arc<dyn Fn() -> T + Send + Sync>,
}

/// A table that is made on the way: every row behind what is shown, at full precision.
pub type LateTable = Late<Table>;

/// A text that is made on the way, or why it cannot be made.
pub type LateText = Late<Result<String, String>>;

impl<T> Late<T> {
    /// What `make` makes.
    pub fn new(name: &str, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), make: Arc::new(make) }
    }

    /// Makes it; may take a while.
    pub fn make(&self) -> T {
        (self.make)()
    }
}

impl<T> Clone for Late<T> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), make: self.make.clone() }
    }
}

impl<T> PartialEq for Late<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.make, &other.make)
    }
}

impl<T> std::fmt::Debug for Late<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Late({})", self.name)
    }
}

/// How a table goes to the clipboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    Tsv,
    Csv,
    Markdown,
    Latex,
}

/// File formats of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureFormat {
    Png,
    Svg,
    Csv,
}

/// The tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum TabKind {
    Home,
    Certify,
    Mixing,
    Trajectories,
    Panel,
    Training,
    Judging,
    EigenBench,
    Runs,
}

impl TabKind {
    /// All tabs, in the order of their strip.
    pub const ALL: [Self; 9] = [
        Self::Home,
        Self::Certify,
        Self::Mixing,
        Self::Trajectories,
        Self::Panel,
        Self::Training,
        Self::Judging,
        Self::EigenBench,
        Self::Runs,
    ];

    /// What the tab is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Certify => "Certify",
            Self::Mixing => "Mixing",
            Self::Trajectories => "Trajectories",
            Self::Panel => "Panel",
            Self::Training => "Training",
            Self::Judging => "Judging",
            Self::EigenBench => "EigenBench",
            Self::Runs => "Runs",
        }
    }
}

/// Runs whose form is a dialog, since they have no tab of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewRun {
    /// Train a masked language model on a text.
    TrainMlm,
    /// Download a model from a hub.
    Fetch,
}

/// What the Training tab asks a path for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingPath {
    /// A file of preferences: ready, or to be imported.
    Preferences,
    /// The folder of PRISM's files.
    Prism,
    /// A table of the raters.
    People,
    /// A panel's audit file.
    Lottery,
    /// The folder of a Llama.
    Model,
    /// An empty folder for a TRL job.
    TrlExport,
    /// The folder of a job that was carried out.
    TrlJob,
}

/// What the Judging tab asks a path for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JudgingPath {
    Constitution,
    /// Questions for the clauses that are there.
    Questions,
    /// Verdicts that were given elsewhere.
    Verdicts,
    /// Answers of the model in this row, made elsewhere.
    Answers(usize),
    /// The adapter of the model in this row.
    Adapter(usize),
}

/// What the EigenBench tab asks a path for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EigenBenchPath {
    Constitution,
    Scenarios,
    /// Judgements that were given elsewhere.
    Judgements,
    /// The adapter of the model in this row.
    Adapter(usize),
    /// Choices that people made elsewhere, for a collection.
    People,
    /// Of the label-recovery lab.
    LabelAnswers,
    /// Scores that the lab holds an order against.
    LabelScores,
}

/// People on their way into the project.
#[derive(Clone, PartialEq)]
pub struct NewPool {
    /// Name of the file they come from.
    pub source: String,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// How its columns were read, as JSON.
    pub mapping: String,
    pub pool: Arc<Pool>,
}

impl std::fmt::Debug for NewPool {
    /// Leaves the people out: what is printed may end in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewPool({}, {} people)", self.source, self.pool.len())
    }
}

/// One wish of the user, with what it needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    NewProject,
    ChooseProject,
    OpenProject(PathBuf),
    DuplicateProject,
    RevealProject,
    CloseProject,
    /// Takes a project from the start page's list; its folder stays.
    ForgetRecent(PathBuf),
    /// Takes away the note that a project would not open.
    DismissProblem,
    /// Copies a sample project into a folder that the user chooses, and opens the copy.
    CopySample(PathBuf),
    ShowTab(TabKind),
    StartRun(Box<RunSpec>),
    PauseRun(RunId),
    ResumeRun(RunId),
    CancelRun(RunId),
    /// Starts a new run with the same spec.
    RunAgain(RunId),
    /// Fills the form of the run's tab with its spec, without starting it.
    DuplicateAsForm(RunId),
    ArchiveRun(RunId, bool),
    /// Opens "what exactly made you?" for a run.
    ShowProvenance(RunId),
    /// Shows the results of a run in its tab.
    ShowRun(RunId),
    /// The draft of a tab changed in a way worth an undo point; the tab's own draft already holds the new value.
    DraftEdited(TabKind),
    /// Asks for a file name off the UI thread, then writes.
    ExportFigure(Box<Figure>, FigureFormat),
    ExportTable(Box<Table>),
    /// The same for a table that is made on the way.
    ExportLate(LateTable),
    ExportLateText(LateText),
    ExportText {
        name: String,
        text: String,
    },
    CopyTable(Box<Table>, TableFormat),
    CopyText(String),
    /// Chooses a text or CSV file of sentences off the UI thread and stores it under its name.
    ImportSentences,
    /// Chooses a file of people off the UI thread; the Panel tab previews it.
    ChoosePeople,
    /// Chooses a file of quotas off the UI thread; the Panel tab takes them over.
    ChooseQuotas,
    /// Chooses a list of people who are on the panel already off the UI thread; the Panel tab seats them.
    ChooseSeated,
    /// Chooses a panel's audit file off the UI thread and checks it.
    ChooseAudit,
    /// Chooses a file or folder off the UI thread for the Training tab.
    ChooseForTraining(TrainingPath),
    /// Chooses a file or folder off the UI thread for the Judging tab.
    ChooseForJudging(JudgingPath),
    /// Chooses a file or folder off the UI thread for the EigenBench tab.
    ChooseForEigenBench(EigenBenchPath),
    /// Keeps a person's verdict on answers of a run, or takes it back.
    KeepVerdict(RunId, Box<VerdictRow>),
    TakeBackVerdict(RunId, Box<VerdictRow>),
    /// Keeps a person's choice between two responses of a collection, or takes it back.
    KeepComparison(RunId, Box<PersonComparison>),
    TakeBackComparison(RunId, Box<PersonComparison>),
    /// Keeps choices that people made elsewhere.
    KeepComparisons(RunId, Arc<Vec<PersonComparison>>),
    /// Stores people in the project and shows them in the Panel tab.
    StorePool(NewPool),
    /// Deletes everybody who was imported from the project.
    ForgetPeople,
    /// Fills the screen with the window, or gives it back its frame.
    FullScreen(bool),
    /// Chooses a certificate file off the UI thread and verifies it.
    ChooseCertificate,
    Undo,
    Redo,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    ShowPalette,
    ShowSettings,
    ShowAbout,
    ShowShortcuts,
    /// Opens the log, or closes it.
    ShowLog,
    /// Opens the form of a new run.
    NewRun(NewRun),
    SetTheme(ThemeChoice),
    Quit,
}
